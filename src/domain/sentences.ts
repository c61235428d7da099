import type { Refusal } from './refusal.js';

/** What a refusal is to a person; document 1's callers look for "out of stock" and "not available". */
export function sentenceOf(refusal: Refusal): string {
  switch (refusal.code) {
    case 'out_of_stock':
      return 'The product is out of stock: no unit is free.';
    case 'insufficient_stock':
      return `Only ${refusal.available} left, and ${refusal.requested} were asked for.`;
    case 'not_available':
      return 'The product is not available: it is a draft. Publish it first.';
    case 'quantity_below_committed':
      return `${refusal.committed} units are out or held, so the product can not own ${refusal.requested}.`;
    case 'invalid_transition':
      if (refusal.action === 'release') {
        return `Only ${refusal.rented} units are out that could come back, and ${refusal.requested} were to.`;
      }
      return `The rental is ${refusal.status} and can not be ${refusal.action === 'cancel' ? 'cancelled' : 'completed'} any more.`;
    case 'product_not_found':
      return 'There is no such product in this store.';
    case 'rental_not_found':
      return 'There is no such rental.';
    case 'not_found':
      return 'There is nothing here by that name.';
    case 'sku_taken':
      return `Another product of this store has the SKU ${refusal.sku}.`;
    case 'version_mismatch':
      return `The product is at version ${refusal.version}. Read it again and decide anew.`;
    case 'validation_failed':
      return 'The request has fields that can not be accepted.';
    case 'idempotency_key_reused':
      return 'This Idempotency-Key was sent before with another request. Use a new key for a new request.';
  }
}
