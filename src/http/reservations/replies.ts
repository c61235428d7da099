import type { Product } from '../../domain/product.js';
import type { Rental } from '../../domain/rental.js';
import type { ToldReservation } from '../../domain/reservation.js';
import { iso } from '../schemas.js';
import type { OrderedRentalReply, ReservationReply, StockReply } from './schemas.js';

/** A reservation; `said` is how the request named its product, where it did. */
export function renderReservation(
  reservation: ToldReservation,
  said: number | string = reservation.productId,
): ReservationReply {
  return {
    id: reservation.id,
    storeId: reservation.storeId,
    cartId: reservation.cartId,
    resellerProductId: said,
    sku: reservation.sku,
    quantity: reservation.quantity,
    status: reservation.status,
    expiresAt: iso(reservation.expiresAt),
    confirmedAt: iso(reservation.confirmedAt),
    releasedAt: iso(reservation.releasedAt),
    orderId: reservation.orderId,
    customerId: reservation.customerId,
    createdAt: iso(reservation.createdAt),
    updatedAt: iso(reservation.updatedAt),
  };
}

/** What is free of a product for whoever holds `ownUnits` of it. */
export function renderStock(product: Product, said: number | string, ownUnits: number): StockReply {
  const { sku, quantityAvailable, quantityReserved } = product;
  // The two were read one after the other: a hold may have ended in between.
  const own = Math.min(ownUnits, quantityReserved);
  return {
    resellerProductId: said,
    sku,
    availableStock: quantityAvailable + own,
    syncedStock: quantityAvailable + quantityReserved,
    reservedQuantity: quantityReserved - own,
  };
}

export function renderRental(rental: Rental): OrderedRentalReply {
  return {
    id: rental.id,
    storeId: rental.storeId,
    productId: rental.productId,
    userId: rental.userId,
    quantity: rental.quantity,
    status: rental.status,
    startsAt: iso(rental.startsAt),
    endsAt: iso(rental.endsAt),
    orderId: rental.orderId,
    reservationId: rental.reservationId,
    createdAt: iso(rental.createdAt),
    completedAt: iso(rental.completedAt),
    cancelledAt: iso(rental.cancelledAt),
    cancelReason: rental.cancelReason,
  };
}
