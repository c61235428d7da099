import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'products',
    columns: [
      `id ${type.autoId}`,
      `store_id ${type.id} NOT NULL`,
      `sku ${type.text(100)} NOT NULL`,
      `name ${type.text(255)} NOT NULL`,
      `parent_id ${type.id} NULL`,
      `quantity ${type.units} NOT NULL`,
      `quantity_available ${type.units} NOT NULL`,
      `quantity_reserved ${type.units} NOT NULL`,
      `quantity_rented ${type.units} NOT NULL`,
      `availability_status ${type.word} NOT NULL`,
      `low_stock_threshold ${type.units} NULL`,
      `price_amount ${type.integer} NULL`,
      `price_currency ${type.word} NULL`,
      `supplier_email ${type.text(254)} NULL`,
      `version ${type.integer} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
      `updated_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      // The law: it holds at every commit, even where the code has a bug.
      'CONSTRAINT products_law CHECK (quantity = quantity_available + quantity_reserved + quantity_rented)',
      'CONSTRAINT products_not_below_zero CHECK (quantity_available >= 0 AND quantity_reserved >= 0 AND quantity_rented >= 0)',
      "CONSTRAINT products_status CHECK (availability_status IN ('draft', 'available', 'rented_out'))",
      // Decides which of two callers has a SKU; serves look-ups by SKU.
      'CONSTRAINT products_sku_in_store UNIQUE (store_id, sku)',
      'CONSTRAINT products_store FOREIGN KEY (store_id) REFERENCES stores (id)',
      'CONSTRAINT products_parent FOREIGN KEY (parent_id) REFERENCES products (id)',
    ],
    indexes: {
      // a store's products in order of id
      products_of_store: 'store_id, id',
      // the same with a status
      products_of_store_by_status: 'store_id, availability_status, id',
      // the variants of a product
      products_of_parent: 'parent_id, id',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS products');
}
