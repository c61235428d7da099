import type { CartItem } from '../../domain/cart-item.js';
import type { Instant } from '../../domain/instant.js';
import { CART_ITEM_COLUMNS, rowToCartItem } from '../cart-items.js';
import type { Database } from '../database.js';
import { toldAvailable } from '../products.js';
import { instant, integer, nullable, type Row, text } from '../rows.js';
import { list } from '../sql.js';
import { sharedQuery } from './shared-query.js';

/** A line of a user's cart as it stands now. */
export interface CartLine extends CartItem {
  readonly sku: string;
  /** units of the product that are free */
  readonly quantityAvailable: number;
  /** the hold of the user's cart on the product; null where there is none, or it is due */
  readonly hold: {
    readonly reservationId: string;
    readonly expiresAt: Instant;
    readonly quantity: number;
  } | null;
}

/** Reads a user's cart, the oldest line first. */
export type ReadCart = (storeId: number, userId: string) => Promise<readonly CartLine[]>;

export function cartReads(database: Database): ReadCart {
  const read = sharedQuery((users: readonly UserKey[]) => findCarts(database, users));
  return (storeId, userId) => read({ storeId, userId });
}

interface UserKey {
  readonly storeId: number;
  readonly userId: string;
}

async function findCarts(database: Database, users: readonly UserKey[]): Promise<CartLine[][]> {
  const { quote, dialect } = database;
  const byStore = new Map<number, Set<string>>();
  for (const { storeId, userId } of users) {
    byStore.set(storeId, (byStore.get(storeId) ?? new Set()).add(userId));
  }
  const conditions = [...byStore].map(
    ([storeId, userIds]) =>
      `(i.store_id = ${storeId} AND i.user_id IN ${list(quote, [...userIds])})`,
  );
  const columns = CART_ITEM_COLUMNS.split(', ').map((column) => `i.${column}`);
  const userCart = dialect.concat("'user:'", 'i.user_id');
  const rows = await database.select(
    `SELECT ${columns.join(', ')}, products.sku, ${toldAvailable(dialect)} AS free_units, ` +
      'r.id AS reservation_id, r.expires_at AS hold_expires_at, r.quantity AS held_units ' +
      'FROM cart_items i JOIN products ON products.id = i.product_id ' +
      'LEFT JOIN reservations r ON r.store_id = i.store_id AND r.product_id = i.product_id ' +
      `AND r.cart_id = ${userCart} AND r.active = 1 AND r.expires_at > ${dialect.now} ` +
      `WHERE ${conditions.join(' OR ')}`,
  );
  const lines = rows.map(rowToCartLine);
  lines.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  const keyOf = ({ storeId, userId }: UserKey) => `${storeId}:${userId}`;
  const found = new Map<string, CartLine[]>(users.map((user) => [keyOf(user), []]));
  for (const line of lines) found.get(keyOf(line))?.push(line);
  return users.map((user) => found.get(keyOf(user)) ?? []);
}

function rowToCartLine(row: Row): CartLine {
  const reservationId = nullable(text, row, 'reservation_id');
  return {
    ...rowToCartItem(row),
    sku: text(row, 'sku'),
    quantityAvailable: integer(row, 'free_units'),
    hold:
      reservationId === null
        ? null
        : {
            reservationId,
            expiresAt: instant(row, 'hold_expires_at'),
            quantity: integer(row, 'held_units'),
          },
  };
}
