import { type AvailabilityStatus, type Counters, statusOf } from '../../machines/product.js';
import type { Instant } from './instant.js';
import { countersOf, difference, type Product } from './product.js';

/** Why a product's counters differ from what its rows say; the gravest first. */
export const DRIFT_CAUSES = [
  /** more is out than is owned: those units exist, so the owned count is raised */
  'over_committed',
  /** the ledger says something else than the active rentals */
  'rental_changed_outside',
  /** the ledger says something else than the active reservations */
  'reservation_changed_outside',
  /** the row says something else than the ledger */
  'counter_changed_outside',
] as const;
export type DriftCause = (typeof DRIFT_CAUSES)[number];

/** What a product's rentals, reservations and ledger say, to compare its counters with. */
export interface ProductTruth {
  readonly productId: number;
  /** units of its active rentals */
  readonly unitsRented: number;
  /** units of its active reservations, those that are due among them */
  readonly unitsReserved: number;
  /** when the first of them is due; null where there is none */
  readonly firstHoldDueAt: Instant | null;
  /** what the ledger says: the counters after its last line, or (deep) the sums of its lines */
  readonly ledger: Counters;
}

/** A product whose counters drifted, and what is right. */
export interface Drift {
  readonly productId: number;
  readonly storeId: number;
  readonly old: Counters;
  readonly new: Counters;
  readonly oldStatus: AvailabilityStatus;
  readonly newStatus: AvailabilityStatus;
  /** the gravest of `causes` */
  readonly cause: DriftCause;
  readonly causes: readonly DriftCause[];
}

/**
 * Compares a product's row with its ledger, its rentals and its reservations; null where they agree.
 *
 * The rows win: rented and reserved are what the active rentals and reservations say, owned is the
 * product's own quantity, raised where more than that is out or held, and free is the rest.
 */
export function driftOf(row: Product, truth: ProductTruth): Drift | null {
  const isDraft = row.availabilityStatus === 'draft';
  const committed = truth.unitsRented + truth.unitsReserved;
  const quantity = Math.max(row.quantity, committed);
  const counters = {
    quantity,
    quantityAvailable: quantity - committed,
    quantityReserved: truth.unitsReserved,
    quantityRented: truth.unitsRented,
  };
  const found: Record<DriftCause, boolean> = {
    over_committed: committed > row.quantity,
    rental_changed_outside: truth.ledger.quantityRented !== truth.unitsRented,
    reservation_changed_outside:
      truth.ledger.quantityReserved !== truth.unitsReserved || isHintLate(row, truth),
    counter_changed_outside:
      !isSame(row, truth.ledger) ||
      row.availabilityStatus !== statusOf(isDraft, row.quantityAvailable),
  };
  const causes = DRIFT_CAUSES.filter((cause) => found[cause]);
  const [cause] = causes;
  if (cause === undefined) return null;
  return {
    productId: row.id,
    storeId: row.storeId,
    old: countersOf(row),
    new: counters,
    oldStatus: row.availabilityStatus,
    newStatus: statusOf(isDraft, counters.quantityAvailable),
    cause,
    causes,
  };
}

/** Whether a hold would be due before anybody looks; see Product.nextHoldDueAt. */
function isHintLate({ nextHoldDueAt }: Product, { firstHoldDueAt }: ProductTruth): boolean {
  if (firstHoldDueAt === null) return false;
  return nextHoldDueAt === null || nextHoldDueAt > firstHoldDueAt;
}

/** How far the truth is from the row; it stays so while accepted commands move both. */
export interface TruthOffset {
  readonly unitsRented: number;
  readonly unitsReserved: number;
  /** as it was: the row's own hint follows what commands do */
  readonly firstHoldDueAt: Instant | null;
  readonly ledger: Counters;
}

export function offsetOf(row: Product, truth: ProductTruth): TruthOffset {
  return {
    unitsRented: truth.unitsRented - row.quantityRented,
    unitsReserved: truth.unitsReserved - row.quantityReserved,
    firstHoldDueAt: truth.firstHoldDueAt,
    ledger: difference(row, truth.ledger),
  };
}

export function truthAt(row: Product, offset: TruthOffset): ProductTruth {
  return {
    productId: row.id,
    unitsRented: row.quantityRented + offset.unitsRented,
    unitsReserved: row.quantityReserved + offset.unitsReserved,
    firstHoldDueAt: offset.firstHoldDueAt,
    ledger: {
      quantity: row.quantity + offset.ledger.quantity,
      quantityAvailable: row.quantityAvailable + offset.ledger.quantityAvailable,
      quantityReserved: row.quantityReserved + offset.ledger.quantityReserved,
      quantityRented: row.quantityRented + offset.ledger.quantityRented,
    },
  };
}

function isSame(a: Counters, b: Counters): boolean {
  return (
    a.quantity === b.quantity &&
    a.quantityAvailable === b.quantityAvailable &&
    a.quantityReserved === b.quantityReserved &&
    a.quantityRented === b.quantityRented
  );
}
