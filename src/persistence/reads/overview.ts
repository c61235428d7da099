import {
  AVAILABILITY_STATUSES,
  type AvailabilityStatus,
  type Counters,
} from '../../../machines/product.js';
import type { Instant } from '../../domain/instant.js';
import type { MovementKind } from '../../domain/movement.js';
import type { Database } from '../database.js';
import { toldAvailable } from '../products.js';
import { instant, integer, text } from '../rows.js';

/** How a store stands at one moment. What is due counts as free. */
export interface StoreOverview {
  readonly at: Instant;
  readonly products: Readonly<Record<AvailabilityStatus, number>>;
  /** units, over all products */
  readonly counters: Counters;
  /** published products at or below their threshold; those with none free are among them */
  readonly lowProducts: number;
  /** published products with no unit free */
  readonly emptyProducts: number;
  readonly overdueRentals: number;
  /** a few of the low products: those with none free first, then those with the fewest */
  readonly lowest: readonly LowestProduct[];
  /** null: the whole store was never looked at */
  readonly lastSync: LastSync | null;
  readonly activity: readonly MinuteOfActivity[];
}

export interface LowestProduct {
  readonly id: number;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly quantityAvailable: number;
  readonly threshold: number;
}

/** The last run of sync over the whole store that came to its end. */
export interface LastSync {
  readonly startedAt: Instant;
  readonly isDryRun: boolean;
  /** products that it found drifted, and that nobody has repaired since */
  readonly unrepaired: number;
  /** products that it found drifted */
  readonly drifted: number;
}

/** What happened in a minute: lines of the ledger; null: there were too many since to count them. */
export interface MinuteOfActivity {
  /** when it began */
  readonly at: Instant;
  readonly rentals: number | null;
  readonly returns: number | null;
  readonly holds: number | null;
}

const LOWEST = 8;
const MINUTE_MS = 60_000;
const MINUTES = 30;
/** Lines of one kind that are counted: those of a quiet store, and then those of a busy one. */
const LINES_MAX = [3_000, 30_000] as const;

const ACTIVITY = {
  rent: 'rentals',
  confirm: 'rentals',
  complete: 'returns',
  cancel: 'returns',
  reserve: 'holds',
} as const satisfies Partial<Record<MovementKind, string>>;
type ActivityKind = keyof typeof ACTIVITY;
const KINDS = Object.keys(ACTIVITY) as ActivityKind[];

/** Reads every product of the store once: for a few times a minute, and not for each caller. */
export async function readOverview(
  database: Database,
  query: { storeId: number; lowStockThreshold: number; linesMax?: readonly number[] },
): Promise<StoreOverview> {
  const [stock, lowest, overdueRentals, lastSync, { at, activity }] = await Promise.all([
    readStock(database, query),
    readLowest(database, query),
    countOverdue(database, query.storeId),
    readLastSync(database, query.storeId),
    readActivity(database, query.storeId, query.linesMax ?? LINES_MAX),
  ]);
  return { at, ...stock, lowest, overdueRentals, lastSync, activity };
}

async function readStock(
  database: Database,
  { storeId, lowStockThreshold }: { storeId: number; lowStockThreshold: number },
): Promise<Pick<StoreOverview, 'products' | 'counters' | 'lowProducts' | 'emptyProducts'>> {
  const rows = await database.select(
    'SELECT status, COUNT(*) AS products, SUM(quantity) AS quantity, SUM(free) AS free, ' +
      'SUM(quantity_available) AS available, SUM(quantity_reserved) AS reserved, ' +
      'SUM(quantity_rented) AS rented, SUM(CASE WHEN free = 0 THEN 1 ELSE 0 END) AS none_free, ' +
      'SUM(CASE WHEN free <= threshold THEN 1 ELSE 0 END) AS low_ones FROM (' +
      `SELECT availability_status AS status, quantity, ${toldAvailable(database.dialect)} AS free, ` +
      'quantity_available, quantity_reserved, quantity_rented, ' +
      `COALESCE(low_stock_threshold, ${lowStockThreshold}) AS threshold ` +
      `FROM products WHERE store_id = ${storeId}) AS told GROUP BY status`,
  );
  const of = (status: AvailabilityStatus, column: string) => {
    const row = rows.find((candidate) => text(candidate, 'status') === status);
    return row ? integer(row, column) : 0;
  };
  const sum = (column: string) =>
    AVAILABILITY_STATUSES.reduce((total, status) => total + of(status, column), 0);
  // One that is written down as rented out, and has a unit free since a hold fell due.
  const freed = of('rented_out', 'products') - of('rented_out', 'none_free');
  const dueUnits = sum('free') - sum('available');
  return {
    products: {
      draft: of('draft', 'products'),
      available: of('available', 'products') + freed,
      rented_out: of('rented_out', 'none_free'),
    },
    counters: {
      quantity: sum('quantity'),
      quantityAvailable: sum('free'),
      quantityReserved: sum('reserved') - dueUnits,
      quantityRented: sum('rented'),
    },
    lowProducts: of('available', 'low_ones') + of('rented_out', 'low_ones'),
    emptyProducts: of('rented_out', 'none_free'),
  };
}

