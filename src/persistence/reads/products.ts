import type { AvailabilityStatus } from '../../../machines/product.js';
import type { Product } from '../../domain/product.js';
import type { Database } from '../database.js';
import { PRODUCT_COLUMNS, rowToProduct, whereSkus } from '../products.js';
import { list } from '../sql.js';
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
  /** only products with a larger id */
  readonly after: number | null;
  readonly limit: number;
}

export interface ProductReads {
  /** The product, where it exists in this store. Fresh: never from a cache. */
  find(storeId: number, ref: ProductRef): Promise<Product | null>;
  /** A store's products in order of id. */
  list(query: ProductQuery): Promise<Page<Product>>;
}

const QUERIES_IN_FLIGHT_MAX = 2;
const KEYS_MAX = 500;

export function productReads(database: Database): ProductReads {
  const find = sharedQuery(
    (keys: readonly { storeId: number; ref: ProductRef }[]) => findProducts(database, keys),
    { inFlightMax: QUERIES_IN_FLIGHT_MAX, keysMax: KEYS_MAX },
  );
  return {
    find: (storeId, ref) => find({ storeId, ref }),
    list: (query) => listProducts(database, query),
  };
}

async function findProducts(
  database: Database,
  keys: readonly { storeId: number; ref: ProductRef }[],
): Promise<(Product | null)[]> {
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
    `SELECT ${PRODUCT_COLUMNS} FROM products WHERE ${conditions.join(' OR ')}`,
  );
  const found = new Map<string, Product>();
  for (const row of rows) {
    const product = rowToProduct(row);
    found.set(`${product.storeId}#${product.id}`, product);
    found.set(`${product.storeId}:${product.sku}`, product);
  }
  return keys.map(
    ({ storeId, ref }) =>
      found.get(typeof ref === 'number' ? `${storeId}#${ref}` : `${storeId}:${ref}`) ?? null,
  );
}

async function listProducts(database: Database, query: ProductQuery): Promise<Page<Product>> {
  const { quote } = database;
  const conditions = [`store_id = ${query.storeId}`];
  if (query.status !== null) conditions.push(`availability_status = ${quote(query.status)}`);
  if (query.sku !== null) conditions.push(`sku = ${quote(query.sku)}`);
  if (query.parentId !== null) conditions.push(`parent_id = ${query.parentId}`);
  if (query.after !== null) conditions.push(`id > ${query.after}`);
  const rows = await database.select(
    `SELECT ${PRODUCT_COLUMNS} FROM products WHERE ${conditions.join(' AND ')} ` +
      `ORDER BY id LIMIT ${query.limit + 1}`,
  );
  return pageOf(rows.map(rowToProduct), query.limit);
}

/** Cuts off the one row that was asked for too many. */
export function pageOf<T>(rows: readonly T[], limit: number): Page<T> {
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}
