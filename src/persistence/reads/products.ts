import { AVAILABILITY_STATUSES, type AvailabilityStatus } from '../../../machines/product.js';
import type { Product } from '../../domain/product.js';
import type { Database } from '../database.js';
import { PRODUCT_COLUMNS, rowToProduct, whereSkus } from '../products.js';
import { integer, oneOf, type Row, text } from '../rows.js';
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

/** What of a product says whether units are free. */
export type Availability = Pick<
  Product,
  'id' | 'storeId' | 'sku' | 'quantity' | 'quantityAvailable' | 'availabilityStatus'
>;

export interface ProductReads {
  /** The product, where it exists in this store. Fresh: never from a cache. */
  find(storeId: number, ref: ProductRef): Promise<Product | null>;
  /** The same, with only what the most frequent read of all needs. */
  findAvailability(storeId: number, ref: ProductRef): Promise<Availability | null>;
  /** A store's products in order of id. */
  list(query: ProductQuery): Promise<Page<Product>>;
}

const QUERIES_IN_FLIGHT_MAX = 2;
const KEYS_MAX = 500;

export function productReads(database: Database): ProductReads {
  const shared = <T extends Named>(columns: string, read: (row: Row) => T) =>
    sharedQuery((keys: readonly Key[]) => findProducts(database, keys, { columns, read }), {
      inFlightMax: QUERIES_IN_FLIGHT_MAX,
      keysMax: KEYS_MAX,
    });
  const find = shared(PRODUCT_COLUMNS, rowToProduct);
  const findAvailability = shared(AVAILABILITY_COLUMNS, rowToAvailability);
  return {
    find: (storeId, ref) => find({ storeId, ref }),
    findAvailability: (storeId, ref) => findAvailability({ storeId, ref }),
    list: (query) => listProducts(database, query),
  };
}

const AVAILABILITY_COLUMNS = 'id, store_id, sku, quantity, quantity_available, availability_status';

function rowToAvailability(row: Row): Availability {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    sku: text(row, 'sku'),
    quantity: integer(row, 'quantity'),
    quantityAvailable: integer(row, 'quantity_available'),
    availabilityStatus: oneOf(row, 'availability_status', AVAILABILITY_STATUSES),
  };
}

type Key = { readonly storeId: number; readonly ref: ProductRef };
type Named = Pick<Product, 'id' | 'storeId' | 'sku'>;

async function findProducts<T extends Named>(
  database: Database,
  keys: readonly Key[],
  { columns, read }: { columns: string; read: (row: Row) => T },
): Promise<(T | null)[]> {
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
    `SELECT ${columns} FROM products WHERE ${conditions.join(' OR ')}`,
  );
  const byId = new Map<number, T>();
  const bySku = new Map<string, T>();
  for (const row of rows) {
    const product = read(row);
    byId.set(product.id, product);
    if (skus.length > 0) bySku.set(`${product.storeId}:${product.sku}`, product);
  }
  return keys.map(({ storeId, ref }) => {
    const product = typeof ref === 'number' ? byId.get(ref) : bySku.get(`${storeId}:${ref}`);
    return product?.storeId === storeId ? product : null;
  });
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
