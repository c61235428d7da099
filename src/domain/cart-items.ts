import type { Batch, HoldKey } from './batch.js';
import { userCart } from './carts.js';
import {
  type AddToCart,
  type CartItemAdded,
  done,
  type Outcome,
  type RemoveFromCart,
  refused,
} from './command.js';
import {
  giveBackUnits,
  type HoldRules,
  latestOfEachProduct,
  letGo,
  mayTouch,
  reserve,
} from './holds.js';

/** Units that a line of a cart has at most. */
const LINE_UNITS_MAX = 1_000_000;

/** Adds units to a line of a user's cart and, where asked to, to the hold on them. */
export function addToCart(
  batch: Batch,
  command: AddToCart,
  rules: HoldRules,
): Outcome<CartItemAdded> {
  const { productId, userId, hold } = command;
  const cartId = userCart(userId);
  if (!mayTouch(batch, command, cartId)) return refused({ code: 'forbidden' });
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const before = batch.cartItem(command);
  const quantity = (before?.quantity ?? 0) + command.quantity;
  if (quantity > LINE_UNITS_MAX) {
    const message = `must leave the line with at most ${LINE_UNITS_MAX} units, and it has ${before?.quantity ?? 0}`;
    return refused({ code: 'validation_failed', errors: [{ field: 'quantity', message }] });
  }
  if (hold) {
    const { lastsMs, reservationId } = hold;
    const line = {
      productId,
      cartId,
      quantity: command.quantity,
      customerId: userId,
      expiry: { lastsMs },
      reservationId,
    };
    const reason = 'add_to_cart';
    const held = reserve(
      batch,
      { ...command, kind: 'reserve', how: 'add', lines: [line], reason },
      rules,
    );
    if (!held.ok) {
      // It has one product and no lines to name.
      const { lines: _, ...reason } = held.refusal;
      return refused(reason);
    }
  }
  const item = {
    id: before?.id ?? command.itemId,
    storeId: command.storeId,
    userId,
    productId,
    quantity,
    priceAmount: command.priceAmount ?? before?.priceAmount ?? null,
    shippingAmount: command.shippingAmount ?? before?.shippingAmount ?? null,
    createdAt: before?.createdAt ?? batch.now,
    updatedAt: batch.now,
  };
  batch.saveCartItem(item);
  const reservation = batch.hold({ ...command, cartId });
  return done({
    item,
    sku: product.row.sku,
    reservation: reservation ? batch.toldReservation(reservation) : null,
    quantityAvailable: batch.freeUnits(product),
  });
}

/** Takes units off a line of a user's cart and, where asked to, off the hold on them. */
export function removeFromCart(
  batch: Batch,
  command: RemoveFromCart,
): Outcome<{ quantityAvailable: number }> {
  const cartId = userCart(command.userId);
  if (!mayTouch(batch, command, cartId)) return refused({ code: 'forbidden' });
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const item = batch.cartItem(command);
  if (!item) return refused({ code: 'cart_item_not_found' });
  const requested = command.quantity ?? item.quantity;
  if (requested > item.quantity) {
    return refused({ code: 'invalid_transition', inCart: item.quantity, requested });
  }
  if (requested < item.quantity) {
    batch.saveCartItem({ ...item, quantity: item.quantity - requested, updatedAt: batch.now });
  } else {
    batch.removeCartItem(item);
    if (command.release) letGoOfProduct(batch, { ...command, cartId });
  }
  const held = command.release ? batch.hold({ ...command, cartId }) : undefined;
  if (held) {
    const units = Math.min(held.quantity, requested);
    giveBackUnits(batch, product, { ...command, reason: 'remove_from_cart' }, held, units);
  }
  return done({ quantityAvailable: batch.freeUnits(product) });
}

function letGoOfProduct(batch: Batch, key: HoldKey): void {
  const ofProduct = batch
    .reservationsOfCart(key)
    .filter(({ productId }) => productId === key.productId);
  letGo(batch, latestOfEachProduct(ofProduct));
}
