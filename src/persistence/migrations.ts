import { fileURLToPath } from 'node:url';
import { Umzug } from 'umzug';
import type { DatabaseTarget } from '../config.js';
import { type Connection, type Database, openDatabase, type Session } from './database.js';
import { DatabaseFault } from './faults.js';
import { columnTypes } from './tables.js';

/** A file in `migrations/`: what it does, and what takes it back. */
interface MigrationModule {
  up(connection: Connection): Promise<void>;
  down(connection: Connection): Promise<void>;
}

export interface MigrationReport {
  /** names of what was run, in order */
  readonly run: readonly string[];
}

export interface Migrator {
  /** Brings the tables up to date. Waits while another copy of the service does so. */
  up(): Promise<MigrationReport>;
  /** Takes the last `steps` migrations back. */
  down(steps: number): Promise<MigrationReport>;
  /** What has been run, and what has not. */
  status(): Promise<{ executed: string[]; pending: string[] }>;
}

const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations/', import.meta.url));
const LOCK_WAIT_SECONDS = 600;

export function createMigrator(database: Database, target: DatabaseTarget): Migrator {
  const names = (migrations: readonly { name: string }[]) => migrations.map(({ name }) => name);
  const migrationsOn = (connection: Connection) =>
    new Umzug<Connection>({
      migrations: {
        glob: ['*.{js,ts}', { cwd: MIGRATIONS_DIR, ignore: ['*.d.ts', '*.map'] }],
        resolve: ({ name, path }) => {
          if (path === undefined) throw new Error(`migration ${name} has no file`);
          const load = async () => (await import(path)) as MigrationModule;
          return {
            // One history for sources and build output.
            name: name.replace(/\.[jt]s$/, ''),
            up: async ({ context }) => (await load()).up(context),
            down: async ({ context }) => (await load()).down(context),
          };
        },
      },
      context: connection,
      storage: history(connection),
      logger: undefined,
    });
  const alone = <T>(work: (umzug: Umzug<Connection>) => Promise<T>): Promise<T> =>
    target.dialect === 'mysql'
      ? aloneOnServer(target, () => work(migrationsOn(database)))
      : aloneOnFile(database, (session) => work(migrationsOn(session)));

  return {
    up: () => alone(async (umzug) => ({ run: names(await umzug.up().catch(rethrow)) })),
    down: (steps) =>
      alone(async (umzug) => ({ run: names(await umzug.down({ step: steps }).catch(rethrow)) })),
    async status() {
      const umzug = migrationsOn(database);
      return { executed: names(await umzug.executed()), pending: names(await umzug.pending()) };
    },
  };
}

/** A database that went away is one, also where umzug says in which migration that was. */
function rethrow(error: unknown): never {
  const cause = error instanceof Error ? error.cause : undefined;
  throw cause instanceof DatabaseFault ? new DatabaseFault(cause.kind, error) : error;
}

/** Which migrations were run, in a table. */
function history(database: Connection) {
  const type = columnTypes(database.dialect);
  const ensureTable = () =>
    database.run(
      `CREATE TABLE IF NOT EXISTS schema_migrations (name ${type.text(100)} NOT NULL PRIMARY KEY)`,
    );
  return {
    async logMigration({ name }: { name: string }) {
      await ensureTable();
      await database.run(
        `${database.dialect.insertIgnore} INTO schema_migrations (name) VALUES (${database.quote(name)})`,
      );
    },
    async unlogMigration({ name }: { name: string }) {
      await database.run(`DELETE FROM schema_migrations WHERE name = ${database.quote(name)}`);
    },
    async executed() {
      await ensureTable();
      const rows = await database.select('SELECT name FROM schema_migrations ORDER BY name');
      return rows.map((row) => String(row['name']));
    },
  };
}

/** Runs `work` while no other process runs its own: umzug has no lock. */
async function aloneOnServer<T>(
  target: Extract<DatabaseTarget, { dialect: 'mysql' }>,
  work: () => Promise<T>,
): Promise<T> {
  // A pool of one: GET_LOCK belongs to the connection, which therefore must be the same throughout.
  const holder = openDatabase(target, {
    poolMax: 1,
    queryTimeoutMs: (LOCK_WAIT_SECONDS + 10) * 1000,
  });
  const lock = holder.quote(`migrate:${target.database}`.slice(0, 64));
  // What holds the pool's only connection open and in use is this keep-alive.
  const keepAlive = setInterval(() => void holder.select('SELECT 1').catch(() => {}), 2_000);
  try {
    const [row] = await holder.select(`SELECT GET_LOCK(${lock}, ${LOCK_WAIT_SECONDS}) AS got`);
    if (row?.['got'] !== 1) throw new Error('another copy of the service is still migrating');
    return await work();
  } finally {
    clearInterval(keepAlive);
    await holder.select(`SELECT RELEASE_LOCK(${lock})`).catch(() => {});
    await holder.close();
  }
}

/** The same in one transaction, since SQLite takes changes of tables back as well: all or nothing. */
async function aloneOnFile<T>(
  database: Database,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await beginInTurn(database);
  try {
    // On a disk that is read-only only a write fails, and nothing may be pending that would write.
    await session.run('PRAGMA user_version = 0');
    const done = await work(session);
    await session.commit();
    return done;
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

/** Waits longer than a transaction is waited for elsewhere: another process may be migrating. */
async function beginInTurn(database: Database): Promise<Session> {
  const deadlineMs = performance.now() + LOCK_WAIT_SECONDS * 1000;
  for (;;) {
    try {
      return await database.begin();
    } catch (error) {
      const isBusy = error instanceof DatabaseFault && error.kind === 'conflict';
      if (!isBusy || performance.now() > deadlineMs) throw error;
    }
  }
}
