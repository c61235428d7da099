import type { HeldLine, HoldTakenOff, SoldLine } from '../../domain/command.js';
import type { Product } from '../../domain/product.js';
import type { ProductRef } from '../../persistence/reads/products.js';
import { renderRental } from '../rentals/routes.js';
import { iso } from '../schemas.js';
import type { PurchaseReply, ReleaseReply, ReserveReply, StockReply } from './schemas.js';

/** `quantity`: units that the request asked for, and took. */
export function renderReserved(line: HeldLine, quantity: number): ReserveReply {
  return {
    success: true,
    message: 'Stock reserved successfully',
    reserved_quantity: quantity,
    held_quantity: line.reservation.quantity,
    available_stock: line.quantityAvailable,
    reservation_id: line.reservation.id,
    expires_at: iso(line.reservation.expiresAt),
  };
}

/** `quantity`: units that the request gave back. */
export function renderReleased(takenOff: HoldTakenOff, quantity: number): ReleaseReply {
  return {
    success: true,
    message: 'Stock released successfully',
    released_quantity: quantity,
    held_quantity: takenOff.heldQuantity,
    available_stock: takenOff.quantityAvailable,
  };
}

/** Lines of one product are one rental, which is shown once. */
export function renderPurchased(lines: readonly SoldLine[], orderId: string): PurchaseReply {
  const rentals = new Map(lines.map(({ rental }) => [rental.id, rental]));
  return {
    success: true,
    message: 'Stock purchased successfully',
    order_id: orderId,
    rentals: [...rentals.values()].map(renderRental),
  };
}

/** A product's stock; `named` is how the request named it. */
export function renderStock(product: Product, named: ProductRef): StockReply {
  return {
    product_id: named,
    sku: product.sku,
    stock: product.quantityAvailable + product.quantityReserved,
    reserved_stock: product.quantityReserved,
    available_stock: product.quantityAvailable,
  };
}
