import {
  DAY_MS,
  FLOWS,
  type Flow,
  LEVELS,
  type Level,
  type ProductTotals,
  type Totals,
} from '../domain/ledger-totals.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, type Row, real } from './rows.js';
import { slices } from './sql.js';

/**
 * The tables of what ledgers add up to by the day. A row is about the end of its day, and a day on
 * which nothing happened has none: whatever is asked for at a later time is read from the last row.
 */

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const levelColumn = Object.fromEntries(LEVELS.map((l) => [l, snake(l)])) as Record<Level, string>;
const flowColumn = Object.fromEntries(FLOWS.map((f) => [f, snake(f)])) as Record<Flow, string>;
const timeColumn = (level: Level) => `${levelColumn[level]}_time`;

const TOTALS = [
  'begun_ms',
  ...LEVELS.map((level) => levelColumn[level]),
  ...LEVELS.map(timeColumn),
  ...FLOWS.map((flow) => flowColumn[flow]),
];
const OF_PRODUCT = ['last_movement_id', 'least_free', 'low_since_ms'];

/** The day (since 1970, UTC) whose end is this instant, or in which it lies. */
export const dayEndingAt = (at: number) => Math.ceil(at / DAY_MS) - 1;
export const endOfDay = (day: number) => (day + 1) * DAY_MS;

/** The columns of a row of `product_days`, each with a prefix, for a SELECT. */
export function productDayColumns(table: string, prefix = ''): string {
  return ['day', ...TOTALS, ...OF_PRODUCT]
    .map((column) => `${table}.${column} AS ${prefix}${column}`)
    .join(', ');
}

/** An integral over time up to `at`, as SQL: 0 where the row that `table` stands for is not there. */
export function timeUpTo(table: string, level: Level, at: number): string {
  const column = `${table}.${levelColumn[level]}`;
  return `COALESCE(${table}.${timeColumn(level)} + ${column} * (${at} - (${table}.day + 1) * ${DAY_MS}.0), 0)`;
}

/**
 * Joins the last rows of a store's products before a day, where they have one, as `alias`. Grouped
 * so that each product costs one step through the key, however many days it has.
 */
export function joinLastBefore(storeId: number, day: number, alias: string): string {
  return (
    'LEFT JOIN (SELECT product_id, MAX(day) AS day FROM product_days ' +
    `WHERE store_id = ${storeId} AND day < ${day} GROUP BY store_id, product_id) AS ${alias}_last ` +
    `ON ${alias}_last.product_id = p.id LEFT JOIN product_days ${alias} ON ${alias}.store_id = ${storeId} ` +
    `AND ${alias}.product_id = p.id AND ${alias}.day = ${alias}_last.day `
  );
}

/** The same for a few products of any stores, and a day of which they have few rows later on. */
export function joinLatestBefore(day: number, alias: string): string {
  return (
    `LEFT JOIN product_days ${alias} ON ${alias}.store_id = p.store_id AND ${alias}.product_id = p.id ` +
    `AND ${alias}.day = (SELECT day FROM product_days WHERE store_id = p.store_id ` +
    `AND product_id = p.id AND day < ${day} ORDER BY day DESC LIMIT 1) `
  );
}

function rowToTotals(row: Row, prefix = ''): Totals {
  const levels = {} as Record<Level, number>;
  const integrals = {} as Record<Level, number>;
  const flows = {} as Record<Flow, number>;
  for (const level of LEVELS) {
    levels[level] = integer(row, prefix + levelColumn[level]);
    integrals[level] = real(row, prefix + timeColumn(level));
  }
  for (const flow of FLOWS) flows[flow] = integer(row, prefix + flowColumn[flow]);
  const at = endOfDay(integer(row, `${prefix}day`));
  return { at, begunAt: integer(row, `${prefix}begun_ms`), levels, integrals, flows };
}

/** A row of `product_days`; null where a join found none. */
export function rowToProductTotals(row: Row, prefix = ''): ProductTotals | null {
  if (row[`${prefix}day`] === null) return null;
  return {
    ...rowToTotals(row, prefix),
    lastMovementId: integer(row, `${prefix}last_movement_id`),
    leastFree: integer(row, `${prefix}least_free`),
    lowSince: nullable(integer, row, `${prefix}low_since_ms`),
  };
}

function values({ at, begunAt, levels, integrals, flows }: Totals): (number | null)[] {
  return [
    dayEndingAt(at),
    begunAt,
    ...LEVELS.map((level) => levels[level]),
    ...LEVELS.map((level) => integrals[level]),
    ...FLOWS.map((flow) => flows[flow]),
  ];
}

/** Writes rows of products, over those of the same day. */
export function saveProductDays(
  connection: Connection,
  rows: readonly { storeId: number; productId: number; totals: ProductTotals }[],
): Promise<void> {
  return save(connection, {
    table: 'product_days',
    key: 'store_id, product_id',
    columns: [...TOTALS, ...OF_PRODUCT],
    rows: rows.map(({ storeId, productId, totals }) => [
      storeId,
      productId,
      ...values(totals),
      totals.lastMovementId,
      totals.leastFree,
      totals.lowSince,
    ]),
  });
}

