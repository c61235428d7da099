import type { Counters } from '../../../machines/product.js';
import type { Instant } from '../../domain/instant.js';
import type { Rental } from '../../domain/rental.js';
import type { Reservation } from '../../domain/reservation.js';
import type { Connection } from '../database.js';
import type { OutboxEntry } from '../outbox.js';
import { RENTAL_COLUMNS, rowToRental } from '../rentals.js';
import { RESERVATION_COLUMNS, rowToReservation } from '../reservations.js';
import { instant, integer, nullable, type Row, text } from '../rows.js';
import { list, slices, type Value } from '../sql.js';

/** The rows that events are told from, by their ids. */
export interface EventRows {
  readonly lines: ReadonlyMap<number, EventLine>;
  readonly events: ReadonlyMap<number, EventRow>;
  readonly products: ReadonlyMap<number, { readonly sku: string; readonly name: string }>;
  readonly rentals: ReadonlyMap<string, Rental>;
  readonly reservations: ReadonlyMap<string, Reservation>;
}

/** What is told of a line of the ledger. */
export interface EventLine {
  readonly createdAt: Instant;
  readonly after: Counters;
  /** units, what the line did to those that are held */
  readonly reservedDelta: number;
  /** units, what it did to those that are out */
  readonly rentedDelta: number;
  readonly isConfirmation: boolean;
  readonly rentalId: string | null;
  readonly reservationId: string | null;
  readonly reason: string | null;
}

export interface EventRow {
  readonly createdAt: Instant;
  readonly userId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

const LINE_COLUMNS =
  'id, kind, created_at, quantity, quantity_available, quantity_reserved, quantity_rented, ' +
  'quantity_reserved_delta, quantity_rented_delta, rental_id, reservation_id, reason';

/** Reads what these events are told from, and no more than that. */
export async function readEventRows(
  connection: Connection,
  entries: readonly OutboxEntry[],
): Promise<EventRows> {
  const ofLedger = entries.filter(({ from }) => from === 'movements');
  const rest = entries.filter(({ from }) => from === 'events');
  const lineIds = ofLedger.map(({ id }) => id);
  const [lines, events] = await Promise.all([
    byId(connection, { table: 'movements', columns: LINE_COLUMNS, ids: lineIds }, (row) => [
      integer(row, 'id'),
      rowToEventLine(row),
    ]),
    byId(
      connection,
      { table: 'events', columns: 'id, created_at, user_id, data', ids: rest.map(({ id }) => id) },
      (row) => [integer(row, 'id'), rowToEventRow(row)],
    ),
  ]);
  const named = (what: string, id: (line: EventLine) => string | null) =>
    ofLedger
      .filter(({ type }) => type.startsWith(what))
      .flatMap((entry) => {
        const line = lines.get(entry.id);
        return line ? (id(line) ?? []) : [];
      });
  // A product's level and a reservation show its SKU.
  const productIds = ofLedger
    .filter(({ type }) => !type.startsWith('rental.'))
    .flatMap(({ productId }) => productId ?? []);
  const rentalIds = named('rental.', (line) => line.rentalId);
  const reservationIds = named('reservation.', (line) => line.reservationId);
  const [products, rentals, reservations] = await Promise.all([
    byId(connection, { table: 'products', columns: 'id, sku, name', ids: productIds }, (row) => [
      integer(row, 'id'),
      { sku: text(row, 'sku'), name: text(row, 'name') },
    ]),
    byId(connection, { table: 'rentals', columns: RENTAL_COLUMNS, ids: rentalIds }, (row) => {
      const rental = rowToRental(row);
      return [rental.id, rental];
    }),
    byId(
      connection,
      { table: 'reservations', columns: RESERVATION_COLUMNS, ids: reservationIds },
      (row) => {
        const reservation = rowToReservation(row);
        return [reservation.id, reservation];
      },
    ),
  ]);
  return { lines, events, products, rentals, reservations };
}

async function byId<Id extends Value, T>(
  connection: Connection,
  from: { table: string; columns: string; ids: readonly Id[] },
  read: (row: Row) => [Id, T],
): Promise<Map<Id, T>> {
  const found = new Map<Id, T>();
  for (const some of slices([...new Set(from.ids)])) {
    const rows = await connection.select(
      `SELECT ${from.columns} FROM ${from.table} WHERE id IN ${list(connection.quote, some)}`,
    );
    for (const row of rows) found.set(...read(row));
  }
  return found;
}

function rowToEventLine(row: Row): EventLine {
  return {
    createdAt: instant(row, 'created_at'),
    after: {
      quantity: integer(row, 'quantity'),
      quantityAvailable: integer(row, 'quantity_available'),
      quantityReserved: integer(row, 'quantity_reserved'),
      quantityRented: integer(row, 'quantity_rented'),
    },
    reservedDelta: integer(row, 'quantity_reserved_delta'),
    rentedDelta: integer(row, 'quantity_rented_delta'),
    isConfirmation: row['kind'] === 'confirm',
    rentalId: nullable(text, row, 'rental_id'),
    reservationId: nullable(text, row, 'reservation_id'),
    reason: nullable(text, row, 'reason'),
  };
}

function rowToEventRow(row: Row): EventRow {
  return {
    createdAt: instant(row, 'created_at'),
    userId: nullable(text, row, 'user_id'),
    // Written by insertEvents from a LinelessEvent, and by nothing else.
    data: JSON.parse(text(row, 'data')) as Record<string, unknown>,
  };
}
