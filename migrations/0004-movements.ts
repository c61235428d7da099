import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'movements',
    columns: [
      `id ${type.autoId}`,
      `store_id ${type.id} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `command_id ${type.uuid} NOT NULL`,
      `kind ${type.word} NOT NULL`,
      `quantity_delta ${type.units} NOT NULL`,
      `quantity_available_delta ${type.units} NOT NULL`,
      `quantity_reserved_delta ${type.units} NOT NULL`,
      `quantity_rented_delta ${type.units} NOT NULL`,
      `quantity ${type.units} NOT NULL`,
      `quantity_available ${type.units} NOT NULL`,
      `quantity_reserved ${type.units} NOT NULL`,
      `quantity_rented ${type.units} NOT NULL`,
      `rental_id ${type.uuid} NULL`,
      `reservation_id ${type.uuid} NULL`,
      `order_id ${type.text(200)} NULL`,
      `reason ${type.text(500)} NULL`,
      `actor ${type.text(200)} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      'CONSTRAINT movements_law CHECK (quantity = quantity_available + quantity_reserved + quantity_rented AND quantity_available >= 0 AND quantity_reserved >= 0 AND quantity_rented >= 0)',
      'CONSTRAINT movements_delta CHECK (quantity_delta = quantity_available_delta + quantity_reserved_delta + quantity_rented_delta)',
      'CONSTRAINT movements_product FOREIGN KEY (product_id) REFERENCES products (id)',
    ],
    indexes: {
      // a product's ledger, newest first, and its last line
      movements_of_product: 'product_id, id',
      // whether a batch was committed: the mark that is looked for after a lost COMMIT
      movements_of_command: 'command_id',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS movements');
}
