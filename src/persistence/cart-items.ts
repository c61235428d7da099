import type { CartItem } from '../domain/cart-item.js';
import { groupBy } from '../domain/group-by.js';
import type { Needs } from '../domain/needs.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, type Row, text } from './rows.js';
import { at, list, slices, tuples } from './sql.js';

export const CART_ITEM_COLUMNS =
  'id, store_id, user_id, product_id, quantity, price_amount, shipping_amount, created_at, updated_at';

export function rowToCartItem(row: Row): CartItem {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    userId: text(row, 'user_id'),
    productId: integer(row, 'product_id'),
    quantity: integer(row, 'quantity'),
    priceAmount: nullable(integer, row, 'price_amount'),
    shippingAmount: nullable(integer, row, 'shipping_amount'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
  };
}

/** Reads lines of carts. The lock of the product is the lock of its lines. */
export async function readCartItems(
  connection: Connection,
  keys: Needs['cartItems'],
): Promise<CartItem[]> {
  const { quote } = connection;
  const conditions = [
    ...groupBy(keys, ({ storeId, userId }) => `${storeId}:${userId}`).values(),
  ].map((group) => {
    const [{ storeId, userId }] = group;
    const productIds = [...new Set(group.map(({ productId }) => productId))];
    return `(store_id = ${storeId} AND user_id = ${quote(userId)} AND product_id IN ${list(quote, productIds)})`;
  });
  const rows: Row[] = [];
  for (const some of slices(conditions)) {
    const found = await connection.select(
      `SELECT ${CART_ITEM_COLUMNS} FROM cart_items WHERE ${some.join(' OR ')}`,
    );
    for (const row of found) rows.push(row);
  }
  return rows.map(rowToCartItem);
}

/** Inserts lines of carts, or overwrites those that are there. */
export async function saveCartItems(
  connection: Connection,
  items: readonly CartItem[],
): Promise<void> {
  for (const some of slices(items)) {
    const rows = some.map((item) => [
      item.id,
      item.storeId,
      item.userId,
      item.productId,
      item.quantity,
      item.priceAmount,
      item.shippingAmount,
      at(item.createdAt),
      at(item.updatedAt),
    ]);
    await connection.run(
      `INSERT INTO cart_items (${CART_ITEM_COLUMNS}) VALUES ${tuples(connection.quote, rows)}` +
        connection.dialect.overwrite('id', [
          'quantity',
          'price_amount',
          'shipping_amount',
          'updated_at',
        ]),
    );
  }
}

export async function removeCartItems(
  connection: Connection,
  ids: readonly string[],
): Promise<void> {
  for (const some of slices(ids)) {
    await connection.run(`DELETE FROM cart_items WHERE id IN ${list(connection.quote, some)}`);
  }
}
