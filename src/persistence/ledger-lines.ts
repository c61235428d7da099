import type { Instant } from '../domain/instant.js';
import type { ProductTotals, ReportedLine } from '../domain/ledger-totals.js';
import { MOVEMENT_KINDS } from '../domain/movement.js';
import type { Connection } from './database.js';
import { joinLatestBefore, productDayColumns, rowToProductTotals } from './ledger-totals.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list } from './sql.js';

/**
 * Ids ascend with time, but for transactions that ran at once. No transaction lasts nearly as long
 * as this.
 */
const OUT_OF_ORDER_MS = 10 * 60_000;
const PAGE_LINES = 5_000;

const COLUMNS =
  'id, store_id, product_id, kind, quantity_delta, quantity_available_delta, ' +
  'quantity_reserved_delta, quantity_rented_delta, quantity, quantity_available, ' +
  'quantity_reserved, quantity_rented, rental_id, created_at';

/** An id at or below which no line bears this time or a later one; lines are found by their id. */
export function firstIdSince(connection: Connection, time: Instant): Promise<number> {
  return findFirst(connection, time - OUT_OF_ORDER_MS);
}

/** An id at or above which no line bears an earlier time. */
export function firstIdAfter(connection: Connection, time: Instant): Promise<number> {
  return findFirst(connection, time + OUT_OF_ORDER_MS);
}

/** By halving: the ledger has no index by time, which every write would pay for. */
async function findFirst(connection: Connection, time: Instant): Promise<number> {
  const [last] = await connection.select(
    'SELECT id, created_at FROM movements ORDER BY id DESC LIMIT 1',
  );
  if (!last) return 1;
  let high = integer(last, 'id') + 1;
  if (instant(last, 'created_at') < time) return high;
  for (let low = 1; low < high; ) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await connection.select(
      `SELECT id, created_at FROM movements WHERE id >= ${middle} ORDER BY id LIMIT 1`,
    );
    if (!row || instant(row, 'created_at') >= time) high = middle;
    else low = integer(row, 'id') + 1;
  }
  return high;
}

/** When the first line was written; null where there is none. */
export async function readFirstLineAt(connection: Connection): Promise<Instant | null> {
  const [row] = await connection.select('SELECT created_at FROM movements ORDER BY id LIMIT 1');
  return row ? instant(row, 'created_at') : null;
}

/** Ids from `from` on, up to but without `to`. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/** A store's lines in order of id, page by page. */
export async function* linesOfStore(
  connection: Connection,
  storeId: number,
  { from, to }: IdRange,
): AsyncGenerator<ReportedLine[]> {
  for (let next = from; next < to; ) {
    const rows = await connection.select(
      // Over the primary key: an index of the store would bring them in another order.
      `SELECT ${COLUMNS} FROM movements WHERE id >= ${next} AND id < ${to} ` +
        `AND store_id + 0 = ${storeId} ORDER BY id LIMIT ${PAGE_LINES}`,
    );
    if (rows.length > 0) yield rows.map(rowToLine);
    if (rows.length < PAGE_LINES) return;
    next = lastId(rows) + 1;
  }
}

/** The lines of products, in order of product and id, page by page. */
export async function* linesOfProducts(
  connection: Connection,
  productIds: readonly number[],
  { from, to }: IdRange,
): AsyncGenerator<ReportedLine[]> {
  let rest = [...productIds].sort((a, b) => a - b);
  let last: { productId: number; id: number } | null = null;
  while (rest.length > 0) {
    const started = last as { productId: number; id: number } | null;
    const others = started ? rest.filter((id) => id > started.productId) : rest;
    const conditions: string[] = [];
    if (started) {
      conditions.push(`(product_id = ${started.productId} AND id > ${started.id} AND id < ${to})`);
    }
    if (others.length > 0) {
      const ids = list(connection.quote, others);
      conditions.push(`(product_id IN ${ids} AND id >= ${from} AND id < ${to})`);
    }
    const rows: Row[] = await connection.select(
      `SELECT ${COLUMNS} FROM movements WHERE ${conditions.join(' OR ')} ` +
        `ORDER BY product_id, id LIMIT ${PAGE_LINES}`,
    );
    if (rows.length > 0) yield rows.map(rowToLine);
    if (rows.length < PAGE_LINES) return;
    const end = rows.at(-1);
    if (!end) return;
    const { productId, id } = { productId: integer(end, 'product_id'), id: integer(end, 'id') };
    last = { productId, id };
    rest = rest.filter((one) => one >= productId);
  }
}

function rowToLine(row: Row): ReportedLine {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: integer(row, 'product_id'),
    kind: oneOf(row, 'kind', MOVEMENT_KINDS),
    delta: {
      quantity: integer(row, 'quantity_delta'),
      quantityAvailable: integer(row, 'quantity_available_delta'),
      quantityReserved: integer(row, 'quantity_reserved_delta'),
      quantityRented: integer(row, 'quantity_rented_delta'),
    },
    after: {
      quantity: integer(row, 'quantity'),
      quantityAvailable: integer(row, 'quantity_available'),
      quantityReserved: integer(row, 'quantity_reserved'),
      quantityRented: integer(row, 'quantity_rented'),
    },
    rentalId: nullable(text, row, 'rental_id'),
    createdAt: instant(row, 'created_at'),
  };
}

