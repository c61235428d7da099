import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { QueryTypes, Sequelize, type Transaction } from 'sequelize';
import type { DatabaseTarget } from '../config.js';
import { type Dialect, mysql, sqlite } from './dialects.js';
import { asFault, CommitUnknown, DatabaseFault } from './faults.js';
import { mysqlDriver } from './mysql-driver.js';
import type { Row } from './rows.js';
import type { Quote } from './sql.js';
import { sqliteDriver } from './sqlite-driver.js';
import { Turnstile } from './turnstile.js';

/** What any SQL is run on: the database (each statement by itself) or one transaction. */
export interface Connection {
  readonly dialect: Dialect;
  readonly quote: Quote;
  /** Returns the rows of a SELECT. Throws a DatabaseFault. */
  select(sql: string): Promise<Row[]>;
  /** Runs a statement that returns no rows. Throws a DatabaseFault. */
  run(sql: string): Promise<void>;
}

/** One transaction. After `commit` or `rollback` it is over, whatever they did. */
export interface Session extends Connection {
  /**
   * Throws a DatabaseFault where the transaction was surely rolled back, a CommitUnknown where it
   * may have been committed.
   */
  commit(): Promise<void>;
  /** Never throws: a session that can't be rolled back is given up, and the server rolls it back. */
  rollback(): Promise<void>;
}

/** The database. `run` outside a transaction commits by itself. */
export interface Database extends Connection {
  /** Starts a transaction: READ COMMITTED, or on SQLite IMMEDIATE, one at a time. */
  begin(): Promise<Session>;
  /**
   * Ends a session that may still be committing, and returns once it is gone. Throws a
   * DatabaseFault where that can't be found out.
   */
  endSession(sessionId: number): Promise<void>;
  /** the pool's size and use, where there is one */
  pool(): { size: number; available: number; waiting: number } | null;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly poolMax: number;
  readonly queryTimeoutMs: number;
}

/** Opens a database without connecting yet: that happens with the first statement. */
export function openDatabase(target: DatabaseTarget, options: DatabaseOptions): Database {
  return target.dialect === 'mysql' ? openMysql(target.url, options) : openSqlite(target.file);
}

const LOCK_WAIT_SECONDS = 3;
const IDLE_TRANSACTION_SECONDS = 5;
const IDLE_SESSION_SECONDS = 30;
const CONNECT_TIMEOUT_MS = 5_000;
const END_SESSION_MS = 5_000;
const ACQUIRE_TIMEOUT_MS = 5_000;
/** below IDLE_SESSION_SECONDS, so that the pool lets go of a connection before the server does */
const POOL_IDLE_MS = 10_000;

