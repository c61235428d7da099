import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'job_leases',
    columns: [
      `name ${type.text(60)} NOT NULL PRIMARY KEY`,
      `holder ${type.uuid} NOT NULL`,
      `held_until ${type.instant} NOT NULL`,
    ],
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS job_leases');
}
