import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { asFault, CommitUnknown, DatabaseFault } from '../../src/persistence/faults.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { mysqlDriver } from '../../src/persistence/mysql-driver.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';

const PRODUCT = (sku: string, values: Partial<Record<string, string>> = {}) => {
  const row = {
    id: 'NULL',
    store_id: '1',
    name: "'P'",
    quantity: '1',
    quantity_available: '1',
    ...values,
  };
  return `INSERT INTO products (id, store_id, sku, name, quantity, quantity_available,
    quantity_reserved, quantity_rented, availability_status, version, created_at, updated_at)
    VALUES (${row.id}, ${row.store_id}, '${sku}', ${row.name}, ${row.quantity},
    ${row.quantity_available}, 0, 0, 'draft', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00')`;
};

const kindOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no fault',
    (error: unknown) => (error instanceof DatabaseFault ? error.kind : error),
  );

describe.each(DATABASES)('what an error of the database means on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
    database = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
    await createMigrator(database, testDatabase.target).up();
    await database.run("INSERT INTO stores VALUES (1, '2026-01-01 00:00:00')");
    await database.run(PRODUCT('taken', { id: '1' }));
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  it.each([
    ['a unique key is a clash', PRODUCT('taken'), 'clash'],
    ['a primary key is a clash', PRODUCT('other', { id: '1' }), 'clash'],
    ['the law is kept by the database', PRODUCT('law', { quantity: '2' }), 'rejected'],
    ['no counter goes below zero', PRODUCT('low', { quantity_available: '-1' }), 'rejected'],
    ['a column that may not be empty', PRODUCT('null', { name: 'NULL' }), 'rejected'],
    ['a store that is not there', PRODUCT('store', { store_id: '9' }), 'rejected'],
    ['a statement with a mistake', 'SELEKT 1', 'rejected'],
  ])('%s', async (_, sql, expected) => {
    expect(await kindOf(database.run(sql))).toBe(expected);
  });

  it('what is asked of a database that was closed found a lost connection', async () => {
    const closed = openDatabase(testDatabase.target, { poolMax: 2, queryTimeoutMs: 10_000 });
    await closed.select('SELECT 1');
    await closed.close();
    expect(await kindOf(closed.select('SELECT 1'))).toBe('connection_lost');
  });

  it('a transaction that fails leaves the connection to the next one clean', async () => {
    const first = await database.begin();
    expect(await kindOf(first.run(PRODUCT('taken')))).toBe('clash');
    await first.rollback();
    await first.rollback();
    const second = await database.begin();
    // The first one is over: whatever is called on it reaches nobody else.
    await first.rollback();
    await second.run(PRODUCT(`second ${kind}`));
    await second.commit();
    await second.rollback();
    const rows = await database.select(`SELECT id FROM products WHERE sku = 'second ${kind}'`);
    expect(rows).toHaveLength(1);
  });
});

