import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'idempotency_keys',
    columns: [
      // Over store, caller and key: unique, so that one key has one effect.
      `key_hash ${type.hash} NOT NULL PRIMARY KEY`,
      `request_hash ${type.hash} NOT NULL`,
      `store_id ${type.id} NOT NULL`,
      `command_id ${type.uuid} NOT NULL`,
      `outcome ${type.json} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
      `expires_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // the job that removes what is past its time
      idempotency_keys_due: 'expires_at',
    },
  });
  await createTable(connection, {
    name: 'commits',
    columns: [
      // The mark of a batch that writes no ledger line.
      `command_id ${type.uuid} NOT NULL PRIMARY KEY`,
      `created_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // the job that removes old marks
      commits_by_age: 'created_at',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS commits');
  await connection.run('DROP TABLE IF EXISTS idempotency_keys');
}
