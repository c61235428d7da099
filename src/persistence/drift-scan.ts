import { type Drift, driftOf, type ProductTruth } from '../domain/drift.js';
import type { Connection } from './database.js';
import { PRODUCT_COLUMNS, rowToProduct } from './products.js';
import { instant, integer, nullable, type Row } from './rows.js';
import { list } from './sql.js';

/** Which products are compared. */
export interface ScanScope {
  /** null: all stores */
  readonly storeId: number | null;
  /** null: all products */
  readonly productId: number | null;
  /** add every ledger up line by line, instead of believing its last line */
  readonly deep: boolean;
}

export interface ScannedPage {
  readonly lookedAt: number;
  /** the id to go on after; null where nothing is left */
  readonly last: number | null;
  /** what looks like drift: it is looked at again under the lock */
  readonly suspects: readonly Drift[];
}

/**
 * Compares one page of products with their ledgers, rentals and holds. One statement, so that all of it
 * is of one moment; nothing is locked.
 */
export async function scanForDrift(
  connection: Connection,
  scope: ScanScope,
  page: { after: number; limit: number },
): Promise<ScannedPage> {
  const conditions = conditionsOf(scope, page.after);
  const rows = await connection.select(
    `SELECT ${qualified(PRODUCT_COLUMNS)}, ${truthColumns(scope.deep)} ` +
      `FROM products p ${ledgerJoin(scope.deep)}` +
      `WHERE ${conditions.join(' AND ')} ORDER BY p.id LIMIT ${page.limit}`,
  );
  const suspects = rows
    .map((row) => driftOf(rowToProduct(row), rowToTruth(row)))
    .filter((drift) => drift !== null);
  const last = rows.length < page.limit ? null : rows.at(-1);
  return { lookedAt: rows.length, last: last ? integer(last, 'id') : null, suspects };
}

/** Whether there is any product to look at. */
export async function hasProducts(
  connection: Connection,
  scope: Pick<ScanScope, 'storeId' | 'productId'>,
): Promise<boolean> {
  const where = conditionsOf(scope).join(' AND ');
  return (await connection.select(`SELECT 1 FROM products p WHERE ${where} LIMIT 1`)).length > 0;
}

/** What the rentals, holds and ledgers of these products say. Their rows are locked by the caller. */
export async function readTruths(
  connection: Connection,
  productIds: readonly number[],
  options: { deep: boolean },
): Promise<ProductTruth[]> {
  if (productIds.length === 0) return [];
  const rows = await connection.select(
    `SELECT p.id, ${truthColumns(options.deep)} FROM products p ${ledgerJoin(options.deep)}` +
      `WHERE p.id IN ${list(connection.quote, productIds)}`,
  );
  return rows.map(rowToTruth);
}

function conditionsOf(
  { storeId, productId }: Pick<ScanScope, 'storeId' | 'productId'>,
  after = 0,
): string[] {
  const conditions = [`p.id > ${after}`];
  if (storeId !== null) conditions.push(`p.store_id = ${storeId}`);
  if (productId !== null) conditions.push(`p.id = ${productId}`);
  return conditions;
}

const COUNTERS = ['quantity', 'quantity_available', 'quantity_reserved', 'quantity_rented'];

function truthColumns(deep: boolean): string {
  const ledger = COUNTERS.map((counter) =>
    deep
      ? `(SELECT COALESCE(SUM(${counter}_delta), 0) FROM movements WHERE product_id = p.id) AS ledger_${counter}`
      : `COALESCE(m.${counter}, 0) AS ledger_${counter}`,
  );
  const rented =
    "(SELECT COALESCE(SUM(quantity), 0) FROM rentals WHERE product_id = p.id AND status = 'active') AS units_rented";
  const reserved =
    '(SELECT COALESCE(SUM(quantity), 0) FROM reservations WHERE product_id = p.id AND active = 1) AS units_reserved';
  const firstDue =
    '(SELECT MIN(expires_at) FROM reservations WHERE product_id = p.id AND active = 1) AS first_hold_due_at';
  return [...ledger, rented, reserved, firstDue].join(', ');
}

function ledgerJoin(deep: boolean): string {
  return deep
    ? ''
    : 'LEFT JOIN movements m ON m.id = (SELECT MAX(id) FROM movements WHERE product_id = p.id) ';
}

function rowToTruth(row: Row): ProductTruth {
  return {
    productId: integer(row, 'id'),
    unitsRented: integer(row, 'units_rented'),
    unitsReserved: integer(row, 'units_reserved'),
    firstHoldDueAt: nullable(instant, row, 'first_hold_due_at'),
    ledger: {
      quantity: integer(row, 'ledger_quantity'),
      quantityAvailable: integer(row, 'ledger_quantity_available'),
      quantityReserved: integer(row, 'ledger_quantity_reserved'),
      quantityRented: integer(row, 'ledger_quantity_rented'),
    },
  };
}

function qualified(columns: string): string {
  return columns
    .split(', ')
    .map((column) => `p.${column}`)
    .join(', ');
}
