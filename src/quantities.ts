import type { AvailabilityStatus } from '../machines/product.js';
import type { Core } from './core.js';
import type { CommandHeader } from './domain/command.js';
import type { Refusal } from './domain/refusal.js';
import { sentenceOf } from './domain/sentences.js';
import type { SyncReport } from './domain/sync-run.js';
import { newId } from './ids.js';

/** What is free on a product right after a change. */
export interface QuantityResult {
  readonly success: true;
  readonly quantity_available: number;
  readonly availability_status: AvailabilityStatus;
}

/** The four functions by which a rental application in the same process uses the core. */
export interface QuantityFunctions {
  /** Makes a rental of `quantity` units (1 to 1,000,000). Throws RefusedError, Unavailable. */
  checkAndReserveQuantity(
    productId: number,
    quantity: number,
  ): Promise<QuantityResult & { readonly rental_id: string }>;
  /**
   * Ends rentals that have no user and no order, like those made here, oldest first: `quantity`
   * units (1 to 1,000), the last rental split where it has more. The reason `rental_completed`
   * completes them, any other cancels them. Throws RefusedError, Unavailable.
   */
  releaseReservedQuantity(
    productId: number,
    quantity: number,
    reason: string,
  ): Promise<QuantityResult>;
  /** Less than 0 takes units as a rental, more gives them back. Throws RefusedError, Unavailable. */
  updateQuantityAvailable(productId: number, quantityChange: number): Promise<QuantityResult>;
  /**
   * Finds and repairs drift in one product, or in all of the store's. Throws RefusedError where
   * there is no such product, and Unavailable.
   */
  syncProductQuantities(productId?: number): Promise<SyncResult>;
}

export interface SyncResult {
  readonly success: true;
  readonly total_products: number;
  /** how many had drifted */
  readonly synced_products: number;
  readonly details: SyncReport['details'];
}

/** A refusal, for callers that look into the message: "out of stock", "not available". */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(sentenceOf(refusal));
    this.name = 'RefusedError';
    this.refusal = refusal;
  }
}

const UNITS_MAX = 1_000_000;
const RELEASED_UNITS_MAX = 1_000;

/** The functions for one store; `actor` is who the ledger names. */
export function quantityFunctions(
  core: Pick<Core, 'send' | 'sync'>,
  { storeId, actor }: { storeId: number; actor: string },
): QuantityFunctions {
  const header = (): CommandHeader => ({ id: newId(), storeId, actor, idempotency: null });

  async function checkAndReserveQuantity(productId: number, quantity: number) {
    checkUnits(quantity, UNITS_MAX);
    const { outcome } = await core.send({
      ...header(),
      kind: 'rent',
      productId,
      rentalId: newId(),
      quantity,
      userId: null,
      startsAt: null,
      endsAt: null,
      orderId: null,
    });
    if (!outcome.ok) throw new RefusedError(outcome.refusal);
    return { ...resultOf(outcome.value), rental_id: outcome.value.rental.id };
  }

  async function releaseReservedQuantity(productId: number, quantity: number, reason: string) {
    checkUnits(quantity, RELEASED_UNITS_MAX);
    const { outcome } = await core.send({
      ...header(),
      kind: 'release_units',
      productId,
      quantity,
      as: reason === 'rental_completed' ? 'complete' : 'cancel',
      reason,
      splitRentalId: newId(),
    });
    if (!outcome.ok) throw new RefusedError(outcome.refusal);
    return resultOf(outcome.value);
  }

  async function syncProductQuantities(productId?: number): Promise<SyncResult> {
    if (productId !== undefined && !(await core.sync.hasProducts({ storeId, productId }))) {
      throw new RefusedError({ code: 'product_not_found' });
    }
    const { outcome } = await core.send({
      ...header(),
      kind: 'start_sync',
      run: {
        id: newId(),
        storeId,
        productId: productId ?? null,
        startedBy: 'script',
        dryRun: false,
        deep: false,
      },
    });
    if (!outcome.ok) throw new RefusedError(outcome.refusal);
    const report = await core.sync.carryOut(outcome.value.runId);
    if (!report) throw new Error('another process took the run over');
    return {
      success: true,
      total_products: report.run.totalProducts,
      synced_products: report.driftedProducts,
      details: report.details,
    };
  }

  return {
    checkAndReserveQuantity,
    releaseReservedQuantity,
    async updateQuantityAvailable(productId, quantityChange) {
      if (quantityChange < 0) return checkAndReserveQuantity(productId, -quantityChange);
      return releaseReservedQuantity(productId, quantityChange, 'quantity_updated');
    },
    syncProductQuantities,
  };
}

function resultOf(left: {
  quantityAvailable: number;
  availabilityStatus: AvailabilityStatus;
}): QuantityResult {
  return {
    success: true,
    quantity_available: left.quantityAvailable,
    availability_status: left.availabilityStatus,
  };
}

function checkUnits(units: number, max: number): void {
  if (!Number.isSafeInteger(units) || units < 1 || units > max) {
    throw new RangeError(`quantity must be a whole number from 1 to ${max}, not ${units}`);
  }
}
