import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    // what happened and has no line in the ledger
    name: 'events',
    columns: [
      `id ${type.autoId}`,
      `store_id ${type.id} NOT NULL`,
      `type ${type.text(40)} NOT NULL`,
      `product_id ${type.id} NULL`,
      `user_id ${type.text(200)} NULL`,
      `data ${type.json} NOT NULL`,
      `command_id ${type.uuid} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // what is past its time
      events_created: 'created_at',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS events');
}
