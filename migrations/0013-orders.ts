import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'orders',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `cart_id ${type.text(220)} NOT NULL`,
      `status ${type.word} NOT NULL`,
      // 1 while it is pending, NULL once it is over: what is over is in nobody's way in a key
      'pending SMALLINT NULL',
      `customer_id ${type.text(200)} NULL`,
      `created_by ${type.text(220)} NOT NULL`,
      // minor units
      `amount ${type.integer} NOT NULL`,
      `currency ${type.word} NOT NULL`,
      // Lines are read and written with their order, and never change but for their rentals' ids.
      `items ${type.json} NOT NULL`,
      `payment ${type.json} NOT NULL`,
      `payment_intent_id ${type.text(255)} NULL`,
      `session_id ${type.text(255)} NULL`,
      `failure_reason ${type.text(1000)} NULL`,
      `expires_at ${type.instant} NOT NULL`,
      `attend_at ${type.instant} NULL`,
      `created_at ${type.instant} NOT NULL`,
      `updated_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      'CONSTRAINT orders_amount CHECK (amount > 0)',
      "CONSTRAINT orders_status CHECK (status IN ('pending', 'confirmed', 'failed', 'cancelled', 'expired', 'refund_required', 'refunded'))",
      "CONSTRAINT orders_pending_is CHECK ((status = 'pending' AND pending IS NOT NULL AND pending = 1) OR (status <> 'pending' AND pending IS NULL))",
    ],
    uniques: {
      // one pending order for each cart
      orders_pending: 'store_id, cart_id, pending',
    },
    indexes: {
      // a store's orders, newest first
      orders_of_store: 'store_id, id',
      // the same with a status
      orders_of_store_by_status: 'store_id, status, id',
      // a user's orders, newest first
      orders_of_customer: 'store_id, customer_id, id',
      // what is waiting to be paid, what is due, and how many there are
      orders_waiting: 'status, expires_at',
      // what is to be seen to at the provider
      orders_to_attend: 'attend_at',
      // whose payment it is
      orders_of_intent: 'payment_intent_id',
      orders_of_session: 'session_id',
    },
  });
  await createTable(connection, {
    // what the payment provider said, so that it has one effect however often it is said
    name: 'webhook_events',
    columns: [
      `id ${type.text(255)} NOT NULL PRIMARY KEY`,
      `type ${type.text(255)} NOT NULL`,
      `order_id ${type.uuid} NULL`,
      `outcome ${type.word} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // what is past its time
      webhook_events_created: 'created_at',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS webhook_events');
  await connection.run('DROP TABLE IF EXISTS orders');
}
