import type { Instant } from '../../domain/instant.js';
import type { LedgerLine, MovementKind } from '../../domain/movement.js';
import type { Database } from '../database.js';
import { MOVEMENT_COLUMNS, rowToLedgerLine } from '../movements.js';
import { instant, nullable, type Row, text } from '../rows.js';
import { type Page, pageOf } from './products.js';

/** A product's ledger, newest line first, below the line `before`; null kinds: all. */
export interface LedgerQuery {
  readonly productId: number;
  readonly kinds?: readonly MovementKind[] | null;
  /** leave out lines that changed no counter */
  readonly movedOnly?: boolean;
  readonly before: number | null;
  readonly limit: number;
}

export async function listMovements(
  database: Database,
  query: LedgerQuery,
): Promise<Page<LedgerLine>> {
  const { kinds = null, movedOnly = false } = query;
  const below = query.before === null ? '' : `AND id < ${query.before} `;
  const ofKinds =
    kinds === null ? '' : `AND kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}) `;
  // The change of the units owned is the sum of the other three.
  const moved = movedOnly
    ? 'AND (quantity_available_delta <> 0 OR quantity_reserved_delta <> 0 OR quantity_rented_delta <> 0) '
    : '';
  const rows = await database.select(
    `SELECT ${MOVEMENT_COLUMNS} FROM movements WHERE product_id = ${query.productId} ` +
      `${ofKinds}${moved}${below}ORDER BY id DESC LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToLedgerLine), query.limit);
}

/** A line of a store's ledger, with what its product and its reservation are. */
export interface AuditLine extends LedgerLine {
  readonly sku: string;
  /** of its reservation as it is now; null where the line is about none */
  readonly cartId: string | null;
  readonly expiresAt: Instant | null;
  /** whether the line used the last of its reservation up, and so confirmed it */
  readonly confirmedAll: boolean;
}

/** A store's ledger, newest line first, below the line `before`. */
export interface AuditQuery {
  readonly storeId: number;
  readonly kinds: readonly MovementKind[];
  readonly productId: number | null;
  readonly reservationId: string | null;
  readonly before: number | null;
  readonly limit: number;
}

export async function listAudit(database: Database, query: AuditQuery): Promise<Page<AuditLine>> {
  const { storeId, productId, reservationId, kinds } = query;
  const conditions: string[] = [];
  if (reservationId !== null) {
    conditions.push(`reservation_id = ${database.quote(reservationId)}`);
  }
  if (query.before !== null) conditions.push(`id < ${query.before}`);
  const newest = (name: string, where: readonly string[]) =>
    `SELECT * FROM (SELECT ${MOVEMENT_COLUMNS} FROM movements ` +
    `WHERE ${[...where, ...conditions].join(' AND ')} ` +
    `ORDER BY id DESC LIMIT ${query.limit + 1}) AS of_${name}`;
  const lines =
    productId === null
      ? // The newest of each kind, each from an index, and then the newest of these.
        kinds.map((kind) => newest(kind, [`store_id = ${storeId}`, `kind = '${kind}'`]))
      : // A product's ledger is walked once, whatever kinds it has; the sum keeps the store out of the
        // choice of an index.
        [
          newest('product', [
            `product_id = ${productId}`,
            `store_id + 0 = ${storeId}`,
            `kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})`,
          ]),
        ];
  const columns = MOVEMENT_COLUMNS.split(', ').map((column) => `m.${column}`);
  const rows = await database.select(
    `SELECT ${columns.join(', ')}, p.sku, r.cart_id, r.expires_at, r.rental_id AS last_rental_id ` +
      `FROM (${lines.join(' UNION ALL ')}) AS m JOIN products p ON p.id = m.product_id ` +
      'LEFT JOIN reservations r ON r.id = m.reservation_id ' +
      `ORDER BY m.id DESC LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToAuditLine), query.limit);
}

function rowToAuditLine(row: Row): AuditLine {
  const line = rowToLedgerLine(row);
  const lastRentalId = nullable(text, row, 'last_rental_id');
  return {
    ...line,
    sku: text(row, 'sku'),
    cartId: nullable(text, row, 'cart_id'),
    expiresAt: nullable(instant, row, 'expires_at'),
    confirmedAll: lastRentalId !== null && lastRentalId === line.rentalId,
  };
}
