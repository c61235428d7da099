import type { ProductTotals } from '../../domain/ledger-totals.js';
import type { Database } from '../database.js';
import {
  joinLastBefore,
  productDayColumns,
  rowToProductTotals,
  timeUpTo,
} from '../ledger-totals.js';
import { type RefusalQuery, refusalsByProduct } from '../refusals.js';
import { integer, nullable, type Row, text } from '../rows.js';
import { list } from '../sql.js';

export const PRODUCT_SORTS = ['busiest', 'idlest', 'mostRented', 'outOfStock', 'refused'] as const;
export type ProductSort = (typeof PRODUCT_SORTS)[number];

/** A product and what is added up of its ledger before two days; null where it had no line yet. */
export interface ReportedProduct {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  readonly supplierEmail: string | null;
  readonly start: ProductTotals | null;
  readonly end: ProductTotals | null;
  /** the fewest units free on the days in between that have a line; null where none has, or unasked */
  readonly leastFree: number | null;
  readonly refusedRequests: number;
  readonly refusedUnits: number;
}

export interface ReportedProductQuery {
  readonly storeId: number;
  /** totals before this day, and before that one; both no later than what is added up */
  readonly fromDay: number;
  readonly toDay: number;
  /** up to when what holds at the end goes on, and from when what holds at the start did */
  readonly from: number;
  readonly to: number;
  readonly refusals: RefusalQuery;
  /** only these, or all but these */
  readonly only?: readonly number[];
  readonly except?: readonly number[];
  /** in the order of the sort, else of the id */
  readonly sort?: ProductSort;
  readonly suppliedOnly?: boolean;
  readonly leastFree?: boolean;
  readonly limit?: number;
}

/** Products of a store in the order of a figure, each with what that figure is made from. */
export async function listReportedProducts(
  database: Database,
  query: ReportedProductQuery,
): Promise<ReportedProduct[]> {
  const { storeId, only, except = [], sort, limit } = query;
  if (only?.length === 0) return [];
  const conditions = [`p.store_id = ${storeId}`];
  if (only) conditions.push(`p.id IN ${list(database.quote, only)}`);
  if (except.length > 0) conditions.push(`p.id NOT IN ${list(database.quote, except)}`);
  if (query.suppliedOnly) conditions.push('p.supplier_email IS NOT NULL');
  if (sort === 'idlest') conditions.push(`${between(query, 'published')} > 0`);
  const order = sort === undefined ? '' : `${orderBy(query, sort)}, `;
  const rows = await database.select(
    'SELECT p.id, p.sku, p.name, p.supplier_email, ' +
      `${productDayColumns('a', 'a_')}, ${productDayColumns('b', 'b_')}, ` +
      `${query.leastFree ? 'l.least_free' : 'NULL'} AS least_free, ` +
      'r.requests, r.units_short FROM products p ' +
      joinLastBefore(storeId, query.fromDay, 'a') +
      joinLastBefore(storeId, query.toDay, 'b') +
      (query.leastFree ? joinLeastFree(query) : '') +
      `LEFT JOIN (${refusalsByProduct(query.refusals)}) AS r ON r.product_id = p.id ` +
      `WHERE ${conditions.join(' AND ')} ORDER BY ${order}p.id` +
      (limit === undefined ? '' : ` LIMIT ${limit}`),
  );
  return rows.map(rowToReportedProduct);
}

const joinLeastFree = ({ storeId, fromDay, toDay }: ReportedProductQuery) =>
  'LEFT JOIN (SELECT product_id, MIN(least_free) AS least_free FROM product_days ' +
  `WHERE store_id = ${storeId} AND day >= ${fromDay} AND day < ${toDay} ` +
  'GROUP BY product_id) AS l ON l.product_id = p.id ';

function orderBy(query: ReportedProductQuery, sort: ProductSort): string {
  switch (sort) {
    case 'busiest':
      return `${between(query, 'quantityRented')} DESC`;
    case 'idlest':
      return between(query, 'quantityRented');
    case 'mostRented':
      return 'COALESCE(b.rented_units, 0) - COALESCE(a.rented_units, 0) DESC';
    case 'outOfStock':
      return `${between(query, 'outOfStock')} DESC`;
    case 'refused':
      return 'COALESCE(r.requests, 0) DESC';
  }
}

function between(
  { from, to }: ReportedProductQuery,
  level: 'quantityRented' | 'outOfStock' | 'published',
): string {
  return `(${timeUpTo('b', level, to)} - ${timeUpTo('a', level, from)})`;
}

function rowToReportedProduct(row: Row): ReportedProduct {
  return {
    productId: integer(row, 'id'),
    sku: text(row, 'sku'),
    name: text(row, 'name'),
    supplierEmail: nullable(text, row, 'supplier_email'),
    start: rowToProductTotals(row, 'a_'),
    end: rowToProductTotals(row, 'b_'),
    leastFree: nullable(integer, row, 'least_free'),
    refusedRequests: nullable(integer, row, 'requests') ?? 0,
    refusedUnits: nullable(integer, row, 'units_short') ?? 0,
  };
}
