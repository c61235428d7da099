import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    name: 'sync_runs',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      // NULL: all stores
      `store_id ${type.id} NULL`,
      // NULL: all products
      `product_id ${type.id} NULL`,
      `started_by ${type.word} NOT NULL`,
      `dry_run ${type.units} NOT NULL`,
      `deep ${type.units} NOT NULL`,
      `total_products ${type.integer} NOT NULL`,
      // Where it goes on, should its process die.
      `last_product_id ${type.id} NOT NULL`,
      `holder ${type.uuid} NULL`,
      `held_until ${type.instant} NULL`,
      `started_at ${type.instant} NOT NULL`,
      `finished_at ${type.instant} NULL`,
    ],
    constraints: ["CONSTRAINT sync_runs_by CHECK (started_by IN ('http', 'script', 'cron'))"],
    indexes: {
      // a store's last runs
      sync_runs_of_store: 'store_id, id',
      // runs of the job whose process died
      sync_runs_unfinished: 'started_by, finished_at',
    },
  });
  await createTable(connection, {
    name: 'sync_findings',
    columns: [
      `id ${type.autoId}`,
      `run_id ${type.uuid} NOT NULL`,
      `store_id ${type.id} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      ...['old', 'new'].flatMap((when) => [
        `${when}_quantity ${type.units} NOT NULL`,
        `${when}_quantity_available ${type.units} NOT NULL`,
        `${when}_quantity_reserved ${type.units} NOT NULL`,
        `${when}_quantity_rented ${type.units} NOT NULL`,
        `${when}_status ${type.word} NOT NULL`,
      ]),
      `cause ${type.text(40)} NOT NULL`,
      // all of them, with commas, the gravest first
      `causes ${type.text(200)} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      // A run that is taken over looks at its last page again, and finds each product once.
      'CONSTRAINT sync_findings_once UNIQUE (run_id, product_id)',
      'CONSTRAINT sync_findings_run FOREIGN KEY (run_id) REFERENCES sync_runs (id)',
    ],
  });
}

export async function down(connection: Connection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS sync_findings');
  await connection.run('DROP TABLE IF EXISTS sync_runs');
}
