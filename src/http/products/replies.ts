import type { LedgerLine } from '../../domain/movement.js';
import type { Product } from '../../domain/product.js';
import type { Caller } from '../caller.js';
import type { Reply } from '../endpoint.js';
import { iso } from '../schemas.js';
import type { MovementReply, ProductReply } from './schemas.js';

/** A product as a caller sees it: whom it is bought from is no business of a customer's. */
export function renderProduct(product: Product, { role }: Pick<Caller, 'role'>): ProductReply {
  return {
    id: product.id,
    store_id: product.storeId,
    sku: product.sku,
    name: product.name,
    parent_id: product.parentId,
    quantity: product.quantity,
    quantity_available: product.quantityAvailable,
    quantity_reserved: product.quantityReserved,
    quantity_rented: product.quantityRented,
    availability_status: product.availabilityStatus,
    low_stock_threshold: product.lowStockThreshold,
    price_amount: product.priceAmount,
    price_currency: product.priceCurrency,
    supplier_email: role === 'customer' ? null : product.supplierEmail,
    version: product.version,
    created_at: iso(product.createdAt),
    updated_at: iso(product.updatedAt),
  };
}

/** A reply that shows one product, with its version as ETag. */
export function productReply(status: number, product: Product, caller: Caller): Reply {
  return {
    status,
    body: renderProduct(product, caller),
    headers: { ETag: `"${product.version}"` },
  };
}

export function renderMovement(line: LedgerLine): MovementReply {
  return {
    id: line.id,
    store_id: line.storeId,
    product_id: line.productId,
    command_id: line.commandId,
    kind: line.kind,
    quantity_delta: line.delta.quantity,
    quantity_available_delta: line.delta.quantityAvailable,
    quantity_reserved_delta: line.delta.quantityReserved,
    quantity_rented_delta: line.delta.quantityRented,
    quantity: line.after.quantity,
    quantity_available: line.after.quantityAvailable,
    quantity_reserved: line.after.quantityReserved,
    quantity_rented: line.after.quantityRented,
    rental_id: line.rentalId,
    reservation_id: line.reservationId,
    order_id: line.orderId,
    reason: line.reason,
    actor: line.actor,
    created_at: iso(line.createdAt),
  };
}