function openMysql(url: string, options: DatabaseOptions): Database {
  const sequelize = new Sequelize(url, {
    dialect: 'mysql',
    dialectModule: mysqlDriver(options.queryTimeoutMs),
    dialectOptions: { charset: 'utf8mb4', connectTimeout: CONNECT_TIMEOUT_MS },
    timezone: '+00:00',
    logging: false,
    pool: { max: options.poolMax, min: 0, idle: POOL_IDLE_MS, acquire: ACQUIRE_TIMEOUT_MS },
    retry: { max: 1 },
    hooks: { afterConnect: prepareSession },
  });
  const plain = mysqlStatements(sequelize, (sql) => onPooled(sequelize, sql));
  // Statements by themselves leave some connections to transactions: reads must not starve writes.
  const turnstile = new Turnstile(Math.max(1, Math.floor(options.poolMax / 2)), ACQUIRE_TIMEOUT_MS);
  const connection: Connection = {
    ...plain,
    select: (sql) => turnstile.pass(() => plain.select(sql)),
    run: (sql) => turnstile.pass(() => plain.run(sql)),
  };

  return {
    ...connection,
    async begin() {
      const transaction = await sequelize.transaction().catch(rethrow);
      return mysqlSession(sequelize, transaction);
    },
    async endSession(sessionId) {
      const deadlineMs = performance.now() + END_SESSION_MS;
      for (;;) {
        // A server that was started again gives the same ids anew, perhaps to who asks.
        const rows = await connection.select(
          `SELECT 1 FROM information_schema.processlist WHERE id = ${sessionId} ` +
            'AND id <> CONNECTION_ID()',
        );
        if (rows.length === 0) return;
        await connection.run(`KILL ${sessionId}`).catch(() => undefined);
        if (performance.now() > deadlineMs) {
          throw new DatabaseFault('conflict', `session ${sessionId} does not end`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    pool: () => poolOf(sequelize),
    close: () => sequelize.close(),
  };
}

function mysqlSession(sequelize: Sequelize, transaction: Transaction): Session {
  const connection = connectionOf(transaction);
  const sessionId = typeof connection.threadId === 'number' ? connection.threadId : null;
  return {
    ...mysqlStatements(sequelize, async (sql) => {
      // The connection is somebody else's by then.
      if (isOver(transaction)) throw new Error('the transaction is over');
      return send(connection, sql);
    }),
    async commit() {
      try {
        await transaction.commit();
      } catch (error) {
        const fault = asFault(error);
        // Whatever else the server may say at COMMIT, it is no promise that nothing was done.
        throw fault.kind === 'conflict' ? fault : new CommitUnknown(sessionId, error);
      }
    },
    async rollback() {
      if (isOver(transaction)) return;
      await transaction.rollback().catch(() => undefined);
    },
  };
}

const isOver = (transaction: Transaction) =>
  'finished' in transaction && transaction.finished !== undefined;

/** A connection of the driver, as far as it is used here. */
interface DriverConnection {
  readonly threadId?: unknown;
  query(sql: string, done: (error: unknown, result: unknown) => void): void;
  destroy(): void;
}

function connectionOf(transaction: Transaction): DriverConnection {
  return (transaction as unknown as { connection: DriverConnection }).connection;
}

/**
 * Sends a statement to the driver. Sequelize's own `query` would copy each statement and each row
 * several times over, which for the long statements of a batch costs more than the driver's work.
 */
function send(connection: DriverConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, result) => (error ? reject(asFault(error)) : resolve(result)));
  });
}

/** Sends a statement on a connection of the pool, which it commits by itself. */
async function onPooled({ connectionManager }: Sequelize, sql: string): Promise<unknown> {
  const connection = await connectionManager.getConnection({ type: 'write' }).catch(rethrow);
  try {
    return await send(connection as unknown as DriverConnection, sql);
  } finally {
    connectionManager.releaseConnection(connection);
  }
}

/** Text without a character that an SQL literal would have to escape. */
const PLAIN_TEXT = /^[\w :.@-]*$/;

function mysqlStatements(
  sequelize: Sequelize,
  query: (sql: string) => Promise<unknown>,
): Connection {
  return {
    dialect: mysql,
    quote(value) {
      if (value === null) return 'NULL';
      if (typeof value === 'string' && PLAIN_TEXT.test(value)) return `'${value}'`;
      return sequelize.escape(value);
    },
    // The rows of a SELECT, each a fresh object from column to value.
    select: async (sql) => (await query(sql)) as Row[],
    async run(sql) {
      await query(sql);
    },
  };
}

