import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';

const NAMES = readdirSync('migrations')
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();

describe.each(DATABASES)('the migrations on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
    database = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  /** What the database says it holds: every table, column, constraint and index. */
  async function schema(): Promise<unknown[]> {
    if (kind === 'sqlite') {
      return database.select(
        `SELECT type, name, sql FROM sqlite_master
         WHERE name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations' ORDER BY name`,
      );
    }
    const tables = await database.select(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations' ORDER BY table_name`,
    );
    return Promise.all(
      tables.map(async ({ name }) => {
        const [row] = await database.select(`SHOW CREATE TABLE ${name}`);
        return String(row?.['Create Table']).replace(/AUTO_INCREMENT=\d+ /, '');
      }),
    );
  }

  it('go forward, back and forward again, and leave the same tables', async () => {
    const migrator = createMigrator(database, testDatabase.target);
    expect(await migrator.status()).toEqual({ executed: [], pending: NAMES });
    expect(await migrator.up()).toEqual({ run: NAMES });
    const there = await schema();
    expect(there.length).toBeGreaterThan(NAMES.length - 1);

    expect(await migrator.up()).toEqual({ run: [] });
    expect(await migrator.down(1)).toEqual({ run: NAMES.slice(-1) });
    expect(await migrator.status()).toEqual({
      executed: NAMES.slice(0, -1),
      pending: NAMES.slice(-1),
    });
    expect(await migrator.down(NAMES.length - 1)).toEqual({
      run: NAMES.slice(0, -1).reverse(),
    });
    expect(await schema()).toEqual([]);

    expect(await migrator.up()).toEqual({ run: NAMES });
    expect(await schema()).toEqual(there);
  });

  it('go on where one of them was cut off half way', async () => {
    const migrator = createMigrator(database, testDatabase.target);
    const there = await schema();
    // Its tables are there, and its line in the history is not.
    await database.run(`DELETE FROM schema_migrations WHERE name = '${NAMES.at(-1)}'`);
    expect(await migrator.up()).toEqual({ run: NAMES.slice(-1) });
    expect(await schema()).toEqual(there);
  });
});
