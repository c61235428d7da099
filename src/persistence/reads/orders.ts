import type { OrderStatus } from '../../../machines/order.js';
import { type Order, rentalIdsOfOrder } from '../../domain/order.js';
import type { Rental } from '../../domain/rental.js';
import type { Connection, Database } from '../database.js';
import { ORDER_COLUMNS, rowToOrder } from '../orders.js';
import { RENTAL_COLUMNS, rowToRental } from '../rentals.js';
import { list, slices } from '../sql.js';
import { type Page, pageOf } from './products.js';

/** An order with the rentals that it became, as they are now. */
export interface OrderWithRentals {
  readonly order: Order;
  readonly rentals: readonly Rental[];
}

export interface OrderQuery {
  readonly storeId: number;
  /** only this user's; null: anyone's */
  readonly customerId: string | null;
  readonly status: OrderStatus | null;
  /** only orders with a smaller id */
  readonly before: string | null;
  readonly limit: number;
}

/** What a message of the payment provider's says of whose it is. */
export interface PaymentNames {
  readonly orderId: string | null;
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
}

export interface OrderReads {
  /** The order, where it exists in this store. */
  find(storeId: number, id: string): Promise<OrderWithRentals | null>;
  /** A store's orders, newest first. */
  list(query: OrderQuery): Promise<Page<OrderWithRentals>>;
  /** The order of a cart that is pending. */
  pendingOf(storeId: number, cartId: string): Promise<Order | null>;
  /** The order that a payment is for, in whichever store. */
  ofPayment(names: PaymentNames): Promise<Order | null>;
  /** Pending orders of all stores whose hold has ended, those first that ended longest ago. */
  due(limit: number): Promise<Order[]>;
  /** Orders of all stores whose payment is to be seen to at the provider. */
  toAttend(limit: number): Promise<Order[]>;
  /**
   * Orders of all stores that a payment may have been made for without a word: those that are
   * pending, and those that failed lately; in order of id, after the id `after`.
   */
  unsettled(query: { after: string; limit: number }): Promise<Order[]>;
}

/** A payment that failed is not asked for any more after so long. */
const FAILED_LATELY_HOURS = 48;

export function orderReads(database: Database): OrderReads {
  const { quote, dialect } = database;
  const select = async (rest: string): Promise<Order[]> => {
    const rows = await database.select(`SELECT ${ORDER_COLUMNS} FROM orders WHERE ${rest}`);
    return rows.map(rowToOrder);
  };
  const first = async (where: string) => (await select(`${where} ORDER BY id LIMIT 1`))[0] ?? null;
  return {
    async find(storeId, id) {
      const order = await first(`id = ${quote(id)} AND store_id = ${storeId}`);
      if (!order) return null;
      return { order, rentals: await rentalsOf(database, [order]) };
    },
    async list(query) {
      const conditions = [`store_id = ${query.storeId}`];
      if (query.customerId !== null) conditions.push(`customer_id = ${quote(query.customerId)}`);
      if (query.status !== null) conditions.push(`status = ${quote(query.status)}`);
      if (query.before !== null) conditions.push(`id < ${quote(query.before)}`);
      const orders = await select(
        `${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${query.limit + 1}`,
      );
      const page = pageOf(orders, query.limit);
      const rentals = new Map(
        (await rentalsOf(database, page.rows)).map((rental) => [rental.id, rental]),
      );
      const rows = page.rows.map((order) => ({
        order,
        rentals: rentalIdsOfOrder(order)
          .map((id) => rentals.get(id))
          .filter((rental) => rental !== undefined),
      }));
      return { ...page, rows };
    },
    pendingOf: (storeId, cartId) =>
      first(`store_id = ${storeId} AND cart_id = ${quote(cartId)} AND pending = 1`),
    async ofPayment({ orderId, paymentIntentId, sessionId }) {
      for (const [column, value] of [
        ['id', orderId],
        ['session_id', sessionId],
        ['payment_intent_id', paymentIntentId],
      ] as const) {
        const order = value === null ? null : await first(`${column} = ${quote(value)}`);
        if (order) return order;
      }
      return null;
    },
    due: (limit) =>
      select(
        `status = 'pending' AND expires_at <= ${dialect.now} ORDER BY expires_at LIMIT ${limit}`,
      ),
    toAttend: (limit) => select(`attend_at <= ${dialect.now} ORDER BY attend_at LIMIT ${limit}`),
    async unsettled({ after, limit }) {
      const one = (where: string) =>
        select(`${where} AND id > ${quote(after)} ORDER BY id LIMIT ${limit}`);
      const pending = await one("status = 'pending'");
      const failed = await one(
        `status = 'failed' AND expires_at >= ${dialect.hoursAgo(FAILED_LATELY_HOURS)}`,
      );
      return [...pending, ...failed].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
    },
  };
}

async function rentalsOf(connection: Connection, orders: readonly Order[]): Promise<Rental[]> {
  const rentals: Rental[] = [];
  for (const some of slices(orders.flatMap(rentalIdsOfOrder))) {
    const rows = await connection.select(
      `SELECT ${RENTAL_COLUMNS} FROM rentals WHERE id IN ${list(connection.quote, some)}`,
    );
    for (const row of rows) rentals.push(rowToRental(row));
  }
  return rentals;
}
