import { statusOf } from '../../machines/product.js';
import type { RentalStatus } from '../../machines/rental.js';
import type { ReservationStatus } from '../../machines/reservation.js';
import type { EventType } from '../domain/event.js';
import type { Instant } from '../domain/instant.js';
import type { Rental } from '../domain/rental.js';
import type { Reservation } from '../domain/reservation.js';
import { isoText } from '../instant-texts.js';
import type { Database } from '../persistence/database.js';
import type { OutboxEntry } from '../persistence/outbox.js';
import { type EventLine, type EventRows, readEventRows } from '../persistence/reads/events.js';

/** An event as the world is told it. */
export interface EventMessage {
  /** its sequence, as text */
  readonly id: string;
  readonly type: EventType;
  readonly storeId: number;
  /** UTC with milliseconds */
  readonly at: string;
  /** in camelCase: the level, the rental, the reservation, the order, the drift line */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What decides who is interested in an event, before anything of it is read. */
export type EventHead = Pick<OutboxEntry, 'sequence' | 'type' | 'storeId' | 'productId'>;

/** An event, and who may be told. */
export interface ToldEvent extends EventHead {
  /** the user whose own it is; null: nobody's, so that customers are told only of `product.*` */
  readonly userId: string | null;
  readonly message: EventMessage;
}

/**
 * What these events say, in the same order. What a line of the ledger says is as it was right after
 * it; what it does not say (a hold's expiry, a product's name) is as it is now.
 *
 * One whose row is no longer kept is left out.
 */
export async function tellEvents(
  database: Database,
  entries: readonly OutboxEntry[],
): Promise<ToldEvent[]> {
  if (entries.length === 0) return [];
  const rows = await readEventRows(database, entries);
  return entries.flatMap((entry) => tell(entry, rows) ?? []);
}

function tell(entry: OutboxEntry, rows: EventRows): ToldEvent | null {
  const { sequence, type, storeId, productId } = entry;
  const told = entry.from === 'events' ? ofEvent(entry, rows) : ofLine(entry, rows);
  if (!told) return null;
  const { at, userId, data } = told;
  const message = { id: String(sequence), type, storeId, at: isoText(at), data };
  return { sequence, type, storeId, productId, userId, message };
}

interface Told {
  readonly at: Instant;
  readonly userId: string | null;
  readonly data: Record<string, unknown>;
}

function ofEvent(entry: OutboxEntry, rows: EventRows): Told | null {
  const row = rows.events.get(entry.id);
  if (!row) return null;
  return { at: row.createdAt, userId: row.userId, data: withTimes(row.data) };
}

function ofLine(entry: OutboxEntry, rows: EventRows): Told | null {
  const line = rows.lines.get(entry.id);
  if (!line) return null;
  const at = line.createdAt;
  if (entry.type.startsWith('product.')) {
    return { at, userId: null, data: level(entry, line, rows) };
  }
  if (entry.type.startsWith('rental.')) {
    const rental = rows.rentals.get(line.rentalId ?? '');
    if (!rental) return null;
    return { at, userId: rental.userId, data: rentalData(rentalThen(entry.type, rental, line)) };
  }
  const reservation = rows.reservations.get(line.reservationId ?? '');
  if (!reservation) return null;
  const sku = rows.products.get(reservation.productId)?.sku ?? null;
  const then = reservationThen(entry.type, reservation, line);
  return { at, userId: reservation.customerId, data: reservationData(then, sku) };
}

function level(entry: OutboxEntry, { after }: EventLine, rows: EventRows) {
  const product = rows.products.get(entry.productId ?? 0);
  const { lowStockThreshold: threshold } = entry;
  return {
    variantId: entry.productId,
    sku: product?.sku ?? null,
    name: product?.name ?? null,
    quantity: after.quantity,
    quantityOnHand: after.quantityAvailable + after.quantityReserved,
    quantityAvailable: after.quantityAvailable,
    quantityReserved: after.quantityReserved,
    quantityRented: after.quantityRented,
    availabilityStatus: statusOf(entry.isDraft, after.quantityAvailable),
    ...(threshold === null ? {} : { threshold }),
  };
}

const RENTAL_STATUS: Partial<Record<EventType, RentalStatus>> = {
  'rental.cancelled': 'cancelled',
  'rental.completed': 'completed',
};

/** The rental as it was; of one that came back in part, that part. */
function rentalThen(type: EventType, rental: Rental, line: EventLine): Rental {
  const status = RENTAL_STATUS[type] ?? 'active';
  const { createdAt: at } = line;
  return {
    ...rental,
    status,
    // A rental that used up a hold may have more units than the hold had.
    quantity: line.isConfirmation ? rental.quantity : Math.abs(line.rentedDelta),
    completedAt: status === 'completed' ? at : null,
    cancelledAt: status === 'cancelled' ? at : null,
    cancelReason: status === 'cancelled' ? line.reason : null,
  };
}

const RESERVATION_STATUS: Partial<Record<EventType, ReservationStatus>> = {
  'reservation.confirmed': 'confirmed',
  'reservation.released': 'released',
  'reservation.expired': 'expired',
};

function reservationThen(type: EventType, reservation: Reservation, line: EventLine): Reservation {
  const status = RESERVATION_STATUS[type] ?? 'reserved';
  const { createdAt: at } = line;
  // What is new says how many units it took; what is over, how many it gave up.
  const isUpdate = type === 'reservation.updated';
  return {
    ...reservation,
    status,
    quantity: isUpdate ? reservation.quantity : Math.abs(line.reservedDelta),
    orderId: status === 'confirmed' ? reservation.orderId : null,
    confirmedAt: status === 'confirmed' ? at : null,
    releasedAt: status === 'released' ? at : null,
    updatedAt: at,
  };
}

function rentalData(rental: Rental): Record<string, unknown> {
  return {
    id: rental.id,
    storeId: rental.storeId,
    productId: rental.productId,
    userId: rental.userId,
    quantity: rental.quantity,
    status: rental.status,
    startsAt: isoOrNull(rental.startsAt),
    endsAt: isoOrNull(rental.endsAt),
    orderId: rental.orderId,
    reservationId: rental.reservationId,
    createdAt: isoText(rental.createdAt),
    completedAt: isoOrNull(rental.completedAt),
    cancelledAt: isoOrNull(rental.cancelledAt),
    cancelReason: rental.cancelReason,
  };
}

function reservationData(reservation: Reservation, sku: string | null): Record<string, unknown> {
  return {
    id: reservation.id,
    storeId: reservation.storeId,
    cartId: reservation.cartId,
    resellerProductId: reservation.productId,
    sku,
    quantity: reservation.quantity,
    status: reservation.status,
    expiresAt: isoText(reservation.expiresAt),
    confirmedAt: isoOrNull(reservation.confirmedAt),
    releasedAt: isoOrNull(reservation.releasedAt),
    orderId: reservation.orderId,
    customerId: reservation.customerId,
    createdAt: isoText(reservation.createdAt),
    updatedAt: isoText(reservation.updatedAt),
  };
}

/** The same data with its times as they are told: `…At` is an instant wherever it is a number. */
function withTimes(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, told(name, value)]));
}

function told(name: string, value: unknown): unknown {
  if (typeof value === 'number' && /At$/.test(name)) return isoText(value);
  if (Array.isArray(value)) return value.map((item) => told('', item));
  if (typeof value === 'object' && value !== null) return withTimes({ ...value });
  return value;
}

const isoOrNull = (ms: Instant | null) => (ms === null ? null : isoText(ms));
