import {
  AVAILABILITY_STATUSES,
  type AvailabilityStatus,
  type Counters,
} from '../../../machines/product.js';
import type { Instant } from '../../domain/instant.js';
import type { Database } from '../database.js';
import { instant, integer, nullable, oneOf } from '../rows.js';
import { list } from '../sql.js';

/** All stores taken together, for metrics. */
export interface StockSummary {
  readonly products: ReadonlyMap<AvailabilityStatus, number>;
  /** published products with few units free: at or below their threshold */
  readonly lowProducts: number;
  /** units */
  readonly counters: Counters;
  readonly holds: HoldSummary;
  /** those that wait, by what for */
  readonly orders: ReadonlyMap<WaitingOrder, number>;
  /** null where none was ever finished */
  readonly lastSync: {
    readonly finishedAt: Instant;
    readonly driftedProducts: number;
    /** those of them of which more was out or held than is owned */
    readonly overCommittedProducts: number;
  } | null;
}

const WAITING_ORDERS = ['pending', 'refund_required'] as const;
export type WaitingOrder = (typeof WAITING_ORDERS)[number];

export interface HoldSummary {
  readonly active: { readonly holds: number; readonly units: number };
  /** past their expiry, and not yet written down as expired */
  readonly due: { readonly holds: number; readonly units: number };
  readonly oldestDueSeconds: number;
}

/** Counts products and adds up units. It reads every product, so it is for now and then. */
export async function summariseStock(
  database: Database,
  { lowStockThreshold }: { lowStockThreshold: number },
): Promise<StockSummary> {
  const isLow = `quantity_available <= COALESCE(low_stock_threshold, ${lowStockThreshold})`;
  const rows = await database.select(
    'SELECT availability_status, COUNT(*) AS products, SUM(quantity) AS quantity, ' +
      'SUM(quantity_available) AS quantity_available, SUM(quantity_reserved) AS quantity_reserved, ' +
      `SUM(quantity_rented) AS quantity_rented, SUM(CASE WHEN ${isLow} THEN 1 ELSE 0 END) AS low ` +
      'FROM products GROUP BY availability_status',
  );
  const products = new Map<AvailabilityStatus, number>(AVAILABILITY_STATUSES.map((s) => [s, 0]));
  const sum = (column: string) => rows.reduce((total, row) => total + integer(row, column), 0);
  for (const row of rows) {
    const status = oneOf(row, 'availability_status', AVAILABILITY_STATUSES);
    products.set(status, integer(row, 'products'));
  }
  const counters = {
    quantity: sum('quantity'),
    quantityAvailable: sum('quantity_available'),
    quantityReserved: sum('quantity_reserved'),
    quantityRented: sum('quantity_rented'),
  };
  const published = rows.filter((row) => row['availability_status'] !== 'draft');
  return {
    products,
    lowProducts: published.reduce((total, row) => total + integer(row, 'low'), 0),
    counters,
    holds: await summariseHolds(database),
    orders: await countOrders(database),
    lastSync: await readLastSync(database),
  };
}

async function countOrders(database: Database): Promise<StockSummary['orders']> {
  const rows = await database.select(
    `SELECT status, COUNT(*) AS orders FROM orders ` +
      `WHERE status IN ${list(database.quote, WAITING_ORDERS)} GROUP BY status`,
  );
  const counts = new Map<WaitingOrder, number>(WAITING_ORDERS.map((status) => [status, 0]));
  for (const row of rows) counts.set(oneOf(row, 'status', WAITING_ORDERS), integer(row, 'orders'));
  return counts;
}

async function summariseHolds(database: Database): Promise<HoldSummary> {
  const { now } = database.dialect;
  const rows = await database.select(
    `SELECT CASE WHEN r.expires_at <= ${now} THEN 1 ELSE 0 END AS is_due, COUNT(*) AS holds, ` +
      `SUM(r.quantity) AS units, MIN(r.expires_at) AS oldest, ${now} AS now ` +
      // Only products with a hint have holds; their index spares reading all that is over.
      'FROM products p JOIN reservations r ON r.product_id = p.id AND r.active = 1 ' +
      'WHERE p.next_hold_due_at IS NOT NULL GROUP BY 1',
  );
  const countOf = (isDue: number) => {
    const row = rows.find((candidate) => integer(candidate, 'is_due') === isDue);
    return row
      ? { holds: integer(row, 'holds'), units: integer(row, 'units'), row }
      : { holds: 0, units: 0, row };
  };
  const [active, due] = [countOf(0), countOf(1)];
  const oldestDueSeconds = due.row
    ? (instant(due.row, 'now') - instant(due.row, 'oldest')) / 1000
    : 0;
  return {
    active: { holds: active.holds, units: active.units },
    due: { holds: due.holds, units: due.units },
    oldestDueSeconds,
  };
}

async function readLastSync(database: Database): Promise<StockSummary['lastSync']> {
  const [row] = await database.select(
    'SELECT r.finished_at, (SELECT COUNT(*) FROM sync_findings WHERE run_id = r.id) AS drifted, ' +
      // The gravest cause, so it is that of each product that has it.
      "(SELECT COUNT(*) FROM sync_findings WHERE run_id = r.id AND cause = 'over_committed') AS over_committed " +
      'FROM sync_runs r WHERE r.product_id IS NULL AND r.finished_at IS NOT NULL ' +
      'ORDER BY r.id DESC LIMIT 1',
  );
  const finishedAt = row && nullable(instant, row, 'finished_at');
  if (!row || finishedAt === null || finishedAt === undefined) return null;
  return {
    finishedAt,
    driftedProducts: integer(row, 'drifted'),
    overCommittedProducts: integer(row, 'over_committed'),
  };
}
