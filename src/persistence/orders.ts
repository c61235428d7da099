import { ORDER_STATUSES } from '../../machines/order.js';
import type { Needs } from '../domain/needs.js';
import type { Order, OrderItem, Payment } from '../domain/order.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, slices, tuples, type Value } from './sql.js';

export const ORDER_COLUMNS =
  'id, store_id, cart_id, status, customer_id, created_by, amount, currency, items, payment, ' +
  'payment_intent_id, session_id, failure_reason, expires_at, attend_at, created_at, updated_at';

export function rowToOrder(row: Row): Order {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    cartId: text(row, 'cart_id'),
    status: oneOf(row, 'status', ORDER_STATUSES),
    customerId: nullable(text, row, 'customer_id'),
    createdBy: text(row, 'created_by'),
    amount: integer(row, 'amount'),
    currency: text(row, 'currency'),
    // Both are written below from these types, and by nothing else.
    items: JSON.parse(text(row, 'items')) as OrderItem[],
    payment: JSON.parse(text(row, 'payment')) as Payment,
    paymentIntentId: nullable(text, row, 'payment_intent_id'),
    sessionId: nullable(text, row, 'session_id'),
    failureReason: nullable(text, row, 'failure_reason'),
    expiresAt: instant(row, 'expires_at'),
    attendAt: nullable(instant, row, 'attend_at'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
  };
}

/** Locks orders, named by id or as the pending one of a cart; after the products, in order of id. */
export async function lockOrders(
  connection: Connection,
  { orderIds, cartsOfOrders }: Pick<Needs, 'orderIds' | 'cartsOfOrders'>,
): Promise<Order[]> {
  const { quote, dialect } = connection;
  const ids = new Set(orderIds);
  for (const some of slices(cartsOfOrders)) {
    const carts = some.map(
      ({ storeId, cartId }) =>
        `(store_id = ${storeId} AND cart_id = ${quote(cartId)} AND pending = 1)`,
    );
    const rows = await connection.select(`SELECT id FROM orders WHERE ${carts.join(' OR ')}`);
    for (const row of rows) ids.add(text(row, 'id'));
  }
  const orders: Order[] = [];
  for (const some of slices([...ids].sort())) {
    const rows = await connection.select(
      `SELECT ${ORDER_COLUMNS} FROM orders WHERE id IN ${list(quote, some)} ` +
        `ORDER BY id${dialect.forUpdate}`,
    );
    for (const row of rows) orders.push(rowToOrder(row));
  }
  return orders;
}

/** Inserts new orders. Pending ones of the same carts that are over now must be saved before. */
export async function insertOrders(
  connection: Connection,
  orders: readonly Order[],
): Promise<void> {
  for (const some of slices(orders)) {
    await connection.run(
      `INSERT INTO orders (${ORDER_COLUMNS}, pending) VALUES ` +
        tuples(connection.quote, some.map(values)),
    );
  }
}

/**
 * Saves what became of orders. Never by an INSERT that overwrites: the key of pending ones would
 * make it overwrite another order.
 */
export async function saveOrders(connection: Connection, orders: readonly Order[]): Promise<void> {
  const { quote } = connection;
  for (const some of slices(orders)) {
    const column = (name: string, value: (order: Order) => Value) => {
      const cases = some.map((order) => `WHEN ${quote(order.id)} THEN ${quote(value(order))}`);
      return `${name} = CASE id ${cases.join(' ')} END`;
    };
    const ids = some.map(({ id }) => id);
    // From left to right on MySQL: no column is worked out from one that was set before it.
    await connection.run(
      `UPDATE orders SET ${[
        column('status', ({ status }) => status),
        column('pending', pendingOf),
        column('items', ({ items }) => JSON.stringify(items)),
        column('payment', ({ payment }) => JSON.stringify(payment)),
        column('payment_intent_id', ({ paymentIntentId }) => paymentIntentId),
        column('session_id', ({ sessionId }) => sessionId),
        column('failure_reason', ({ failureReason }) => failureReason),
        column('attend_at', ({ attendAt }) => at(attendAt)),
        column('updated_at', ({ updatedAt }) => at(updatedAt)),
      ].join(', ')} WHERE id IN ${list(quote, ids)}`,
    );
  }
}

const pendingOf = ({ status }: Order) => (status === 'pending' ? 1 : null);

function values(order: Order): Value[] {
  return [
    order.id,
    order.storeId,
    order.cartId,
    order.status,
    order.customerId,
    order.createdBy,
    order.amount,
    order.currency,
    JSON.stringify(order.items),
    JSON.stringify(order.payment),
    order.paymentIntentId,
    order.sessionId,
    order.failureReason,
    at(order.expiresAt),
    at(order.attendAt),
    at(order.createdAt),
    at(order.updatedAt),
    pendingOf(order),
  ];
}
