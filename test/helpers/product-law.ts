import { AVAILABILITY_STATUSES } from '../../machines/product.js';
import type { Database } from '../../src/persistence/database.js';
import { integer, oneOf } from '../../src/persistence/rows.js';
import { breachesOf, counters } from './law.js';

const LEDGER_COLUMNS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
] as const;

/**
 * What is wrong with a product in the tables: its counters, its status, and that they are what its
 * active holds, its active rentals and its ledger say. Empty where the law holds.
 */
export async function breachesInRows(rows: Database, productId: number): Promise<string[]> {
  const sumOf = (table: string, status: string) =>
    `(SELECT COALESCE(SUM(quantity), 0) FROM ${table} ` +
    `WHERE product_id = p.id AND status = '${status}')`;
  const ledger = LEDGER_COLUMNS.map(
    (column) =>
      `(SELECT COALESCE(SUM(${column}_delta), 0) FROM movements WHERE product_id = p.id) AS ledger_${column}`,
  );
  const [row] = await rows.select(
    `SELECT p.*, ${sumOf('reservations', 'reserved')} AS held, ` +
      `${sumOf('rentals', 'active')} AS rented, ${ledger.join(', ')} ` +
      `FROM products p WHERE p.id = ${productId}`,
  );
  if (!row) return [`there is no product ${productId}`];
  const [owned = 0, free = 0, reserved = 0, out = 0] = LEDGER_COLUMNS.map((column) =>
    integer(row, column),
  );
  const availabilityStatus = oneOf(row, 'availability_status', AVAILABILITY_STATUSES);
  const breaches = breachesOf({ ...counters(owned, free, reserved, out), availabilityStatus });
  if (integer(row, 'held') !== reserved) {
    breaches.push(`${reserved} units are reserved, and ${integer(row, 'held')} are held`);
  }
  if (integer(row, 'rented') !== out) {
    breaches.push(`${out} units are rented, and its rentals have ${integer(row, 'rented')}`);
  }
  for (const column of LEDGER_COLUMNS) {
    const said = integer(row, `ledger_${column}`);
    if (said !== integer(row, column)) {
      breaches.push(`${column} is ${integer(row, column)}, and its ledger says ${said}`);
    }
  }
  return breaches;
}
