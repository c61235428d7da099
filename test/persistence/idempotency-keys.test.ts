import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IdempotencyRecord } from '../../src/domain/idempotency.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import {
  deleteExpiredRecords,
  insertRecords,
  readClockAndRecords,
} from '../../src/persistence/idempotency-keys.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { purge } from '../../src/persistence/purge.js';
import { writeProbe } from '../../src/persistence/write-probe.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';

describe.each(DATABASES)('idempotency records on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
    database = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
    await createMigrator(database, testDatabase.target).up();
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const record = (keyHash: string, expiresAt: number): IdempotencyRecord => ({
    keyHash: keyHash.padEnd(64, '0'),
    requestHash: 'request'.padEnd(64, '0'),
    storeId: 1,
    commandId: '00000000-0000-7000-8000-000000000000',
    outcome: { ok: true, value: { name: "O'Hara \\ 日本 😀" } },
    createdAt: 1,
    expiresAt,
  });
  const hashes = async () => {
    const rows = await database.select('SELECT key_hash FROM idempotency_keys ORDER BY key_hash');
    return rows.map((row) => String(row['key_hash']).replace(/0+$/, ''));
  };

  it('are read as they were written, with the time of the database', async () => {
    const { now } = await readClockAndRecords(database, []);
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    const written = record('a', now + 60_000);
    await insertRecords(database, [written]);
    const { records } = await readClockAndRecords(database, [written.keyHash, 'absent']);
    expect(records).toEqual([written]);
  });

  it('that somebody replaced meanwhile are not removed with those past their time', async () => {
    const { now } = await readClockAndRecords(database, []);
    const [fresh, old] = [record('fresh', now + 60_000), record('old', now - 1)];
    await insertRecords(database, [fresh, old]);
    await deleteExpiredRecords(database, [fresh.keyHash, old.keyHash], now);
    expect(await hashes()).toEqual(['a', 'fresh']);
  });

  it('past their time are purged, some at a time, and so is what a probe left behind', async () => {
    const { now } = await readClockAndRecords(database, []);
    await insertRecords(
      database,
      ['p1', 'p2', 'p3'].map((hash) => record(hash, now - 1)),
    );
    await writeProbe(database);
    expect(await purge(database, { rowsMax: 2, eventRetentionHours: 1 })).toBe(true);
    expect(await purge(database, { rowsMax: 2, eventRetentionHours: 1 })).toBe(false);
    expect(await hashes()).toEqual(['a', 'fresh']);
  });
});
