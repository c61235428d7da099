import type { Connection } from './database.js';
import { integer, oneOf, type Row } from './rows.js';
import { slices, tuples } from './sql.js';

/** The reasons for want of units; the last: the product is not published. */
export const SHORTAGE_CODES = ['out_of_stock', 'insufficient_stock', 'not_available'] as const;
export type ShortageCode = (typeof SHORTAGE_CODES)[number];

/** Requests for a product that were refused in an hour for a reason. */
export interface RefusalCount {
  readonly storeId: number;
  readonly productId: number;
  /** since 1970, UTC */
  readonly hour: number;
  readonly code: ShortageCode;
  readonly requests: number;
  /** units that were missing, over all of them; 0 for `not_available` */
  readonly unitsShort: number;
}

/** Adds to what is counted already. */
export async function addRefusals(
  connection: Connection,
  counts: readonly RefusalCount[],
): Promise<void> {
  for (const some of slices(counts)) {
    await connection.run(
      'INSERT INTO refusals (store_id, hour, product_id, code, requests, units_short) VALUES ' +
        tuples(
          connection.quote,
          some.map((count) => [
            count.storeId,
            count.hour,
            count.productId,
            count.code,
            count.requests,
            count.unitsShort,
          ]),
        ) +
        connection.dialect.addUp('store_id, hour, product_id, code', ['requests', 'units_short']),
    );
  }
}

/** Which refusals of a store: from the hour `from` on, before the hour `to`. */
export interface RefusalQuery {
  readonly storeId: number;
  readonly from: number;
  readonly to: number;
}

const inPeriod = ({ storeId, from, to }: RefusalQuery) =>
  `store_id = ${storeId} AND hour >= ${from} AND hour < ${to}`;

/** Refusals by reason, over all products. */
export async function sumRefusals(
  connection: Connection,
  query: RefusalQuery,
): Promise<{ code: ShortageCode; requests: number; unitsShort: number }[]> {
  const rows = await connection.select(
    'SELECT code, SUM(requests) AS requests, SUM(units_short) AS units_short FROM refusals ' +
      `WHERE ${inPeriod(query)} GROUP BY code`,
  );
  return rows.map((row) => ({ code: codeOf(row), ...countsOf(row) }));
}

/** Refused requests for want of units and the units short, by product, as a subquery. */
export function refusalsByProduct(query: RefusalQuery): string {
  return (
    'SELECT product_id, SUM(requests) AS requests, SUM(units_short) AS units_short FROM refusals ' +
    `WHERE ${inPeriod(query)} AND code <> 'not_available' GROUP BY product_id`
  );
}

/** Units short by product and hour, in order. */
export async function listShortHours(
  connection: Connection,
  query: RefusalQuery,
): Promise<Map<number, { hour: number; requests: number; unitsShort: number }[]>> {
  const rows = await connection.select(
    'SELECT product_id, hour, SUM(requests) AS requests, SUM(units_short) AS units_short ' +
      `FROM refusals WHERE ${inPeriod(query)} AND code <> 'not_available' ` +
      'GROUP BY product_id, hour ORDER BY hour',
  );
  const byProduct = new Map<number, { hour: number; requests: number; unitsShort: number }[]>();
  for (const row of rows) {
    const productId = integer(row, 'product_id');
    const hours = byProduct.get(productId) ?? [];
    hours.push({ hour: integer(row, 'hour'), ...countsOf(row) });
    byProduct.set(productId, hours);
  }
  return byProduct;
}

const codeOf = (row: Row) => oneOf(row, 'code', SHORTAGE_CODES);
const countsOf = (row: Row) => ({
  requests: integer(row, 'requests'),
  unitsShort: integer(row, 'units_short'),
});
