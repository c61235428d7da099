import type { Counters } from '../../machines/product.js';
import type { Product } from './product.js';

/** What stands on the shelf: units that are free, and units that are held. */
export function unitsOnHand(counters: Counters): number {
  return counters.quantityAvailable + counters.quantityReserved;
}

/** Free units at or below which a product is low; `fallback` is LOW_STOCK_THRESHOLD. */
export function thresholdOf(product: Product, fallback: number): number {
  return product.lowStockThreshold ?? fallback;
}

/** Several products taken together. */
export interface StockTotals {
  /** units on hand */
  readonly onHand: number;
  /** products at or below their threshold, the empty ones too */
  readonly low: number;
  /** products of which no unit is free */
  readonly empty: number;
}

export function totalsOf(products: readonly Product[], fallback: number): StockTotals {
  return {
    onHand: products.reduce((total, product) => total + unitsOnHand(product), 0),
    low: products.filter((one) => one.quantityAvailable <= thresholdOf(one, fallback)).length,
    empty: products.filter((one) => one.quantityAvailable === 0).length,
  };
}
