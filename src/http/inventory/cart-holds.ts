import type { Core } from '../../core.js';
import { mayTouchCart } from '../../domain/carts.js';
import { type Caller, ownerOf } from '../caller.js';
import { problemOf } from '../problem.js';

/**
 * Units that a cart holds now, by product id; a null cart holds none. Throws 403 where the caller
 * may not touch it.
 */
export async function unitsHeldBy(
  core: Core,
  caller: Caller,
  cartId: string | null,
): Promise<ReadonlyMap<number, number>> {
  if (cartId === null) return new Map();
  const held = await core.reservations.heldByCart(caller.storeId, cartId);
  if (!mayTouchCart(ownerOf(caller), cartId, held)) throw problemOf({ code: 'forbidden' });
  return new Map(held.map(({ productId, quantity }) => [productId, quantity]));
}
