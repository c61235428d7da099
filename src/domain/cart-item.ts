import type { Instant } from './instant.js';

/** A line of a user's cart. It promises nothing by itself: the hold beside it does. */
export interface CartItem {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly userId: string;
  readonly productId: number;
  /** units */
  readonly quantity: number;
  /** hundredths, for one unit; null where none was given */
  readonly priceAmount: number | null;
  /** hundredths, for the line; null where none was given */
  readonly shippingAmount: number | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Whether a hold covers all units of a line. */
export function isHeldInFull(
  item: Pick<CartItem, 'quantity'>,
  hold: { readonly quantity: number } | null,
): boolean {
  return hold !== null && hold.quantity >= item.quantity;
}

/** What a cart comes to, in hundredths; what has no price counts as 0. */
export function cartTotals(
  items: readonly Pick<CartItem, 'quantity' | 'priceAmount' | 'shippingAmount'>[],
): { readonly quantity: number; readonly price: bigint; readonly shipping: bigint } {
  let quantity = 0;
  let price = 0n;
  let shipping = 0n;
  for (const item of items) {
    quantity += item.quantity;
    price += BigInt(item.priceAmount ?? 0) * BigInt(item.quantity);
    shipping += BigInt(item.shippingAmount ?? 0);
  }
  return { quantity, price, shipping };
}
