import type { ProductRefusal } from '../../machines/product.js';
import type { RentalRefusal } from '../../machines/rental.js';
import type { ReservationRefusal } from '../../machines/reservation.js';
import type { Instant } from './instant.js';

/** A field of a request that can't be accepted, and what would be. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Why a command is refused, and where it has several lines, why each that falls short is. */
export type Refusal = Reason & { readonly lines?: readonly LineRefusal[] };

/** Why a line of a command is refused. `index` is its place in the command, from 0. */
export interface LineRefusal {
  readonly index: number;
  readonly reason: Reason;
  /** units of its product that it could have; 0 where there is no such product */
  readonly available: number;
}

/**
 * Every reason for which a command is refused: a code and its facts, without status numbers or
 * sentences. Those of one product, rental or reservation come from its machine; the others are
 * about rows that a command names, or about more than one row.
 */
export type Reason =
  | Exclude<ProductRefusal, { code: 'exceeds_rented' | 'exceeds_reserved' | 'exceeds_owned_max' }>
  | RentalRefusal
  | Exclude<ReservationRefusal, { code: 'not_due' | 'reservation_expired' }>
  | ReservationExpired
  | UnitsNotOut
  | UnitsNotHeld
  | UnitsNotInCart
  | { readonly code: 'hold_limit_reached'; readonly limit: number }
  | { readonly code: 'webhook_endpoint_limit_reached'; readonly limit: number }
  | { readonly code: 'forbidden' }
  | { readonly code: 'reservation_not_found' }
  | { readonly code: 'cart_item_not_found' }
  | { readonly code: 'product_not_found' }
  | { readonly code: 'rental_not_found' }
  | { readonly code: 'webhook_endpoint_not_found' }
  | { readonly code: 'order_not_found' }
  | { readonly code: 'not_found' }
  | { readonly code: 'sku_taken'; readonly sku: string }
  | { readonly code: 'version_mismatch'; readonly version: number }
  | { readonly code: 'validation_failed'; readonly errors: readonly FieldError[] }
  | { readonly code: 'idempotency_key_reused' };

/** More units were to come back than are out on rentals of nobody in particular. */
export interface UnitsNotOut {
  readonly code: 'invalid_transition';
  readonly action: 'release';
  readonly rented: number;
  readonly requested: number;
}

/** Less is held than was to be given back. */
export interface UnitsNotHeld {
  readonly code: 'invalid_transition';
  readonly held: number;
  readonly requested: number;
}

/** The line of a cart has fewer units than were to be taken off it. */
export interface UnitsNotInCart {
  readonly code: 'invalid_transition';
  readonly inCart: number;
  readonly requested: number;
}

/** The hold is over, or several are. */
export interface ReservationExpired {
  readonly code: 'reservation_expired';
  /** of a whole cart: those that expired */
  readonly expired?: readonly {
    readonly reservationId: string;
    readonly productId: number;
    readonly expiredAt: Instant;
  }[];
}

export type RefusalCode = Refusal['code'];

/**
 * Whether a refusal is an answer that an idempotency key remembers: those that depend on what the
 * rows said under the lock (409 and 412 on the wire). The rest may be sent again with the same key.
 */
export function isRemembered(refusal: Refusal): boolean {
  switch (refusal.code) {
    case 'forbidden':
    case 'product_not_found':
    case 'rental_not_found':
    case 'reservation_not_found':
    case 'cart_item_not_found':
    case 'webhook_endpoint_not_found':
    case 'order_not_found':
    case 'not_found':
    case 'validation_failed':
    case 'idempotency_key_reused':
      return false;
    default:
      return true;
  }
}

/** Refuses a command for the lines that fall short; the code is the first one's. */
export function refusalOfLines(lines: readonly LineRefusal[]): Refusal {
  const sorted = [...lines].sort((a, b) => a.index - b.index);
  const [first] = sorted;
  if (!first) throw new Error('a command was refused for no line');
  return { ...first.reason, lines: sorted };
}
