import { LRUCache } from 'lru-cache';
import type { Instant } from '../domain/instant.js';
import type { Product } from '../domain/product.js';

/** The units of a product's holds that were due at a time. */
interface KnownUnits {
  readonly units: number;
  /** what was due by then is among them */
  readonly upTo: Instant;
  /** when they were last added up from the first on */
  readonly countedAt: Instant;
}

/** Whoever edits rows from outside is found out after so many ms. */
const CARRIED_ON_MAX_MS = 10_000;
const PRODUCTS_MAX = 1_000;

/**
 * What this copy knows to be due on products, so that a hundred thousand due holds are not added up
 * for each batch on their product. Every command that changes a hold counts up the version of its
 * product, so under the same version only what fell due since is to be added. Nothing rests on it:
 * what another version was counted for is forgotten.
 */
export class DueUnits {
  readonly #known = new LRUCache<number, KnownUnits & { readonly version: number }>({
    max: PRODUCTS_MAX,
  });

  /** What was due on a locked product when it was last looked at; null: all is to be added up. */
  find({ id, version }: Product, now: Instant): KnownUnits | null {
    const known = this.#known.get(id);
    const isGood =
      known?.version === version && known.upTo <= now && now - known.countedAt < CARRIED_ON_MAX_MS;
    return isGood ? known : null;
  }

  /** Keeps what was read of a locked product. */
  keep({ id, version }: Product, known: KnownUnits): void {
    this.#known.set(id, { ...known, version });
  }

  /** A batch is committed, and left so many units that were due when it began. */
  left(productId: number, { version, units }: { version: number; units: number }): void {
    const known = this.#known.get(productId);
    if (known) this.#known.set(productId, { ...known, version, units });
  }
}