/** Of as many free units, those first of which the most are out or held: they are in demand. */
async function readLowest(
  database: Database,
  { storeId, lowStockThreshold }: { storeId: number; lowStockThreshold: number },
): Promise<LowestProduct[]> {
  const rows = await database.select(
    'SELECT id, sku, name, quantity, free, threshold FROM (' +
      `SELECT id, sku, name, quantity, ${toldAvailable(database.dialect)} AS free, ` +
      `COALESCE(low_stock_threshold, ${lowStockThreshold}) AS threshold FROM products ` +
      `WHERE store_id = ${storeId} AND availability_status <> 'draft') AS told ` +
      `WHERE free <= threshold ORDER BY free, free - quantity, id LIMIT ${LOWEST}`,
  );
  return rows.map((row) => ({
    id: integer(row, 'id'),
    sku: text(row, 'sku'),
    name: text(row, 'name'),
    quantity: integer(row, 'quantity'),
    quantityAvailable: integer(row, 'free'),
    threshold: integer(row, 'threshold'),
  }));
}

/**
 * A finding of a dry run is dealt with once its product alone was looked at again, and repaired or
 * found in order. A run on one product says nothing of the others, and so is not the last one.
 */
async function readLastSync(database: Database, storeId: number): Promise<LastSync | null> {
  const { quote } = database;
  const [run] = await database.select(
    'SELECT id, dry_run, started_at FROM sync_runs ' +
      `WHERE (store_id = ${storeId} OR store_id IS NULL) AND product_id IS NULL ` +
      'AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1',
  );
  if (!run) return null;
  const runId = quote(text(run, 'id'));
  const isDryRun = integer(run, 'dry_run') === 1;
  const [found] = await database.select(
    'SELECT COUNT(*) AS drifted, COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM sync_runs later ' +
      `WHERE later.id > ${runId} ` +
      'AND later.product_id = found.product_id AND later.finished_at IS NOT NULL ' +
      'AND (later.dry_run = 0 OR NOT EXISTS (SELECT 1 FROM sync_findings again ' +
      'WHERE again.run_id = later.id AND again.product_id = found.product_id))' +
      ') THEN 0 ELSE 1 END), 0) AS unrepaired ' +
      `FROM sync_findings found WHERE found.run_id = ${runId} AND found.store_id = ${storeId}`,
  );
  return {
    startedAt: instant(run, 'started_at'),
    isDryRun,
    drifted: found ? integer(found, 'drifted') : 0,
    unrepaired: found && isDryRun ? integer(found, 'unrepaired') : 0,
  };
}

async function countOverdue(database: Database, storeId: number): Promise<number> {
  const [row] = await database.select(
    `SELECT COUNT(*) AS overdue FROM rentals WHERE store_id = ${storeId} ` +
      `AND status = 'active' AND ends_at < ${database.dialect.now}`,
  );
  return row ? integer(row, 'overdue') : 0;
}

async function readActivity(
  database: Database,
  storeId: number,
  linesMax: readonly number[],
): Promise<{ at: Instant; activity: MinuteOfActivity[] }> {
  const [row] = await database.select(`SELECT ${database.dialect.now} AS now`);
  if (!row) throw new Error('the database told no time');
  const at = instant(row, 'now');
  const lines = await Promise.all(
    KINDS.map(async (kind) => ({
      what: ACTIVITY[kind],
      ...(await countLines(database, { storeId, kind, linesMax })),
    })),
  );
  const first = (Math.floor(at / MINUTE_MS) - MINUTES + 1) * MINUTE_MS;
  const activity = Array.from({ length: MINUTES }, (_, i) => {
    const began = first + i * MINUTE_MS;
    const sum = (of: (typeof ACTIVITY)[ActivityKind]) => {
      const these = lines.filter(({ what }) => what === of);
      if (these.some(({ from }) => began < from)) return null;
      return these.reduce((total, { counts }) => total + (counts.get(began) ?? 0), 0);
    };
    return { at: began, rentals: sum('rentals'), returns: sum('returns'), holds: sum('holds') };
  });
  return { at, activity };
}

/** Lines of a kind by minute, and from which minute on all of them were counted. */
async function countLines(
  database: Database,
  query: { storeId: number; kind: ActivityKind; linesMax: readonly number[] },
): Promise<{ counts: ReadonlyMap<Instant, number>; from: Instant }> {
  const { storeId, kind, linesMax } = query;
  const counts = new Map<Instant, number>();
  for (const limit of linesMax) {
    const rows = await database.select(
      'SELECT SUBSTR(created_at, 1, 16) AS began, COUNT(*) AS counted FROM (' +
        `SELECT created_at FROM movements WHERE store_id = ${storeId} AND kind = '${kind}' ` +
        `ORDER BY id DESC LIMIT ${limit}) AS newest ` +
        `WHERE created_at > ${database.dialect.hoursAgo(1)} GROUP BY began`,
    );
    let total = 0;
    for (const row of rows) {
      counts.set(
        Date.parse(`${text(row, 'began').replace(' ', 'T')}:00Z`),
        integer(row, 'counted'),
      );
      total += integer(row, 'counted');
    }
    if (total < limit) return { counts, from: 0 };
  }
  // Of the first of these minutes some may be missing.
  return { counts, from: Math.min(...counts.keys()) + MINUTE_MS };
}
