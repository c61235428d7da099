import { transition } from 'xstate';
import {
  type ReservationEvent,
  type ReservationStatus,
  readStatus,
  reservationMachine,
} from '../../machines/reservation.js';
import type { Instant } from './instant.js';
import type { Reason } from './refusal.js';

/** A hold on units for a cart or a checkout. */
export interface Reservation {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  /** whose cart it is in, by the caller's own name for it */
  readonly cartId: string;
  readonly productId: number;
  /** units; once it is over, those that it had in the end */
  readonly quantity: number;
  readonly status: ReservationStatus;
  /** from then on it promises nothing, whether or not that is written down */
  readonly expiresAt: Instant;
  readonly confirmedAt: Instant | null;
  /** when it was given back; of one that expired, when its cart let go of it */
  readonly releasedAt: Instant | null;
  readonly orderId: string | null;
  /** the rental that its units became */
  readonly rentalId: string | null;
  readonly customerId: string | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/**
 * A reservation as it is told: one that is due reads `expired`, and so does one that its cart let
 * go of after that.
 */
export interface ToldReservation extends Reservation {
  readonly sku: string;
}

/**
 * Tells a reservation that reads `status` now. Each hold is told: the fields are written out
 * because a copy of so many costs several times as much.
 */
export function asToldReservation(
  reservation: Reservation,
  { status, sku }: Pick<ToldReservation, 'status' | 'sku'>,
): ToldReservation {
  return {
    id: reservation.id,
    storeId: reservation.storeId,
    cartId: reservation.cartId,
    productId: reservation.productId,
    quantity: reservation.quantity,
    status,
    expiresAt: reservation.expiresAt,
    confirmedAt: reservation.confirmedAt,
    releasedAt: status === 'released' ? reservation.releasedAt : null,
    orderId: reservation.orderId,
    rentalId: reservation.rentalId,
    customerId: reservation.customerId,
    createdAt: reservation.createdAt,
    updatedAt: reservation.updatedAt,
    sku,
  };
}

/** Whether its cart lost it: it expired, and the cart did not let go of it. */
export function isLost(reservation: Reservation, now: Instant): boolean {
  return reservation.releasedAt === null && readStatus(reservation, now) === 'expired';
}

/** Whether it still promises its units. */
export function isHeld(reservation: Reservation, now: Instant): boolean {
  return readStatus(reservation, now) === 'reserved';
}

/**
 * Asks the reservation's machine what an event makes of it. A refusal is the machine's own; where
 * the event changes nothing, the same object comes back; one that a cart lets go of is told as it
 * stands, and so keeps its `updatedAt`. Throws where one expires that is not due.
 */
export function nextReservation(
  reservation: Reservation,
  event: ReservationEvent,
): { reservation: Reservation } | { refusal: Reason } {
  const { quantity, expiresAt, orderId, releasedAt } = reservation;
  const before = reservationMachine.resolveState({
    value: reservation.status,
    context: { quantity, expiresAt, orderId, releasedAt, refusal: null },
  });
  const [{ value: status, context }] = transition(reservationMachine, before, event);
  const { refusal } = context;
  if (refusal?.code === 'not_due') throw new Error(`reservation ${reservation.id} is not due`);
  if (refusal) return { refusal };
  const isAsTold =
    status === reservation.status &&
    context.quantity === quantity &&
    context.expiresAt === expiresAt &&
    context.orderId === orderId;
  if (isAsTold) {
    const isSame = context.releasedAt === releasedAt;
    return {
      reservation: isSame ? reservation : { ...reservation, releasedAt: context.releasedAt },
    };
  }
  return {
    reservation: {
      ...reservation,
      quantity: context.quantity,
      expiresAt: context.expiresAt,
      orderId: context.orderId,
      status,
      confirmedAt: status === 'confirmed' ? event.now : null,
      releasedAt: context.releasedAt,
      updatedAt: event.now,
    },
  };
}
