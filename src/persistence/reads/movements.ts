import type { LedgerLine } from '../../domain/movement.js';
import type { Database } from '../database.js';
import { MOVEMENT_COLUMNS, rowToLedgerLine } from '../movements.js';
import { type Page, pageOf } from './products.js';

/** A product's ledger, newest line first, below the line `before`. */
export async function listMovements(
  database: Database,
  query: { productId: number; before: number | null; limit: number },
): Promise<Page<LedgerLine>> {
  const below = query.before === null ? '' : `AND id < ${query.before} `;
  const rows = await database.select(
    `SELECT ${MOVEMENT_COLUMNS} FROM movements WHERE product_id = ${query.productId} ` +
      `${below}ORDER BY id DESC LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToLedgerLine), query.limit);
}
