import { AVAILABILITY_STATUSES } from '../../machines/product.js';
import type { CreatedProduct } from '../domain/changes.js';
import type { SkuInStore } from '../domain/loaded.js';
import { asTold, type Product } from '../domain/product.js';
import type { Connection } from './database.js';
import type { Dialect } from './dialects.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, slices, tuples, type Value } from './sql.js';

export const PRODUCT_COLUMNS =
  'id, store_id, sku, name, parent_id, quantity, quantity_available, quantity_reserved, ' +
  'quantity_rented, availability_status, low_stock_threshold, price_amount, price_currency, ' +
  'supplier_email, next_hold_due_at, version, created_at, updated_at';

const INSERTED_COLUMNS = PRODUCT_COLUMNS.slice('id, '.length);

/** What a command may change; the rest of a row is as it was made. */
const CHANGED_COLUMNS = [
  'name',
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
  'availability_status',
  'low_stock_threshold',
  'price_amount',
  'price_currency',
  'supplier_email',
  'next_hold_due_at',
  'version',
  'updated_at',
];

/**
 * What a read selects of `products`: the row, and the units of holds on it that are due. Only where
 * the hint says that there may be some are they added up.
 */
export function toldColumns({ now }: Dialect): string {
  return `${PRODUCT_COLUMNS}, ${dueUnits(now)} AS due_units`;
}

const dueUnits = (now: string) =>
  `CASE WHEN products.next_hold_due_at <= ${now} THEN (SELECT COALESCE(SUM(due.quantity), 0) ` +
  `FROM reservations due WHERE due.product_id = products.id AND due.active = 1 ` +
  `AND due.expires_at <= ${now}) ELSE 0 END`;

/** Free units as they are told, as an SQL expression over `products`. */
export const toldAvailable = ({ now }: Dialect) =>
  `(products.quantity_available + ${dueUnits(now)})`;

/** A product as it is told: what is due counts as free. The columns are those of `toldColumns`. */
export function rowToToldProduct(row: Row): Product {
  return asTold(rowToProduct(row), integer(row, 'due_units'));
}

export function rowToProduct(row: Row): Product {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    sku: text(row, 'sku'),
    name: text(row, 'name'),
    parentId: nullable(integer, row, 'parent_id'),
    quantity: integer(row, 'quantity'),
    quantityAvailable: integer(row, 'quantity_available'),
    quantityReserved: integer(row, 'quantity_reserved'),
    quantityRented: integer(row, 'quantity_rented'),
    availabilityStatus: oneOf(row, 'availability_status', AVAILABILITY_STATUSES),
    lowStockThreshold: nullable(integer, row, 'low_stock_threshold'),
    priceAmount: nullable(integer, row, 'price_amount'),
    priceCurrency: nullable(text, row, 'price_currency'),
    supplierEmail: nullable(text, row, 'supplier_email'),
    nextHoldDueAt: nullable(instant, row, 'next_hold_due_at'),
    version: integer(row, 'version'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
  };
}

/**
 * Locks products by primary key, in order of id, until the transaction ends, and returns those that
 * exist. Stores are not compared here: whoever decides does, on the rows.
 */
export async function lockProducts(
  connection: Connection,
  ids: readonly number[],
): Promise<Product[]> {
  if (ids.length === 0) return [];
  const rows = await connection.select(
    `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id IN ${list(connection.quote, ids)} ` +
      `ORDER BY id${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToProduct);
}

/** Inserts products and puts the ids that the database gave into them and their opening lines. */
export async function insertProducts(
  connection: Connection,
  created: readonly CreatedProduct[],
): Promise<void> {
  if (created.length === 0) return;
  for (const some of slices(created)) {
    const rows = some.map(({ product }) => values(product).slice(1));
    await connection.run(
      `INSERT INTO products (${INSERTED_COLUMNS}) VALUES ${tuples(connection.quote, rows)}`,
    );
  }
  const ids = new Map<string, number>();
  const found = await selectBySku(
    connection,
    created.map(({ product }) => product),
  );
  for (const row of found) {
    ids.set(`${integer(row, 'store_id')}:${text(row, 'sku')}`, integer(row, 'id'));
  }
  for (const { product, opening } of created) {
    const id = ids.get(`${product.storeId}:${product.sku}`);
    if (id === undefined) throw new Error(`product ${product.sku} is gone after its insert`);
    product.id = id;
    opening.productId = id;
  }
}

/** Overwrites locked products with what they became. */
export async function saveProducts(
  connection: Connection,
  products: readonly Product[],
): Promise<void> {
  if (products.length === 0) return;
  await connection.run(
    `INSERT INTO products (${PRODUCT_COLUMNS}) VALUES ` +
      tuples(connection.quote, products.map(values)) +
      connection.dialect.overwrite('id', CHANGED_COLUMNS),
  );
}

/** Which of these SKUs exist. Only a nicer answer: the unique key is what decides. */
export async function findTakenSkus(
  connection: Connection,
  skus: readonly SkuInStore[],
): Promise<SkuInStore[]> {
  const rows = await selectBySku(connection, skus);
  return rows.map((row) => ({ storeId: integer(row, 'store_id'), sku: text(row, 'sku') }));
}

async function selectBySku(connection: Connection, skus: readonly SkuInStore[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const some of slices(skus)) {
    const found = await connection.select(
      `SELECT id, store_id, sku FROM products WHERE ${whereSkus(connection, some)}`,
    );
    for (const row of found) rows.push(row);
  }
  return rows;
}

/** `(store_id = 1 AND sku IN (…)) OR …`: SQLite has no list of pairs. */
export function whereSkus(connection: Connection, skus: readonly SkuInStore[]): string {
  const byStore = new Map<number, string[]>();
  for (const { storeId, sku } of skus) {
    const known = byStore.get(storeId);
    if (known) known.push(sku);
    else byStore.set(storeId, [sku]);
  }
  return [...byStore]
    .map(
      ([storeId, names]) => `(store_id = ${storeId} AND sku IN ${list(connection.quote, names)})`,
    )
    .join(' OR ');
}

function values(product: Product): Value[] {
  return [
    product.id,
    product.storeId,
    product.sku,
    product.name,
    product.parentId,
    product.quantity,
    product.quantityAvailable,
    product.quantityReserved,
    product.quantityRented,
    product.availabilityStatus,
    product.lowStockThreshold,
    product.priceAmount,
    product.priceCurrency,
    product.supplierEmail,
    at(product.nextHoldDueAt),
    product.version,
    at(product.createdAt),
    at(product.updatedAt),
  ];
}
