import type { Instant } from '../domain/instant.js';
import {
  advanced,
  NOTHING,
  ProductFold,
  type ProductTotals,
  type ReportedLine,
} from '../domain/ledger-totals.js';
import type { Connection } from '../persistence/database.js';
import { type Beginning, readBeginnings } from '../persistence/ledger-lines.js';
import { endOfDay } from '../persistence/ledger-totals.js';

export interface FoldOptions {
  /** the last day that is added up: the folds go on from its end */
  readonly baseDay: number;
  readonly spanMs: number;
  /** only lines before it count */
  readonly cut: Instant;
  /** of products without a threshold of their own */
  readonly lowStockThreshold: number;
}

/** One product's ledger, added up from the end of the base day on. */
export interface Folded {
  readonly storeId: number;
  readonly productId: number;
  readonly opening: ProductTotals;
  readonly fold: ProductFold;
}

/** Adds up lines of any products that come in order of id within each. */
export class Folds {
  readonly #connection: Connection;
  readonly #options: FoldOptions;
  readonly #products = new Map<number, Folded>();
  /** the first line that came too late for the folds; infinite where none did */
  firstLeftOut = Number.POSITIVE_INFINITY;

  constructor(connection: Connection, options: FoldOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  get products(): ReadonlyMap<number, Folded> {
    return this.#products;
  }

  async add(lines: readonly ReportedLine[]): Promise<void> {
    const unknown = new Set(lines.map((line) => line.productId));
    for (const productId of this.#products.keys()) unknown.delete(productId);
    const beginnings = await readBeginnings(this.#connection, [...unknown], this.#options.baseDay);
    for (const beginning of beginnings) this.#begin(beginning);
    for (const line of lines) {
      const isIn = this.#products.get(line.productId)?.fold.add(line);
      if (!isIn) this.firstLeftOut = Math.min(this.firstLeftOut, line.id);
    }
  }

  #begin({ storeId, productId, totals, openedPublished, lowStockThreshold }: Beginning): void {
    const { baseDay, spanMs, cut, lowStockThreshold: fallback } = this.#options;
    const opening = advanced(totals ?? NOTHING, endOfDay(baseDay));
    const lowAt = lowStockThreshold ?? fallback;
    const fold = new ProductFold(opening, { spanMs, cut, lowAt, openedPublished });
    this.#products.set(productId, { storeId, productId, opening, fold });
  }
}