/** Runs once on each new connection; the pool knows nothing yet of one on which that fails. */
async function prepareSession(connection: unknown): Promise<void> {
  const session = connection as DriverConnection;
  try {
    await setSessionVariables(session);
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/** SQL modes are set so that nothing is cut off or made up. */
async function setSessionVariables(session: DriverConnection): Promise<void> {
  const run = (sql: string) =>
    new Promise<void>((resolve, reject) => {
      session.query(sql, (error) => (error ? reject(error) : resolve()));
    });
  await run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await run(
    `SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO',
     innodb_lock_wait_timeout=${LOCK_WAIT_SECONDS}, wait_timeout=${IDLE_SESSION_SECONDS}`,
  );
  // MariaDB only.
  await run(`SET SESSION idle_transaction_timeout=${IDLE_TRANSACTION_SECONDS}`).catch(() => {});
}

function poolOf(sequelize: Sequelize) {
  const { pool } = sequelize.connectionManager as unknown as {
    pool?: { size: number; available: number; waiting: number };
  };
  return pool ? { size: pool.size, available: pool.available, waiting: pool.waiting } : null;
}

/**
 * The embedded database takes one writer at a time, so one connection writes and takes
 * transactions in turn, another reads. (Parallel IMMEDIATE transactions would fill the driver's
 * threads with waiters, and the one that holds the lock could not commit.)
 *
 * Both are opened anew after a file could not be opened or written to: SQLite and Sequelize go on
 * for ever with what they got then, also when the disk has long been mended, and SQLite shares
 * that between all connections of a process.
 */
function openSqlite(file: string): Database {
  mkdirSync(dirname(file), { recursive: true });
  let isStale = false;
  const notice = (error: unknown): never => {
    if (error instanceof DatabaseFault && isLasting(error)) isStale = true;
    throw error;
  };
  const open = () => {
    const sequelize = new Sequelize({
      dialect: 'sqlite',
      dialectModule: sqliteDriver,
      storage: file,
      logging: false,
      retry: { max: 1 },
    });
    const plain = sqliteStatements(sequelize);
    return {
      ...plain,
      select: (sql: string) => plain.select(sql).catch(notice),
      run: (sql: string) => plain.run(sql).catch(notice),
      // Closing what was never open is no matter.
      close: () => sequelize.close().catch(() => undefined),
    };
  };
  let reader = open();
  let writer = open();
  let turn: Promise<void> = Promise.resolve();

  // The last one to close moves what is in the -wal file into the database, and removes it. Two that
  // close at once may each take the other for the last one.
  const closeBoth = async () => {
    await reader.close();
    await writer.close();
  };
  const renew = async () => {
    await closeBoth();
    reader = open();
    writer = open();
    isStale = false;
  };
  const takeTurn = async () => {
    const before = turn;
    let release = () => {};
    turn = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      if (isStale) await renew();
    } catch (error) {
      release();
      throw error;
    }
    return release;
  };

  return {
    dialect: sqlite,
    quote: reader.quote,
    async select(sql) {
      if (isStale) (await takeTurn())();
      return reader.select(sql);
    },
    async run(sql) {
      const release = await takeTurn();
      await writer.run(sql).finally(release);
    },
    async begin() {
      const release = await takeTurn();
      // A connection that could not roll back may still be inside its transaction.
      const session = sqliteSession(writer, release, () => {
        isStale = true;
      });
      try {
        await session.run('BEGIN IMMEDIATE');
      } catch (error) {
        release();
        throw error;
      }
      return session;
    },
    // A commit that failed has been rolled back, or not: there is nobody to wait for.
    endSession: async () => {},
    pool: () => null,
    async close() {
      await turn;
      await closeBoth();
    },
  };
}

const isLasting = ({ kind, cause }: DatabaseFault) =>
  kind === 'unwritable' || (cause instanceof Error && cause.name === 'SequelizeConnectionError');

function sqliteSession(
  writes: Connection,
  release: () => void,
  couldNotRollBack: () => void,
): Session {
  // The connection is the next transaction's as soon as this one is over: nothing of this one may
  // reach it then, least of all a ROLLBACK.
  let isOver = false;
  const end = () => {
    isOver = true;
    release();
  };
  return {
    ...writes,
    async commit() {
      if (isOver) throw new Error('the transaction is over');
      try {
        await writes.run('COMMIT');
      } catch (error) {
        // A transaction that can still be rolled back was surely not committed.
        const rolledBack = await writes.run('ROLLBACK').then(
          () => true,
          () => false,
        );
        if (rolledBack) throw error;
        couldNotRollBack();
        throw new CommitUnknown(null, error);
      } finally {
        end();
      }
    },
    async rollback() {
      if (isOver) return;
      await writes.run('ROLLBACK').catch(couldNotRollBack).finally(end);
    },
  };
}

function sqliteStatements(sequelize: Sequelize): Connection {
  return {
    dialect: sqlite,
    quote: (value) => (value === null ? 'NULL' : sequelize.escape(value)),
    async select(sql) {
      const rows: object[] = await sequelize
        .query<object>(sql, { type: QueryTypes.SELECT, raw: true })
        .catch(rethrow);
      return rows as Row[];
    },
    async run(sql) {
      await sequelize.query(sql, { type: QueryTypes.RAW, raw: true }).catch(rethrow);
    },
  };
}

function rethrow(error: unknown): never {
  throw asFault(error);
}
