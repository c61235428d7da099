import type { Connection, Database } from './database.js';
import { integer, type Row } from './rows.js';
import { list, tuples, type Value } from './sql.js';

/**
 * Every table with its key, those that others refer to first. What reports add up day by day is
 * left out: a job adds it up anew, from the ledger.
 */
const TABLES: readonly { name: string; key: string }[] = [
  { name: 'stores', key: 'id' },
  { name: 'products', key: 'id' },
  { name: 'rentals', key: 'id' },
  { name: 'reservations', key: 'id' },
  { name: 'cart_items', key: 'id' },
  { name: 'orders', key: 'id' },
  { name: 'webhook_events', key: 'id' },
  { name: 'movements', key: 'id' },
  { name: 'events', key: 'id' },
  { name: 'outbox', key: 'page' },
  { name: 'event_cursors', key: 'name' },
  { name: 'webhook_endpoints', key: 'id' },
  { name: 'webhook_deliveries', key: 'id' },
  { name: 'mail_notices', key: 'id' },
  { name: 'mails', key: 'id' },
  { name: 'idempotency_keys', key: 'key_hash' },
  { name: 'commits', key: 'command_id' },
  { name: 'api_keys', key: 'id' },
  { name: 'sync_runs', key: 'id' },
  { name: 'sync_findings', key: 'id' },
  { name: 'refusals', key: 'id' },
  { name: 'reports', key: 'id' },
  { name: 'job_leases', key: 'name' },
];

/** Columns that the database computes by itself, and that nobody may write. */
const COMPUTED: ReadonlySet<string> = new Set(['search_sku', 'search_name']);

const ROWS_AT_ONCE = 500;

/** A copy that was not begun, or not finished, and what to do about it. */
export class CopyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CopyError';
  }
}

/**
 * Copies every row from one database to another, which is migrated and empty; ids stay what they
 * are. Nobody may write to either meanwhile. On return both hold as many rows in each table.
 * Throws a CopyError where the target is not empty or the counts differ in the end.
 */
export async function copyDatabase(
  from: Database,
  to: Database,
  onProgress: (table: string, copied: number, total: number) => void,
): Promise<void> {
  for (const { name } of TABLES) {
    if ((await count(to, name)) > 0) {
      throw new CopyError(`The target is not empty: ${name} has rows. Copy into a new database.`);
    }
  }
  for (const table of TABLES) {
    const total = await count(from, table.name);
    onProgress(table.name, 0, total);
    const copied = await copyTable(from, to, table, (rows) => onProgress(table.name, rows, total));
    if (copied !== total || (await count(to, table.name)) !== total) {
      throw new CopyError(
        `${table.name} changed while it was copied. Stop the service, empty the target and copy again.`,
      );
    }
  }
}

async function copyTable(
  from: Database,
  to: Database,
  { name, key }: { name: string; key: string },
  onProgress: (rows: number) => void,
): Promise<number> {
  let copied = 0;
  let last: Value = null;
  for (;;) {
    const after: string = last === null ? '' : `WHERE ${key} > ${list(from.quote, [last])} `;
    const rows = await from.select(
      `SELECT * FROM ${name} ${after}ORDER BY ${key} LIMIT ${ROWS_AT_ONCE}`,
    );
    const [first] = rows;
    if (!first) return copied;
    const columns = Object.keys(first).filter((column) => !COMPUTED.has(column));
    const values = rows.map((row) => columns.map((column) => toValue(row, column)));
    await to.run(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${tuples(to.quote, values)}`);
    copied += rows.length;
    last = toValue(rows.at(-1) ?? first, key);
    onProgress(copied);
  }
}

async function count(connection: Connection, table: string): Promise<number> {
  const [row] = await connection.select(`SELECT COUNT(*) AS total FROM ${table}`);
  return row ? integer(row, 'total') : 0;
}

/** A column's value as it is written. */
function toValue(row: Row, column: string): Value {
  const value = row[column];
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  throw new CopyError(`${column} holds a value of a kind that can not be copied: ${typeof value}`);
}
