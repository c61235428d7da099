import { AVAILABILITY_STATUSES, type Counters } from '../../machines/product.js';
import { DRIFT_CAUSES, type Drift } from '../domain/drift.js';
import type { Instant } from '../domain/instant.js';
import {
  type NewSyncRun,
  SYNC_STARTERS,
  type SyncFinding,
  type SyncRun,
} from '../domain/sync-run.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, tuples } from './sql.js';

const RUN_COLUMNS =
  'id, store_id, product_id, started_by, dry_run, deep, total_products, last_product_id, ' +
  'started_at, finished_at';

const COUNTER_COLUMNS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
  'status',
];
const FOUND_COLUMNS = [
  ...COUNTER_COLUMNS.map((column) => `old_${column}`),
  ...COUNTER_COLUMNS.map((column) => `new_${column}`),
  'cause',
  'causes',
];

function rowToRun(row: Row): SyncRun {
  return {
    id: text(row, 'id'),
    storeId: nullable(integer, row, 'store_id'),
    productId: nullable(integer, row, 'product_id'),
    startedBy: oneOf(row, 'started_by', SYNC_STARTERS),
    dryRun: integer(row, 'dry_run') === 1,
    deep: integer(row, 'deep') === 1,
    totalProducts: integer(row, 'total_products'),
    lastProductId: integer(row, 'last_product_id'),
    startedAt: instant(row, 'started_at'),
    finishedAt: nullable(instant, row, 'finished_at'),
  };
}

/** Inserts runs that nobody holds yet. */
export async function insertSyncRuns(
  connection: Connection,
  runs: readonly NewSyncRun[],
  now: Instant,
): Promise<void> {
  if (runs.length === 0) return;
  const rows = runs.map((run) => [
    run.id,
    run.storeId,
    run.productId,
    run.startedBy,
    Number(run.dryRun),
    Number(run.deep),
    0,
    0,
    at(now),
    null,
  ]);
  await connection.run(
    `INSERT INTO sync_runs (${RUN_COLUMNS}) VALUES ${tuples(connection.quote, rows)}`,
  );
}

/** Keeps findings; one that its run has found before is overwritten. */
export async function saveSyncFindings(
  connection: Connection,
  findings: readonly SyncFinding[],
  now: Instant,
): Promise<void> {
  if (findings.length === 0) return;
  const rows = findings.map(({ runId, drift }) => [
    runId,
    drift.storeId,
    drift.productId,
    ...countersOf(drift.old),
    drift.oldStatus,
    ...countersOf(drift.new),
    drift.newStatus,
    drift.cause,
    drift.causes.join(','),
    at(now),
  ]);
  await connection.run(
    `INSERT INTO sync_findings (run_id, store_id, product_id, ${FOUND_COLUMNS.join(', ')}, created_at) ` +
      `VALUES ${tuples(connection.quote, rows)}` +
      connection.dialect.overwrite('run_id, product_id', FOUND_COLUMNS),
  );
}

export async function findSyncRun(connection: Connection, id: string): Promise<SyncRun | null> {
  const [row] = await connection.select(
    `SELECT ${RUN_COLUMNS} FROM sync_runs WHERE id = ${connection.quote(id)}`,
  );
  return row ? rowToRun(row) : null;
}

/** The runs over this store, or over all of them, newest first, below the id `before`. */
export async function listSyncRuns(
  connection: Connection,
  query: { storeId: number; before: string | null; limit: number },
): Promise<SyncRun[]> {
  const below = query.before === null ? '' : `AND id < ${connection.quote(query.before)} `;
  const rows = await connection.select(
    `SELECT ${RUN_COLUMNS} FROM sync_runs WHERE (store_id = ${query.storeId} OR store_id IS NULL) ` +
      `${below}ORDER BY id DESC LIMIT ${query.limit}`,
  );
  return rows.map(rowToRun);
}

/** The runs of the job whose process died: not finished, and held by nobody. */
export async function listAbandonedRuns(connection: Connection): Promise<SyncRun[]> {
  const rows = await connection.select(
    `SELECT ${RUN_COLUMNS} FROM sync_runs WHERE started_by = 'cron' AND finished_at IS NULL ` +
      `AND (held_until IS NULL OR held_until <= ${connection.dialect.now}) ORDER BY id`,
  );
  return rows.map(rowToRun);
}

