import type { Counters } from '../../machines/product.js';
import type { Instant } from './instant.js';

export const MOVEMENT_KINDS = [
  'open',
  'publish',
  'unpublish',
  'update',
  'restock',
  'adjust',
  'rent',
  'cancel',
  'complete',
  'reserve',
  'change_hold',
  'extend',
  'confirm',
  'release',
  'expire',
  'sync',
] as const;
export type MovementKind = (typeof MOVEMENT_KINDS)[number];

/** One line of the ledger: what changed on a product, why and by whom, with the counters after it. */
export interface Movement {
  readonly storeId: number;
  readonly productId: number;
  readonly commandId: string;
  readonly kind: MovementKind;
  /** the four changes */
  readonly delta: Counters;
  /** the four counters after it */
  readonly after: Counters;
  readonly rentalId: string | null;
  readonly reservationId: string | null;
  readonly orderId: string | null;
  readonly reason: string | null;
  /** the caller's `sub` */
  readonly actor: string;
  readonly createdAt: Instant;
}

/** A line as it stands in the ledger. */
export interface LedgerLine extends Movement {
  /** ascending in the order of the ledger */
  readonly id: number;
}
