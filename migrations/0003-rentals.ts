import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'rentals',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `user_id ${type.text(200)} NULL`,
      `quantity ${type.units} NOT NULL`,
      `status ${type.word} NOT NULL`,
      `starts_at ${type.instant} NULL`,
      `ends_at ${type.instant} NULL`,
      `order_id ${type.text(200)} NULL`,
      `reservation_id ${type.uuid} NULL`,
      `created_at ${type.instant} NOT NULL`,
      `completed_at ${type.instant} NULL`,
      `cancelled_at ${type.instant} NULL`,
      `cancel_reason ${type.text(500)} NULL`,
    ],
    constraints: [
      'CONSTRAINT rentals_quantity CHECK (quantity > 0)',
      "CONSTRAINT rentals_status CHECK (status IN ('active', 'completed', 'cancelled'))",
      'CONSTRAINT rentals_product FOREIGN KEY (product_id) REFERENCES products (id)',
    ],
    indexes: {
      // a store's rentals, newest first
      rentals_of_store: 'store_id, id',
      // the same with a status
      rentals_of_store_by_status: 'store_id, status, id',
      // a user's rentals, newest first
      rentals_of_user: 'store_id, user_id, id',
      // a product's rentals with a status, and the sum of its active ones
      rentals_of_product: 'product_id, status, id',
      // a product's rentals, newest first
      rentals_of_product_newest: 'product_id, id',
      // what is overdue
      rentals_due: 'store_id, status, ends_at',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS rentals');
}