/** Takes or prolongs the run for `seconds`; false where another process holds it, or it is over. */
export async function holdSyncRun(
  connection: Connection,
  id: string,
  hold: { holder: string; seconds: number },
): Promise<boolean> {
  const { quote, dialect } = connection;
  const holder = quote(hold.holder);
  await connection.run(
    `UPDATE sync_runs SET holder = ${holder}, held_until = ${dialect.inSeconds(hold.seconds)} ` +
      `WHERE id = ${quote(id)} AND finished_at IS NULL ` +
      `AND (holder IS NULL OR holder = ${holder} OR held_until <= ${dialect.now})`,
  );
  const rows = await connection.select(
    `SELECT 1 FROM sync_runs WHERE id = ${quote(id)} AND holder = ${holder} AND finished_at IS NULL`,
  );
  return rows.length > 0;
}

/** Notes that a page was looked at. Only the holder does. */
export async function advanceSyncRun(
  connection: Connection,
  id: string,
  page: { holder: string; lookedAt: number; lastProductId: number | null },
): Promise<void> {
  const { quote, dialect } = connection;
  const position =
    page.lastProductId === null
      ? `finished_at = ${dialect.now}, held_until = NULL`
      : `last_product_id = ${page.lastProductId}`;
  await connection.run(
    `UPDATE sync_runs SET total_products = total_products + ${page.lookedAt}, ${position} ` +
      `WHERE id = ${quote(id)} AND holder = ${quote(page.holder)}`,
  );
}

/** How many products each of these runs found drifted. */
export async function countSyncFindings(
  connection: Connection,
  scope: { runIds: readonly string[]; storeId: number | null },
): Promise<Map<string, number>> {
  if (scope.runIds.length === 0) return new Map();
  const inStore = scope.storeId === null ? '' : `AND store_id = ${scope.storeId} `;
  const rows = await connection.select(
    `SELECT run_id, COUNT(*) AS found FROM sync_findings ` +
      `WHERE run_id IN ${list(connection.quote, scope.runIds)} ${inStore}GROUP BY run_id`,
  );
  return new Map(rows.map((row) => [text(row, 'run_id'), integer(row, 'found')]));
}

/** What a run found, in order of product, after the product `after`. */
export async function listSyncFindings(
  connection: Connection,
  query: { runId: string; storeId: number | null; after: number; limit: number },
): Promise<Drift[]> {
  const inStore = query.storeId === null ? '' : `AND store_id = ${query.storeId} `;
  const rows = await connection.select(
    `SELECT store_id, product_id, ${FOUND_COLUMNS.join(', ')} FROM sync_findings ` +
      `WHERE run_id = ${connection.quote(query.runId)} AND product_id > ${query.after} ${inStore}` +
      `ORDER BY product_id LIMIT ${query.limit}`,
  );
  return rows.map(rowToDrift);
}

function rowToDrift(row: Row): Drift {
  const causes = text(row, 'causes').split(',');
  return {
    productId: integer(row, 'product_id'),
    storeId: integer(row, 'store_id'),
    old: rowToCounters(row, 'old'),
    new: rowToCounters(row, 'new'),
    oldStatus: oneOf(row, 'old_status', AVAILABILITY_STATUSES),
    newStatus: oneOf(row, 'new_status', AVAILABILITY_STATUSES),
    cause: oneOf(row, 'cause', DRIFT_CAUSES),
    causes: DRIFT_CAUSES.filter((cause) => causes.includes(cause)),
  };
}

function rowToCounters(row: Row, when: 'old' | 'new'): Counters {
  return {
    quantity: integer(row, `${when}_quantity`),
    quantityAvailable: integer(row, `${when}_quantity_available`),
    quantityReserved: integer(row, `${when}_quantity_reserved`),
    quantityRented: integer(row, `${when}_quantity_rented`),
  };
}

function countersOf(counters: Counters): number[] {
  return [
    counters.quantity,
    counters.quantityAvailable,
    counters.quantityReserved,
    counters.quantityRented,
  ];
}
