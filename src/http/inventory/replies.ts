import type { LedgerLine } from '../../domain/movement.js';
import type { Product } from '../../domain/product.js';
import { unitsOnHand } from '../../domain/stock-levels.js';
import { iso } from '../schemas.js';
import { changeTypeOf, quantityChangeOf } from './change-types.js';
import type { LevelReply, LogLine } from './schemas.js';

/** A product's level, under the name that the request gave it. */
export function renderLevel(product: Product, variantId: string | number = product.id): LevelReply {
  return {
    variantId,
    sku: product.sku,
    name: product.name,
    quantity: product.quantity,
    quantityOnHand: unitsOnHand(product),
    quantityAvailable: product.quantityAvailable,
    quantityReserved: product.quantityReserved,
    quantityRented: product.quantityRented,
    availabilityStatus: product.availabilityStatus,
  };
}

export function renderLogLine(line: LedgerLine): LogLine {
  return {
    id: line.id,
    changeType: changeTypeOf(line),
    quantityChange: quantityChangeOf(line),
    change: line.delta,
    reason: line.reason,
    userId: line.actor,
    referenceId: line.orderId ?? line.rentalId ?? line.reservationId,
    quantity: line.after.quantity,
    quantityAvailable: line.after.quantityAvailable,
    quantityReserved: line.after.quantityReserved,
    quantityRented: line.after.quantityRented,
    createdAt: iso(line.createdAt),
  };
}
