import type { AvailabilityStatus } from '../../../machines/product.js';
import type { Product } from '../../domain/product.js';
import type { Database } from '../database.js';
import type { Dialect } from '../dialects.js';
import { rowToToldProduct, toldAvailable, toldColumns, whereSkus } from '../products.js';
import { list } from '../sql.js';
import { type ProductOrder, selectInTextOrder } from './product-order.js';
import { sharedQuery } from './shared-query.js';

/** How a request names a product: a number is its id, text its SKU. */
export type ProductRef = number | string;

/** One page: rows in order, and whether there are more behind them. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly hasMore: boolean;
}

export interface ProductQuery {
  readonly storeId: number;
  readonly status: AvailabilityStatus | null;
  readonly sku: string | null;
  readonly parentId: number | null;
  /** only these; null: all */
  readonly ids: readonly number[] | null;
  /** what the SKU or the name begins with; the list is then in an order of its own */
  readonly search: string | null;
  readonly order: ProductOrder;
  /** only what comes behind the product with this id */
  readonly after: number | null;
  readonly limit: number;
}

export interface ProductReads {
  /** The product as it is told, where it exists in this store. Fresh: never from a cache. */
  find(storeId: number, ref: ProductRef): Promise<Product | null>;
  /** A store's products in the order asked for; those searched for by SKU, then by name. */
  list(query: ProductQuery): Promise<Page<Product>>;
  /** Published products with few units free, in order of id. */
  listLowStock(query: LowStockQuery): Promise<Page<Product>>;
  /** The products that are variants of another, in order of id: 1,000 at most. */
  listVariants(storeId: number, parentId: number): Promise<Product[]>;
}

export interface LowStockQuery {
  readonly storeId: number;
  /** free units at or below which a product is low; null: each product's own, else `fallback` */
  readonly threshold: number | null;
  readonly fallback: number;
  /** only products with a larger id */
  readonly after: number | null;
  readonly limit: number;
}

const VARIANTS_MAX = 1_000;

export function productReads(database: Database): ProductReads {
  const find = sharedQuery((keys: readonly Key[]) => findProducts(database, keys));
  return {
    find: (storeId, ref) => find({ storeId, ref }),
    list: (query) => listProducts(database, query),
    listLowStock: (query) => listLowStock(database, query),
    listVariants: (storeId, parentId) => listVariants(database, storeId, parentId),
  };
}

type Key = { readonly storeId: number; readonly ref: ProductRef };

async function findProducts(database: Database, keys: readonly Key[]): Promise<(Product | null)[]> {
  const ids = new Map<number, Set<number>>();
  const skus: { storeId: number; sku: string }[] = [];
  for (const { storeId, ref } of keys) {
    if (typeof ref === 'string') {
      skus.push({ storeId, sku: ref });
      continue;
    }
    const known = ids.get(storeId);
    if (known) known.add(ref);
    else ids.set(storeId, new Set([ref]));
  }
  const conditions = [...ids].map(
    ([storeId, some]) => `(store_id = ${storeId} AND id IN ${list(database.quote, [...some])})`,
  );
  if (skus.length > 0) conditions.push(whereSkus(database, skus));
  const rows = await database.select(
    `SELECT ${toldColumns(database.dialect)} FROM products WHERE ${conditions.join(' OR ')}`,
  );
  const byId = new Map<number, Product>();
  const bySku = new Map<string, Product>();
  for (const row of rows) {
    const product = rowToToldProduct(row);
    byId.set(product.id, product);
    if (skus.length > 0) bySku.set(`${product.storeId}:${product.sku}`, product);
  }
  return keys.map(({ storeId, ref }) => {
    const product = typeof ref === 'number' ? byId.get(ref) : bySku.get(`${storeId}:${ref}`);
    return product?.storeId === storeId ? product : null;
  });
}

async function listProducts(database: Database, query: ProductQuery): Promise<Page<Product>> {
  const { quote, dialect } = database;
  const { order, search } = query;
  if (order.by !== 'id' || search !== null) {
    const rows = await selectInTextOrder(database, query);
    return pageOf(rows.map(rowToToldProduct), query.limit);
  }
  const conditions = [`store_id = ${query.storeId}`];
  if (query.status !== null) conditions.push(whereStatus(query.status, dialect));
  if (query.sku !== null) conditions.push(`sku = ${quote(query.sku)}`);
  if (query.parentId !== null) conditions.push(`parent_id = ${query.parentId}`);
  if (query.ids !== null) conditions.push(`id IN ${list(quote, query.ids)}`);
  if (query.after !== null) conditions.push(`id ${order.descending ? '<' : '>'} ${query.after}`);
  const rows = await database.select(
    `SELECT ${toldColumns(dialect)} FROM products WHERE ${conditions.join(' AND ')} ` +
      `ORDER BY id${order.descending ? ' DESC' : ''} LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToToldProduct), query.limit);
}

/** Products that are told to have a status: one that is rented out but for due holds is not. */
function whereStatus(status: AvailabilityStatus, dialect: Dialect): string {
  const freed = `${toldAvailable(dialect)} > 0`;
  switch (status) {
    case 'draft':
      return "availability_status = 'draft'";
    case 'available':
      return `(availability_status = 'available' OR (availability_status = 'rented_out' AND ${freed}))`;
    case 'rented_out':
      return `(availability_status = 'rented_out' AND NOT ${freed})`;
  }
}

async function listLowStock(database: Database, query: LowStockQuery): Promise<Page<Product>> {
  const { dialect } = database;
  const threshold =
    query.threshold === null ? `COALESCE(low_stock_threshold, ${query.fallback})` : query.threshold;
  const after = query.after === null ? '' : `AND id > ${query.after} `;
  const rows = await database.select(
    `SELECT ${toldColumns(dialect)} FROM products WHERE store_id = ${query.storeId} ` +
      `AND availability_status <> 'draft' AND ${toldAvailable(dialect)} <= ${threshold} ` +
      `${after}ORDER BY id LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToToldProduct), query.limit);
}

async function listVariants(database: Database, storeId: number, parentId: number) {
  const rows = await database.select(
    `SELECT ${toldColumns(database.dialect)} FROM products ` +
      `WHERE parent_id = ${parentId} AND store_id = ${storeId} ORDER BY id LIMIT ${VARIANTS_MAX}`,
  );
  return rows.map(rowToToldProduct);
}

/** Cuts off the one row that was asked for too many. */
export function pageOf<T>(rows: readonly T[], limit: number): Page<T> {
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}
