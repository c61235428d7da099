import type { Counters } from '../../machines/product.js';
import { type LedgerLine, MOVEMENT_KINDS, type Movement } from '../domain/movement.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, slices, tuples, type Value } from './sql.js';

const INSERTED_COLUMNS =
  'store_id, product_id, command_id, kind, quantity_delta, quantity_available_delta, ' +
  'quantity_reserved_delta, quantity_rented_delta, quantity, quantity_available, ' +
  'quantity_reserved, quantity_rented, rental_id, reservation_id, order_id, reason, actor, ' +
  'created_at';

export const MOVEMENT_COLUMNS = `id, ${INSERTED_COLUMNS}`;

export function rowToLedgerLine(row: Row): LedgerLine {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: integer(row, 'product_id'),
    commandId: text(row, 'command_id'),
    kind: oneOf(row, 'kind', MOVEMENT_KINDS),
    delta: {
      quantity: integer(row, 'quantity_delta'),
      quantityAvailable: integer(row, 'quantity_available_delta'),
      quantityReserved: integer(row, 'quantity_reserved_delta'),
      quantityRented: integer(row, 'quantity_rented_delta'),
    },
    after: rowToCounters(row),
    rentalId: nullable(text, row, 'rental_id'),
    reservationId: nullable(text, row, 'reservation_id'),
    orderId: nullable(text, row, 'order_id'),
    reason: nullable(text, row, 'reason'),
    actor: text(row, 'actor'),
    createdAt: instant(row, 'created_at'),
  };
}

/** Appends lines in the order given: their ids ascend with it. */
export async function appendMovements(
  connection: Connection,
  movements: readonly Movement[],
): Promise<void> {
  for (const some of slices(movements)) {
    await connection.run(
      `INSERT INTO movements (${INSERTED_COLUMNS}) VALUES ` +
        tuples(connection.quote, some.map(values)),
    );
  }
}

/** Whether a command wrote a line that is committed. */
export async function hasLineOf(connection: Connection, commandId: string): Promise<boolean> {
  const rows = await connection.select(
    `SELECT 1 FROM movements WHERE command_id = ${connection.quote(commandId)} LIMIT 1`,
  );
  return rows.length > 0;
}

function rowToCounters(row: Row): Counters {
  return {
    quantity: integer(row, 'quantity'),
    quantityAvailable: integer(row, 'quantity_available'),
    quantityReserved: integer(row, 'quantity_reserved'),
    quantityRented: integer(row, 'quantity_rented'),
  };
}

function values(movement: Movement): Value[] {
  const { delta, after } = movement;
  return [
    movement.storeId,
    movement.productId,
    movement.commandId,
    movement.kind,
    delta.quantity,
    delta.quantityAvailable,
    delta.quantityReserved,
    delta.quantityRented,
    after.quantity,
    after.quantityAvailable,
    after.quantityReserved,
    after.quantityRented,
    movement.rentalId,
    movement.reservationId,
    movement.orderId,
    movement.reason,
    movement.actor,
    at(movement.createdAt),
  ];
}
