import type { Database } from '../../src/persistence/database.js';

const TABLES = [
  'products',
  'rentals',
  'reservations',
  'customers',
  'cart_items',
  'orders',
  'webhook_events',
  'movements',
  'idempotency_keys',
  'api_keys',
  'webhook_endpoints',
  'event_tickets',
  'commits',
  'sync_runs',
  'sync_findings',
  'reports',
];

/** How many rows each table has, and the sum of all versions: the same where nothing was changed. */
export async function tableCounts(rows: Database): Promise<Record<string, number>> {
  const counts = TABLES.map((table) => `(SELECT COUNT(*) FROM ${table}) AS ${table}`);
  const [row] = await rows.select(
    `SELECT ${counts.join(', ')}, (SELECT COALESCE(SUM(version), 0) FROM products) AS versions`,
  );
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, n]) => [name, Number(n)]));
}
