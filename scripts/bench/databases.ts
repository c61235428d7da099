import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseDatabaseUrl } from '../../src/config.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { text } from '../../src/persistence/rows.js';
import { list, tuples } from '../../src/persistence/sql.js';
import { ScriptError } from '../lib/script.js';
import { temporaryFolder } from './left-behind.js';
import { ROOT } from './root.js';

export const DATABASE_KINDS = ['mysql', 'sqlite'] as const;
export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** A database server (or folder) of the benchmark's own, that makes databases. */
export interface BenchDatabases {
  readonly kind: DatabaseKind;
  /** product, version, and how it makes a commit durable */
  readonly title: string;
  /** Makes a database with all tables and so many products, each with units in plenty. */
  create(name: string, products: number): Promise<BenchDatabase>;
  /** Makes a database without tables. */
  createEmpty(name: string): Promise<BenchDatabase>;
  stop(): Promise<void>;
}

export interface BenchDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Units of each product: more than a run can rent. */
const UNITS = 100_000_000;
const ROWS_AT_ONCE = 2_000;

/** `folder` is where the files go; it must be on a real disk. */
export async function startDatabases(kind: DatabaseKind, folder: string): Promise<BenchDatabases> {
  checkDisk(folder);
  return kind === 'mysql' ? startServer(folder) : startFolder(folder);
}

/** A COMMIT to memory costs nothing, and would flatter one transaction per request. */
function checkDisk(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const IN_MEMORY = [0x01021994, 0x858458f6];
  if (IN_MEMORY.includes(statfsSync(folder).type)) {
    throw new ScriptError(`${folder} lies in memory. Name a folder on a disk with --dir.`);
  }
}

async function startServer(folder: string): Promise<BenchDatabases> {
  const helper = pathToFileURL(join(ROOT, 'test/setup/mariadb.mjs')).href;
  const { startMariadb } = (await import(helper)) as {
    startMariadb(options: { baseDir: string }): Promise<{ url: string; stop(): Promise<void> }>;
  };
  const server = await startMariadb({ baseDir: folder });
  const admin = open(`${server.url}/mysql`);
  const stop = () => admin.close().finally(() => server.stop());
  const [row] = await admin
    .select('SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flush')
    .catch(async (error) => {
      await stop();
      throw error;
    });
  const version = row ? text(row, 'version').split('-')[0] : '';
  const createEmpty = async (name: string) => {
    const database = `bench_${name}`.replaceAll('-', '_');
    await admin.run(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    const drop = () => admin.run(`DROP DATABASE ${database}`);
    return { url: `${server.url}/${database}`, drop };
  };
  return {
    kind: 'mysql',
    title: `MariaDB ${version}, innodb_flush_log_at_trx_commit=${row?.['flush']}`,
    create: (name, products) => filled(createEmpty(name), products),
    createEmpty,
    stop,
  };
}

async function startFolder(parent: string): Promise<BenchDatabases> {
  const folder = temporaryFolder(parent, 'sqlite-bench-');
  const probe = open(`sqlite:${join(folder.path, 'probe.sqlite')}`);
  const [row] = await probe.select('SELECT sqlite_version() AS version');
  const [setting] = await probe.select('PRAGMA synchronous');
  await probe.close();
  const synchronous = setting?.['synchronous'] === 2 ? 'FULL' : setting?.['synchronous'];
  const createEmpty = async (name: string) => {
    const place = join(folder.path, name);
    const drop = async () => rmSync(place, { recursive: true, force: true });
    return { url: `sqlite:${join(place, 'bench.sqlite')}`, drop };
  };
  return {
    kind: 'sqlite',
    title: `SQLite ${row ? text(row, 'version') : ''}, WAL, synchronous=${synchronous}`,
    create: (name, products) => filled(createEmpty(name), products),
    createEmpty,
    stop: async () => folder.remove(),
  };
}

/** Opens a database beside the server under test. */
export function open(url: string): Database {
  return openDatabase(parseDatabaseUrl(url), { poolMax: 2, queryTimeoutMs: 300_000 });
}

async function filled(empty: Promise<BenchDatabase>, products: number): Promise<BenchDatabase> {
  const database = await empty;
  await fill(database.url, products);
  return database;
}

/** The tables, one store, and products 1, 2, 3, … with their opening lines in the ledger. */
async function fill(url: string, products: number): Promise<void> {
  const database = open(url);
  try {
    await createMigrator(database, parseDatabaseUrl(url)).up();
    const now = '2026-01-01 00:00:00.000';
    await database.run(`INSERT INTO stores (id, created_at) VALUES (1, '${now}')`);
    for (let first = 1; first <= products; first += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, products - first + 1);
      const ids = Array.from({ length: count }, (_, i) => first + i);
      const counters = [UNITS, UNITS, 0, 0];
      const rows = ids.map((id) => [
        ...[id, 1, `BENCH-${id}`, `Product ${id}`, ...counters, 'available'],
        ...[1, now, now],
      ]);
      await database.run(
        'INSERT INTO products (id, store_id, sku, name, quantity, quantity_available, ' +
          'quantity_reserved, quantity_rented, availability_status, version, created_at, ' +
          `updated_at) VALUES ${tuples(database.quote, rows)}`,
      );
      await database.run(
        'INSERT INTO movements (store_id, product_id, command_id, kind, quantity_delta, ' +
          'quantity_available_delta, quantity_reserved_delta, quantity_rented_delta, quantity, ' +
          'quantity_available, quantity_reserved, quantity_rented, actor, created_at) ' +
          "SELECT store_id, id, '00000000-0000-7000-8000-000000000000', 'open', quantity, " +
          'quantity_available, quantity_reserved, quantity_rented, quantity, quantity_available, ' +
          `quantity_reserved, quantity_rented, 'bench', created_at FROM products ` +
          `WHERE id IN ${list(database.quote, ids)} ORDER BY id`,
      );
    }
  } finally {
    await database.close();
  }
}