function lastId(rows: readonly Row[]): number {
  const row = rows.at(-1);
  return row ? integer(row, 'id') : 0;
}

/** Where the fold of a product's ledger begins. */
export interface Beginning {
  readonly storeId: number;
  readonly productId: number;
  /** null where nothing of its ledger was added up yet */
  readonly totals: ProductTotals | null;
  /** whether it was published when it was made; only where `totals` is null */
  readonly openedPublished: boolean;
  readonly lowStockThreshold: number | null;
}

/**
 * What is known of products at the end of a day that is added up. That a product was published when
 * it was made is told by what became of it: the first publishing or unpublishing, else its row.
 */
export async function readBeginnings(
  connection: Connection,
  productIds: readonly number[],
  day: number,
): Promise<Beginning[]> {
  if (productIds.length === 0) return [];
  const rows = await connection.select(
    'SELECT p.id, p.store_id, p.availability_status, p.low_stock_threshold, ' +
      "CASE WHEN d.day IS NULL THEN (SELECT m.kind FROM movements m WHERE m.product_id = p.id AND m.kind IN ('publish', 'unpublish') ORDER BY m.id LIMIT 1) END AS first_kind, " +
      `${productDayColumns('d')} FROM products p ${joinLatestBefore(day + 1, 'd')}` +
      `WHERE p.id IN ${list(connection.quote, productIds)}`,
  );
  return rows.map((row) => {
    const first = nullable(text, row, 'first_kind') ?? text(row, 'availability_status');
    return {
      storeId: integer(row, 'store_id'),
      productId: integer(row, 'id'),
      totals: rowToProductTotals(row),
      openedPublished: first !== 'draft' && first !== 'publish',
      lowStockThreshold: nullable(integer, row, 'low_stock_threshold'),
    };
  });
}

/** Ids of products of all stores, in order, after `after`. */
export async function listProductIds(
  connection: Connection,
  after: number,
  limit: number,
): Promise<number[]> {
  const rows = await connection.select(
    `SELECT id FROM products WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  );
  return rows.map((row) => integer(row, 'id'));
}

/** A line that set the units owned to something else than they were. */
export interface Correction {
  readonly id: number;
  readonly productId: number;
  readonly sku: string;
  readonly kind: 'adjust' | 'update';
  /** units owned more, or (below 0) fewer */
  readonly change: number;
  /** units owned after it */
  readonly quantity: number;
  readonly reason: string | null;
  readonly actor: string;
  readonly createdAt: Instant;
}

const PAGE_CORRECTIONS = 1_000;

/** A store's corrections in order of id, page by page. */
export async function* correctionsOfStore(
  connection: Connection,
  storeId: number,
  { from, to }: IdRange,
): AsyncGenerator<Correction[]> {
  for (let next = from; next < to; ) {
    const ofKind = (kind: string) =>
      `SELECT * FROM (SELECT id, product_id, kind, quantity_delta, quantity, reason, actor, created_at ` +
      `FROM movements WHERE store_id = ${storeId} AND kind = '${kind}' AND id >= ${next} AND id < ${to} ` +
      `AND quantity_delta <> 0 ORDER BY id LIMIT ${PAGE_CORRECTIONS}) AS of_${kind}`;
    const rows = await connection.select(
      `SELECT m.*, p.sku FROM (${ofKind('adjust')} UNION ALL ${ofKind('update')}) AS m ` +
        `JOIN products p ON p.id = m.product_id ORDER BY m.id LIMIT ${PAGE_CORRECTIONS}`,
    );
    if (rows.length > 0) yield rows.map(rowToCorrection);
    if (rows.length < PAGE_CORRECTIONS) return;
    next = lastId(rows) + 1;
  }
}

function rowToCorrection(row: Row): Correction {
  return {
    id: integer(row, 'id'),
    productId: integer(row, 'product_id'),
    sku: text(row, 'sku'),
    kind: oneOf(row, 'kind', ['adjust', 'update'] as const),
    change: integer(row, 'quantity_delta'),
    quantity: integer(row, 'quantity'),
    reason: nullable(text, row, 'reason'),
    actor: text(row, 'actor'),
    createdAt: instant(row, 'created_at'),
  };
}

/** Products of a store whose drift was found in a period, each as often as a run found it. */
export async function countDrift(
  connection: Connection,
  query: { storeId: number; from: Instant; to: Instant },
): Promise<number> {
  const { quote } = connection;
  const [row] = await connection.select(
    `SELECT COUNT(*) AS found FROM sync_findings WHERE store_id = ${query.storeId} ` +
      `AND created_at >= ${quote(at(query.from))} AND created_at < ${quote(at(query.to))}`,
  );
  return row ? integer(row, 'found') : 0;
}
