import { groupBy } from './group-by.js';
import { LiveProduct } from './live-product.js';
import type { Product } from './product.js';
import type { Reason } from './refusal.js';

/**
 * Units that a cart could have of a product now: those it holds itself, and the free ones. A draft
 * has none to give, but keeps what it promised.
 *
 * `product` is as it is told; `held` is read beside it, and may be of another moment: a cart never
 * counts more units as its own than are held in all.
 */
export function unitsFor(product: Product, held: number): number {
  const own = Math.min(held, product.quantityReserved);
  return product.availabilityStatus === 'draft' ? own : product.quantityAvailable + own;
}

/** Why a cart could not have so many units of a product now; null where it could. */
function shortageOf(product: Product | null, held: number, requested: number): Reason | null {
  if (!product) return { code: 'product_not_found' };
  const quantityAvailable = unitsFor(product, held);
  if (requested <= quantityAvailable) return null;
  return new LiveProduct({ ...product, quantityAvailable }).trial([
    { type: 'HOLD', units: requested },
  ]);
}

/** A product that somebody would like units of. */
export interface Wish {
  /** null where there is none by that name */
  readonly product: Product | null;
  /** how it was named */
  readonly name: string | number;
  /** units */
  readonly quantity: number;
}

/** A wish that can not be had now. */
export interface Shortage {
  /** its place in the list, from 0 */
  readonly index: number;
  readonly product: Product | null;
  readonly reason: Reason;
  /** units, in all wishes for the product */
  readonly requested: number;
  /** units that could be had */
  readonly available: number;
}

/**
 * What a list of wishes falls short of now, as holding it would say; `heldOf` are the units that
 * the cart holds already. Wishes for one product are their sum.
 */
export function shortagesOf(
  wishes: readonly Wish[],
  heldOf: (product: Product) => number,
): Shortage[] {
  const groups = groupBy(wishes.entries(), ([, { product, name }]) =>
    product ? `#${product.id}` : `:${name}`,
  );
  const shortages = [...groups.values()].flatMap((group) => {
    const [[, { product }]] = group;
    const held = product ? heldOf(product) : 0;
    const requested = group.reduce((total, [, { quantity }]) => total + quantity, 0);
    const reason = shortageOf(product, held, requested);
    const available = product ? unitsFor(product, held) : 0;
    return reason ? group.map(([index]) => ({ index, product, reason, requested, available })) : [];
  });
  return shortages.sort((a, b) => a.index - b.index);
}
