import type { ProductRefusal } from '../../machines/product.js';
import type { RentalRefusal } from '../../machines/rental.js';

/** A field of a request that can't be accepted, and what would be. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/**
 * Every reason for which a command is refused: a code and its facts, without status numbers or
 * sentences. Those of one product or one rental come from its machine; the others are about rows
 * that a command names, or about more than one row.
 */
export type Refusal =
  | Exclude<ProductRefusal, { code: 'exceeds_rented' }>
  | RentalRefusal
  | UnitsNotOut
  | { readonly code: 'product_not_found' }
  | { readonly code: 'rental_not_found' }
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

export type RefusalCode = Refusal['code'];

/**
 * Whether a refusal is an answer that an idempotency key remembers: those that depend on what the
 * rows said under the lock (409 and 412 on the wire). The rest may be sent again with the same key.
 */
export function isRemembered(refusal: Refusal): boolean {
  switch (refusal.code) {
    case 'product_not_found':
    case 'rental_not_found':
    case 'not_found':
    case 'validation_failed':
    case 'idempotency_key_reused':
      return false;
    default:
      return true;
  }
}
