import type { Reason } from './refusal.js';

/** What a refusal is to a person; document 1's callers look for "out of stock" and "not available". */
export function sentenceOf(refusal: Reason): string {
  switch (refusal.code) {
    case 'out_of_stock':
      return 'The product is out of stock: no unit is free.';
    case 'insufficient_stock':
      return `Only ${refusal.available} left, and ${refusal.requested} were asked for.`;
    case 'not_available':
      return 'The product is not available: it is not published.';
    case 'quantity_below_committed':
      return `${refusal.committed} units are out or held, and ${refusal.requested} would not cover them.`;
    case 'invalid_transition':
      if ('held' in refusal) {
        return `Only ${refusal.held} units are held, and ${refusal.requested} were to be given back.`;
      }
      if ('inCart' in refusal) {
        return `The cart has only ${refusal.inCart} units of it, and ${refusal.requested} were to be removed.`;
      }
      if ('reservationStatus' in refusal) {
        return `The reservation is ${refusal.reservationStatus} and can not be ${PARTICIPLES[refusal.action]} any more.`;
      }
      if (refusal.action === 'release') {
        return `Only ${refusal.rented} units are out that could come back, and ${refusal.requested} were to.`;
      }
      return `The rental is ${refusal.status} and can not be ${refusal.action === 'cancel' ? 'cancelled' : 'completed'} any more.`;
    case 'reservation_expired':
      return 'The hold has expired, and its units are free for everybody. Hold them anew.';
    case 'extension_limit_reached':
      return `The hold can not be extended beyond ${new Date(refusal.limitAt).toISOString()}: a hold lives no longer.`;
    case 'hold_limit_reached':
      return `A customer may have ${refusal.limit} holds at once. Give one back, or check out first.`;
    case 'forbidden':
      return "The cart is somebody else's.";
    case 'reservation_not_found':
      return 'There is no such reservation.';
    case 'cart_item_not_found':
      return 'The cart has no such line.';
    case 'product_not_found':
      return 'There is no such product in this store.';
    case 'rental_not_found':
      return 'There is no such rental.';
    case 'webhook_endpoint_not_found':
      return 'There is no such webhook endpoint.';
    case 'order_not_found':
      return 'There is no such order.';
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

const PARTICIPLES = {
  change: 'changed',
  extend: 'extended',
  confirm: 'confirmed',
  release: 'released',
} as const;
