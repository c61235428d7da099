import { z } from 'zod';
import { RENTAL_STATUSES } from '../../../machines/rental.js';
import { RESERVATION_STATUSES } from '../../../machines/reservation.js';
import {
  cartName,
  cursorAfterUuid,
  foreignId,
  lineUnits,
  minutes,
  pageLimit,
  productName,
  productRefText,
  takenUnits,
  timestamp,
  units,
  uuidText,
} from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';

/** The bodies whose ranges the settings say. */
export function reservationBodies(settings: SurfaceSettings) {
  const { reservationExpiryMinutes, reservationMaxMinutes } = settings;
  return {
    NewReservation: z.strictObject({
      cartId: cartName,
      resellerProductId: productName,
      quantity: lineUnits.meta({ description: 'Units that the cart then holds in all.' }),
      expiresInMinutes: minutes(reservationMaxMinutes)
        .default(reservationExpiryMinutes)
        .meta({ description: 'From now; may be a fraction.' }),
      customerId: foreignId
        .nullable()
        .default(null)
        .meta({ description: "Whose hold it is; a customer's is always its own." }),
    }),
    Extension: z.strictObject({
      additionalMinutes: minutes(reservationMaxMinutes).meta({
        description: 'Added to the expiry; may be a fraction.',
      }),
    }),
  };
}

export const ConfirmationBody = z
  .strictObject({ orderId: foreignId })
  .meta({ id: 'ReservationConfirmation' });

export const ReservationPath = z.strictObject({ id: uuidText });
export const CartPath = z.strictObject({ cartId: cartName });
export const StockPath = z.strictObject({ resellerProductId: productRefText });
export const StockQuery = z.strictObject({
  cartId: cartName
    .optional()
    .meta({ description: 'What this cart holds itself then counts as free.' }),
});

export const resellerProductId = z
  .union([z.int(), z.string()])
  .meta({ description: 'As the request named the product, else its id.' });

export const ReservationListQuery = z.strictObject({
  status: z.enum(RESERVATION_STATUSES).optional(),
  resellerProductId: productRefText.optional(),
  cartId: cartName.optional(),
  limit: pageLimit,
  cursor: cursorAfterUuid.optional(),
});

export const ReservationReply = z
  .strictObject({
    id: z.uuid(),
    storeId: z.int(),
    cartId: z.string(),
    resellerProductId,
    sku: z.string(),
    quantity: takenUnits,
    status: z
      .enum(RESERVATION_STATUSES)
      .meta({ description: 'One past its expiry is `expired`, written down or not.' }),
    expiresAt: timestamp,
    confirmedAt: timestamp.nullable(),
    releasedAt: timestamp.nullable(),
    orderId: z.string().nullable(),
    customerId: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Reservation' });
export type ReservationReply = z.infer<typeof ReservationReply>;

export const HeldReply = ReservationReply.extend({
  availableStock: units.meta({ description: 'Free units right after it.' }),
}).meta({ id: 'HeldReservation' });

export const StockReply = z
  .strictObject({
    resellerProductId,
    sku: z.string(),
    availableStock: units.meta({ description: '`syncedStock` less `reservedQuantity`.' }),
    syncedStock: units.meta({ description: 'Units on hand: those that are not out on rentals.' }),
    reservedQuantity: units.meta({
      description: "Units held by reservations that are not due; with `cartId`, by other carts'.",
    }),
  })
  .meta({ id: 'ReservableStock' });
export type StockReply = z.infer<typeof StockReply>;

export const CartReply = z
  .strictObject({ cartId: z.string(), data: z.array(ReservationReply) })
  .meta({ id: 'CartReservations' });

const OrderedRentalReply = z
  .strictObject({
    id: z.uuid(),
    storeId: z.int(),
    productId: z.int(),
    userId: z.string().nullable(),
    quantity: takenUnits,
    status: z.enum(RENTAL_STATUSES),
    startsAt: timestamp.nullable(),
    endsAt: timestamp.nullable(),
    orderId: z.string().nullable(),
    reservationId: z.uuid().nullable(),
    createdAt: timestamp,
    completedAt: timestamp.nullable(),
    cancelledAt: timestamp.nullable(),
    cancelReason: z.string().nullable(),
  })
  .meta({ id: 'RentalOfReservation' });
export type OrderedRentalReply = z.infer<typeof OrderedRentalReply>;

export const ConfirmedReply = ReservationReply.extend({ rental: OrderedRentalReply }).meta({
  id: 'ConfirmedReservation',
});

export const CartConfirmedReply = z
  .strictObject({
    cartId: z.string(),
    orderId: z.string(),
    reservations: z.array(ReservationReply),
    rentals: z.array(OrderedRentalReply),
  })
  .meta({ id: 'ConfirmedCart' });

export const CartReleasedReply = z
  .strictObject({
    cartId: z.string(),
    released: z.int().meta({ description: 'Units.' }),
    reservations: z.array(ReservationReply).meta({ description: 'Those that this request ended.' }),
  })
  .meta({ id: 'ReleasedCart' });

export const CleanupReply = z
  .strictObject({
    expired: z.int().meta({ description: 'Reservations ended.' }),
    released: z.int().meta({ description: 'Units freed.' }),
    errors: z.int().meta({ description: 'Products that could not be done; they are tried again.' }),
  })
  .meta({ id: 'CleanupSummary' });
