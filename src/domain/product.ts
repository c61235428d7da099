import { type AvailabilityStatus, type Counters, statusOf } from '../../machines/product.js';
import type { Instant } from './instant.js';

/** A thing that can be rented, counted in interchangeable units. */
export interface Product extends Counters {
  readonly id: number;
  readonly storeId: number;
  readonly sku: string;
  readonly name: string;
  /** the product that it is a variant of */
  readonly parentId: number | null;
  readonly availabilityStatus: AvailabilityStatus;
  /** units; null means the service's LOW_STOCK_THRESHOLD */
  readonly lowStockThreshold: number | null;
  /** minor units of `priceCurrency`, for one unit */
  readonly priceAmount: number | null;
  /** ISO 4217, or null where there is no price */
  readonly priceCurrency: string | null;
  readonly supplierEmail: string | null;
  /**
   * no later than the first of its holds is due: a hint that spares looking for due holds; null
   * where it has no holds
   */
  readonly nextHoldDueAt: Instant | null;
  /** one more with each accepted command that changes the row; the ETag */
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What a caller says of a product when it is made. */
export interface NewProduct {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly publish: boolean;
  readonly parentId: number | null;
  readonly lowStockThreshold: number | null;
  readonly priceAmount: number | null;
  readonly priceCurrency: string | null;
  readonly supplierEmail: string | null;
}

/** What may be changed of a product; a field left out stays as it is. */
export interface ProductChanges {
  readonly name?: string | undefined;
  /** units owned */
  readonly quantity?: number | undefined;
  readonly lowStockThreshold?: number | null | undefined;
  readonly priceAmount?: number | null | undefined;
  readonly priceCurrency?: string | null | undefined;
  readonly supplierEmail?: string | null | undefined;
}

/** The four counters of anything that has them, and nothing else. */
export function countersOf(from: Counters): Counters {
  return {
    quantity: from.quantity,
    quantityAvailable: from.quantityAvailable,
    quantityReserved: from.quantityReserved,
    quantityRented: from.quantityRented,
  };
}

/** What has to be added to `before` to give `after`. */
export function difference(before: Counters, after: Counters): Counters {
  return {
    quantity: after.quantity - before.quantity,
    quantityAvailable: after.quantityAvailable - before.quantityAvailable,
    quantityReserved: after.quantityReserved - before.quantityReserved,
    quantityRented: after.quantityRented - before.quantityRented,
  };
}

/**
 * A product as it is told: `dueUnits`, which holds that are due still have, count as free. A copy,
 * where anything does.
 */
export function asTold<
  T extends Pick<Product, 'quantityAvailable' | 'quantityReserved' | 'availabilityStatus'>,
>(product: T, dueUnits: number): T {
  if (dueUnits === 0) return product;
  const quantityAvailable = product.quantityAvailable + dueUnits;
  return {
    ...product,
    quantityAvailable,
    quantityReserved: product.quantityReserved - dueUnits,
    availabilityStatus: statusOf(product.availabilityStatus === 'draft', quantityAvailable),
  };
}
