import { type CartItem, cartTotals, isHeldInFull } from '../../domain/cart-item.js';
import type { CartItemAdded, RemoveFromCart, ValueOf } from '../../domain/command.js';
import type { Instant } from '../../domain/instant.js';
import type { CartLine } from '../../persistence/reads/carts.js';
import { fromHundredths } from '../money.js';
import { iso } from '../schemas.js';
import type { AddReply, CartItemReply, CartReply, RemoveReply } from './schemas.js';

/** `named` is how the request named the product. */
export function renderAdded(
  added: CartItemAdded,
  request: { readonly named: number | string; readonly holds: boolean },
): AddReply {
  const { item, sku, reservation } = added;
  return {
    success: true,
    message: request.holds ? 'Added to cart and stock decreased' : 'Added to cart',
    cart_item: renderItem(item, {
      named: request.named,
      sku,
      hold: reservation && { ...reservation, reservationId: reservation.id },
    }),
    updated_stock: added.quantityAvailable,
  };
}

/** `releases`: whether held units were to be given back as well. */
export function renderRemoved(removed: ValueOf<RemoveFromCart>, releases: boolean): RemoveReply {
  return {
    success: true,
    message: releases ? 'Removed from cart and stock increased' : 'Removed from cart',
    updated_stock: removed.quantityAvailable,
  };
}

/** A user's cart; where a line has no price it counts as 0. */
export function renderCart(userId: string, lines: readonly CartLine[]): CartReply {
  const totals = cartTotals(lines);
  return {
    user_id: userId,
    items: lines.map((line) => ({
      ...renderItem(line, { named: line.productId, sku: line.sku, hold: line.hold }),
      available_stock: line.quantityAvailable,
    })),
    total_quantity: totals.quantity,
    total_price: fromHundredths(totals.price),
    total_shipping: fromHundredths(totals.shipping),
  };
}

function renderItem(
  item: CartItem,
  beside: {
    readonly named: number | string;
    readonly sku: string;
    readonly hold: {
      readonly reservationId: string;
      readonly quantity: number;
      readonly expiresAt: Instant;
    } | null;
  },
): CartItemReply {
  const { named, sku, hold } = beside;
  return {
    id: item.id,
    user_id: item.userId,
    product_id: named,
    sku,
    quantity: item.quantity,
    price: item.priceAmount === null ? null : fromHundredths(item.priceAmount),
    shipping_amount: item.shippingAmount === null ? null : fromHundredths(item.shippingAmount),
    reserved: isHeldInFull(item, hold),
    reservation_id: hold?.reservationId ?? null,
    expires_at: iso(hold?.expiresAt ?? null),
  };
}
