import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'api_keys',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `name ${type.text(100)} NOT NULL`,
      `role ${type.word} NOT NULL`,
      `secret_hash ${type.hash} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
      `revoked_at ${type.instant} NULL`,
    ],
    constraints: [
      "CONSTRAINT api_keys_role CHECK (role IN ('admin', 'reseller', 'customer', 'service'))",
      'CONSTRAINT api_keys_store FOREIGN KEY (store_id) REFERENCES stores (id)',
    ],
    indexes: {
      // a store's keys
      api_keys_of_store: 'store_id, id',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS api_keys');
}