/** Writes rows of stores, over those of the same day. */
export function saveStoreDays(
  connection: Connection,
  rows: readonly { storeId: number; totals: Totals }[],
): Promise<void> {
  return save(connection, {
    table: 'store_days',
    key: 'store_id',
    columns: TOTALS,
    rows: rows.map(({ storeId, totals }) => [storeId, ...values(totals)]),
  });
}

async function save(
  connection: Connection,
  into: { table: string; key: string; columns: string[]; rows: (number | null)[][] },
): Promise<void> {
  const { table, key, columns } = into;
  for (const some of slices(into.rows)) {
    // Integrals are beyond what `tuples` takes; a number prints as SQL reads it.
    const tuples = some.map((row) => `(${row.map((value) => value ?? 'NULL').join(',')})`);
    await connection.run(
      `INSERT INTO ${table} (${key}, day, ${columns.join(', ')}) VALUES ${tuples.join(',')}` +
        connection.dialect.overwrite(`${key}, day`, columns),
    );
  }
}

/** A store's rows after the day `after`, up to the day `last`, and the last one up to `after`. */
export async function readStoreDays(
  connection: Connection,
  query: { storeId: number; after: number; last: number },
): Promise<{ opening: Totals | null; rows: Totals[] }> {
  const { storeId, after, last } = query;
  const rows = await connection.select(
    `SELECT * FROM store_days WHERE store_id = ${storeId} AND day <= ${last} AND day >= ` +
      `COALESCE((SELECT MAX(day) FROM store_days WHERE store_id = ${storeId} AND day <= ${after}), 0) ` +
      'ORDER BY day',
  );
  return split(
    rows.map((row) => rowToTotals(row)),
    after,
  );
}

/** The same of a product. */
export async function readProductDays(
  connection: Connection,
  query: { storeId: number; productId: number; after: number; last: number },
): Promise<{ opening: ProductTotals | null; rows: ProductTotals[] }> {
  const { storeId, productId, after, last } = query;
  const ofProduct = `store_id = ${storeId} AND product_id = ${productId}`;
  const rows = await connection.select(
    `SELECT * FROM product_days WHERE ${ofProduct} AND day <= ${last} AND day >= ` +
      `COALESCE((SELECT MAX(day) FROM product_days WHERE ${ofProduct} AND day <= ${after}), 0) ` +
      'ORDER BY day',
  );
  return split(
    rows.map((row) => rowToProductTotals(row)).filter((row) => row !== null),
    after,
  );
}

function split<T extends Totals>(rows: T[], after: number): { opening: T | null; rows: T[] } {
  const [first, ...others] = rows;
  const isBefore = first !== undefined && first.at <= endOfDay(after);
  return isBefore ? { opening: first, rows: others } : { opening: null, rows };
}

/** The last row of each store up to a day. */
export async function readLastStoreDays(
  connection: Connection,
  day: number,
): Promise<Map<number, Totals>> {
  const rows = await connection.select(
    'SELECT d.* FROM stores s JOIN store_days d ON d.store_id = s.id AND d.day = ' +
      `(SELECT MAX(day) FROM store_days WHERE store_id = s.id AND day <= ${day})`,
  );
  return new Map(rows.map((row) => [integer(row, 'store_id'), rowToTotals(row)]));
}

/** How far the ledger is added up. */
export interface RolledUp {
  /** the last day that is in; -1 where none is */
  readonly day: number;
  /** every line below it is in */
  readonly nextMovementId: number;
}

export async function readRolledUp(connection: Connection): Promise<RolledUp & { now: number }> {
  const { now } = connection.dialect;
  const [row] = await connection.select(
    `SELECT t.now, r.day, r.next_movement_id FROM (SELECT ${now} AS now) t LEFT JOIN rollups r ON r.id = 1`,
  );
  if (!row) throw new Error('the database does not tell its time');
  return {
    now: instant(row, 'now'),
    day: nullable(integer, row, 'day') ?? -1,
    nextMovementId: nullable(integer, row, 'next_movement_id') ?? 0,
  };
}

/** Moves on how far the ledger is added up, never back. */
export async function saveRolledUp(connection: Connection, to: RolledUp): Promise<void> {
  const { insertIgnore, now } = connection.dialect;
  await connection.run(
    `${insertIgnore} INTO rollups (id, day, next_movement_id, rolled_at) VALUES (1, -1, 0, ${now})`,
  );
  await connection.run(
    `UPDATE rollups SET day = ${to.day}, next_movement_id = ${to.nextMovementId}, ` +
      `rolled_at = ${now} WHERE id = 1 AND day < ${to.day}`,
  );
}
