import { counted } from './counted.js';
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
      return `${unitsAre(refusal.committed)} out or held, and ${refusal.requested} would not cover ${refusal.committed === 1 ? 'it' : 'them'}.`;
    case 'invalid_transition':
      if ('held' in refusal) {
        return `${onlyUnitsAre(refusal.held)} held, and ${were(refusal.requested)} to be given back.`;
      }
      if ('inCart' in refusal) {
        return `The cart has only ${counted(refusal.inCart, 'unit')} of it, and ${were(refusal.requested)} to be removed.`;
      }
      if ('reservationStatus' in refusal) {
        return notPossible('reservation', refusal.reservationStatus, PARTICIPLES[refusal.action]);
      }
      if (refusal.action === 'release') {
        return `${onlyUnitsAre(refusal.rented)} out that could come back, and ${were(refusal.requested)} to.`;
      }
      return notPossible('rental', refusal.status, PARTICIPLES[refusal.action]);
    case 'reservation_expired':
      return 'The hold has expired, and its units are free for everybody. Hold them anew.';
    case 'extension_limit_reached':
      return `The hold can not be extended beyond ${new Date(refusal.limitAt).toISOString()}: a hold lives no longer.`;
    case 'hold_limit_reached':
      return `A customer may have ${counted(refusal.limit, 'hold')} at once. Give one back, or check out first.`;
    case 'webhook_endpoint_limit_reached':
      return `A store may have ${counted(refusal.limit, 'webhook endpoint')}. Delete one first.`;
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
  cancel: 'cancelled',
  complete: 'completed',
} as const;

/** What is over is either what was asked for, or in the way of it. */
function notPossible(what: string, status: string, participle: string): string {
  return status === participle
    ? `The ${what} is ${status} already.`
    : `The ${what} is ${status} and can not be ${participle} any more.`;
}

const unitsAre = (units: number) => `${counted(units, 'unit')} ${units === 1 ? 'is' : 'are'}`;
const onlyUnitsAre = (units: number) => (units === 0 ? 'No units are' : `Only ${unitsAre(units)}`);
const were = (units: number) => `${units} ${units === 1 ? 'was' : 'were'}`;
