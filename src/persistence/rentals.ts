import { RENTAL_STATUSES } from '../../machines/rental.js';
import type { Rental } from '../domain/rental.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, tuples, type Value } from './sql.js';

export const RENTAL_COLUMNS =
  'id, store_id, product_id, user_id, quantity, status, starts_at, ends_at, order_id, ' +
  'reservation_id, created_at, completed_at, cancelled_at, cancel_reason, overdue_at';

export function rowToRental(row: Row): Rental {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: integer(row, 'product_id'),
    userId: nullable(text, row, 'user_id'),
    quantity: integer(row, 'quantity'),
    status: oneOf(row, 'status', RENTAL_STATUSES),
    startsAt: nullable(instant, row, 'starts_at'),
    endsAt: nullable(instant, row, 'ends_at'),
    orderId: nullable(text, row, 'order_id'),
    reservationId: nullable(text, row, 'reservation_id'),
    createdAt: instant(row, 'created_at'),
    completedAt: nullable(instant, row, 'completed_at'),
    cancelledAt: nullable(instant, row, 'cancelled_at'),
    cancelReason: nullable(text, row, 'cancel_reason'),
    overdueAt: nullable(instant, row, 'overdue_at'),
  };
}

/** Locks rentals until the transaction ends, and returns those that exist. */
export async function lockRentals(
  connection: Connection,
  ids: readonly string[],
): Promise<Rental[]> {
  if (ids.length === 0) return [];
  const rows = await connection.select(
    `SELECT ${RENTAL_COLUMNS} FROM rentals WHERE id IN ${list(connection.quote, ids)} ` +
      `ORDER BY id${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToRental);
}

export async function insertRentals(
  connection: Connection,
  rentals: readonly Rental[],
): Promise<void> {
  if (rentals.length === 0) return;
  await connection.run(insertion(connection, rentals));
}

/**
 * Locks a product's oldest active rentals of nobody in particular (no user, no order), as many as
 * have `units` between them at the most. Rows of it that others insert meanwhile are not waited for.
 */
export async function lockRentalsOfNobody(
  connection: Connection,
  productId: number,
  units: number,
): Promise<Rental[]> {
  const rows = await connection.select(
    `SELECT ${RENTAL_COLUMNS} FROM rentals WHERE product_id = ${productId} ` +
      `AND status = 'active' AND user_id IS NULL AND order_id IS NULL ` +
      `ORDER BY id LIMIT ${units}${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToRental);
}

/** Overwrites locked rentals with how they ended, or with the units that are left of them. */
export async function saveChangedRentals(
  connection: Connection,
  rentals: readonly Rental[],
): Promise<void> {
  if (rentals.length === 0) return;
  await connection.run(
    insertion(connection, rentals) +
      connection.dialect.overwrite('id', [
        'quantity',
        'status',
        'completed_at',
        'cancelled_at',
        'cancel_reason',
        'overdue_at',
      ]),
  );
}

function insertion(connection: Connection, rentals: readonly Rental[]): string {
  return `INSERT INTO rentals (${RENTAL_COLUMNS}) VALUES ${tuples(connection.quote, rentals.map(values))}`;
}

function values(rental: Rental): Value[] {
  return [
    rental.id,
    rental.storeId,
    rental.productId,
    rental.userId,
    rental.quantity,
    rental.status,
    at(rental.startsAt),
    at(rental.endsAt),
    rental.orderId,
    rental.reservationId,
    at(rental.createdAt),
    at(rental.completedAt),
    at(rental.cancelledAt),
    rental.cancelReason,
    at(rental.overdueAt),
  ];
}
