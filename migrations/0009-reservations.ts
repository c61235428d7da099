import type { Connection } from '../src/persistence/database.js';
import {
  addColumn,
  addIndex,
  columnTypes,
  createTable,
  dropColumn,
  dropIndex,
} from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'reservations',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `cart_id ${type.text(220)} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `quantity ${type.units} NOT NULL`,
      `status ${type.word} NOT NULL`,
      // 1 while it is reserved, NULL once it is over: what is over is in nobody's way in a key
      'active SMALLINT NULL',
      `expires_at ${type.instant} NOT NULL`,
      `confirmed_at ${type.instant} NULL`,
      `released_at ${type.instant} NULL`,
      `order_id ${type.text(200)} NULL`,
      `rental_id ${type.uuid} NULL`,
      `customer_id ${type.text(200)} NULL`,
      `created_at ${type.instant} NOT NULL`,
      `updated_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      'CONSTRAINT reservations_quantity CHECK (quantity > 0)',
      "CONSTRAINT reservations_status CHECK (status IN ('reserved', 'confirmed', 'released', 'expired'))",
      "CONSTRAINT reservations_active CHECK ((status = 'reserved' AND active IS NOT NULL AND active = 1) OR (status <> 'reserved' AND active IS NULL))",
      'CONSTRAINT reservations_product FOREIGN KEY (product_id) REFERENCES products (id)',
    ],
    uniques: {
      // one active hold for each store, cart and product
      reservations_hold: 'store_id, product_id, cart_id, active',
    },
    indexes: {
      // what is due on a product and what it holds in all, answered from the index
      reservations_due: 'product_id, active, expires_at, quantity',
      // what a cart holds, and what it held lately
      reservations_of_cart: 'store_id, cart_id, active, expires_at',
      // how many holds a customer has
      reservations_of_customer: 'store_id, customer_id, active, expires_at',
      // what an order confirmed
      reservations_of_order: 'store_id, order_id',
    },
  });
  await addColumn(connection, 'products', {
    name: 'next_hold_due_at',
    type: `${type.instant} NULL`,
  });
  // the products on which something is due, those due longest first
  await addIndex(connection, 'products', { name: 'products_due', columns: 'next_hold_due_at, id' });
  // the audit: a store's ledger by what happened, and a reservation's
  await addIndex(connection, 'movements', {
    name: 'movements_of_store',
    columns: 'store_id, kind, id',
  });
  await addIndex(connection, 'movements', {
    name: 'movements_of_reservation',
    columns: 'reservation_id, id',
  });
}

export async function down(connection: Connection): Promise<void> {
  await dropIndex(connection, 'movements', 'movements_of_reservation');
  await dropIndex(connection, 'movements', 'movements_of_store');
  await dropIndex(connection, 'products', 'products_due');
  await dropColumn(connection, 'products', 'next_hold_due_at');
  await connection.run('DROP TABLE IF EXISTS reservations');
}
