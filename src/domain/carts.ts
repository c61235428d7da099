import type { Reservation } from './reservation.js';

/** The cart of a user. */
export const userCart = (userId: string) => `${USER}${userId}`;
/** The cart of a checkout that a caller named. */
export const checkoutCart = (checkoutId: string) => `${CHECKOUT}${checkoutId}`;

/** The user whose cart it is; null where it is no user's. */
export function userOfCart(cartId: string): string | null {
  return cartId.startsWith(USER) ? cartId.slice(USER.length) : null;
}

/** What a cart is called beside its kind: a user's id, a checkout's, or all of its name. */
export function withoutKind(cartId: string): string {
  const kind = [USER, CHECKOUT].find((prefix) => cartId.startsWith(prefix)) ?? '';
  return cartId.slice(kind.length);
}

const USER = 'user:';
const CHECKOUT = 'checkout:';

/**
 * Whether a customer may touch a cart: of users' carts its own, never a checkout's, and any other
 * as long as nothing in it is held by another customer. Null is somebody who acts for anyone.
 *
 * `held` is what the cart holds; it is only looked at for carts of the last kind.
 */
export function mayTouchCart(
  ownerId: string | null,
  cartId: string,
  held: readonly Pick<Reservation, 'customerId'>[],
): boolean {
  if (ownerId === null) return true;
  if (isOfKnownKind(cartId)) return cartId === userCart(ownerId);
  return held.every(({ customerId }) => customerId === null || customerId === ownerId);
}

/**
 * Whether a customer may touch a reservation: its own, and nobody's in a cart that it may touch.
 * `held` is what the reservation's cart holds.
 */
export function mayTouchReservation(
  ownerId: string | null,
  { cartId, customerId }: Pick<Reservation, 'cartId' | 'customerId'>,
  held: readonly Pick<Reservation, 'customerId'>[],
): boolean {
  if (ownerId === null) return true;
  if (customerId !== null && customerId !== ownerId) return false;
  // What is its own stays so, whatever else came into the cart since.
  return mayTouchCart(ownerId, cartId, customerId === ownerId ? [] : held);
}

/** Whether a cart's name alone says whose it is. */
export function isOfKnownKind(cartId: string): boolean {
  return cartId.startsWith(USER) || cartId.startsWith(CHECKOUT);
}
