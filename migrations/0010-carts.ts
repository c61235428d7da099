import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    // a row to lock while a customer's holds are counted
    name: 'customers',
    columns: [`store_id ${type.id} NOT NULL`, `user_id ${type.text(200)} NOT NULL`],
    constraints: ['PRIMARY KEY (store_id, user_id)'],
  });
  await createTable(connection, {
    name: 'cart_items',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `user_id ${type.text(200)} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `quantity ${type.units} NOT NULL`,
      // hundredths
      `price_amount ${type.integer} NULL`,
      `shipping_amount ${type.integer} NULL`,
      `created_at ${type.instant} NOT NULL`,
      `updated_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      'CONSTRAINT cart_items_quantity CHECK (quantity > 0)',
      'CONSTRAINT cart_items_product FOREIGN KEY (product_id) REFERENCES products (id)',
    ],
    uniques: {
      // a user's cart: a line for each product
      cart_items_line: 'store_id, user_id, product_id',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS cart_items');
  await connection.run('DROP TABLE IF EXISTS customers');
}