describe('what an error of a server means', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createDatabase('mysql');
    database = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 1_000 });
    await createMigrator(database, testDatabase.target).up();
    await database.run("INSERT INTO stores VALUES (1, '2026-01-01 00:00:00')");
    await database.run(PRODUCT('a', { id: '1' }));
    await database.run(PRODUCT('b', { id: '2' }));
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const lock = (id: number) => `SELECT id FROM products WHERE id = ${id} FOR UPDATE`;

  it('text that is too long is nobody else’s fault', async () => {
    expect(await kindOf(database.run(PRODUCT('x'.repeat(101))))).toBe('rejected');
  });

  it('a deadlock and a lock wait are conflicts', async () => {
    const [one, two] = [await database.begin(), await database.begin()];
    await two.run('SET SESSION innodb_lock_wait_timeout = 0');
    await one.select(lock(1));
    expect(await kindOf(two.select(lock(1)))).toBe('conflict');
    await two.run('SET SESSION innodb_lock_wait_timeout = 3');
    await two.select(lock(2));
    const kinds = await Promise.all([kindOf(one.select(lock(2))), kindOf(two.select(lock(1)))]);
    expect(kinds.sort()).toEqual(['conflict', 'no fault']);
    await Promise.all([one.rollback(), two.rollback()]);
  });

  it('a statement that takes too long and a session that was killed are lost connections', async () => {
    expect(await kindOf(database.run('SELECT SLEEP(3)'))).toBe('connection_lost');
    const session = await database.begin();
    const [row] = await session.select('SELECT CONNECTION_ID() AS id');
    await database.endSession(Number(row?.['id']));
    expect(await kindOf(session.select('SELECT 1'))).toBe('connection_lost');
    await session.rollback();
  });

  it('a COMMIT on a session that was killed is unknown, and so is where it can be found', async () => {
    const session = await database.begin();
    await session.run(PRODUCT('never'));
    const [row] = await session.select('SELECT CONNECTION_ID() AS id');
    await database.run(`KILL ${row?.['id']}`);
    const error = await session.commit().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CommitUnknown);
    expect(error).toMatchObject({ sessionId: row?.['id'] });
    await session.rollback();
  });

  it('an end of a session that is gone already is an end', async () => {
    await database.endSession(999_999_999);
  });

  it('a pool with nothing left is an overload', async () => {
    const small = openDatabase(testDatabase.target, { poolMax: 1, queryTimeoutMs: 10_000 });
    const busy = small.run('DO SLEEP(6)');
    expect(await kindOf(small.select('SELECT 1'))).toBe('overloaded');
    await busy;
    expect(await kindOf(small.select('SELECT 1'))).toBe('no fault');
    await small.close();
  }, 10_000);

  it('a server that is not there is a lost connection', async () => {
    const away = openDatabase(
      { dialect: 'mysql', url: 'mysql://root@127.0.0.1:9/x', database: 'x' },
      { poolMax: 1, queryTimeoutMs: 1_000 },
    );
    expect(await kindOf(away.select('SELECT 1'))).toBe('connection_lost');
    await away.close();
  });

  it('connects with the rules that everything rests on', async () => {
    const rows = await database.select('SHOW SESSION VARIABLES');
    const variables = Object.fromEntries(
      rows.map((row) => [
        String(row['Variable_name']).replace('tx_', 'transaction_'),
        row['Value'],
      ]),
    );
    expect(variables).toMatchObject({
      transaction_isolation: 'READ-COMMITTED',
      innodb_lock_wait_timeout: '3',
      wait_timeout: '30',
      time_zone: '+00:00',
      sql_mode: expect.stringContaining('STRICT_ALL_TABLES'),
    });
    // MySQL has none.
    expect(['5.000000', '5', undefined]).toContain(variables['idle_transaction_timeout']);
  });

  it('a driver destroys a connection on which a statement ran out of time', async () => {
    const connection = mysqlDriver(100).createConnection({ uri: testDatabase.url });
    const error = await new Promise((resolve) => {
      connection.query('SELECT SLEEP(2)', (thrown: unknown) => resolve(thrown));
    });
    expect(asFault(error).kind).toBe('connection_lost');
    expect(connection).toMatchObject({ _closing: true });
  });

  it('a new transaction does not meet the locks of one that was given up', async () => {
    const connection = await mysql.createConnection(testDatabase.url);
    await connection.query('BEGIN');
    await connection.query(lock(1));
    const [rows] = await connection.query('SELECT CONNECTION_ID() AS id');
    const [row] = rows as { id: number }[];
    connection.on('error', () => {});
    await database.endSession(row?.id ?? 0);
    const session = await database.begin();
    expect(await session.select(lock(1))).toHaveLength(1);
    await session.rollback();
    connection.destroy();
  });
});

describe('what codes mean that are not easily provoked', () => {
  const driverError = (fields: object) => Object.assign(new Error('said the driver'), fields);
  it.each([
    [1047, 'connection_lost'],
    [1290, 'connection_lost'],
    [1836, 'connection_lost'],
    [1317, 'connection_lost'],
    [1927, 'connection_lost'],
    [1040, 'overloaded'],
    [1203, 'overloaded'],
    [1021, 'unwritable'],
    [1114, 'unwritable'],
    [1406, 'rejected'],
    [3819, 'rejected'],
    [4025, 'rejected'],
    [1452, 'rejected'],
    ['SQLITE_BUSY', 'conflict'],
    ['SQLITE_FULL', 'unwritable'],
    ['SQLITE_IOERR', 'unwritable'],
    ['SQLITE_READONLY', 'unwritable'],
    ['SQLITE_CORRUPT', 'rejected'],
    ['ECONNRESET', 'connection_lost'],
    ['ETIMEDOUT', 'connection_lost'],
    ['EBUG', 'rejected'],
  ])('%s is %s, also inside an error of Sequelize', (code, kind) => {
    const error = driverError(typeof code === 'number' ? { errno: code } : { code });
    expect(asFault(error).kind).toBe(kind);
    expect(asFault(Object.assign(new Error('wrapped'), { parent: error })).kind).toBe(kind);
  });

  it('a fault stays what it is, and what is no error is rejected', () => {
    const fault = new DatabaseFault('clash', new Error('first'));
    expect(asFault(fault)).toBe(fault);
    expect(asFault('a string').kind).toBe('rejected');
  });
});
