/**
 * What a database error means to us. RELIABILITY is built on this one function: everything above
 * it knows six words and no error number.
 */
export type FaultKind =
  /** rolled back, or to be rolled back: deadlock, lock wait, certification conflict, busy */
  | 'conflict'
  /** a unique key: somebody was first */
  | 'clash'
  /** the connection broke, or the server is not the one to write to just now */
  | 'connection_lost'
  /** no connection to be had */
  | 'overloaded'
  /** the database's disk is full or read-only */
  | 'unwritable'
  /** a statement that no retry mends */
  | 'rejected';

export class DatabaseFault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'DatabaseFault';
    this.kind = kind;
  }
}

/** COMMIT was sent and nobody knows whether it was done. */
export class CommitUnknown extends Error {
  /** the server's id of the session that may still be committing; null where there is none */
  readonly sessionId: number | null;

  constructor(sessionId: number | null, cause: unknown) {
    super('the outcome of a COMMIT is unknown', { cause });
    this.name = 'CommitUnknown';
    this.sessionId = sessionId;
  }
}

const MYSQL_KINDS: ReadonlyMap<number, FaultKind> = new Map([
  [1213, 'conflict'], // deadlock; on Galera also a certification conflict at COMMIT
  [1205, 'conflict'], // lock wait timeout
  [1020, 'conflict'], // record has changed since last read
  [1062, 'clash'],
  [1586, 'clash'],
  [1040, 'overloaded'], // too many connections
  [1203, 'overloaded'],
  [1226, 'overloaded'],
  [1021, 'unwritable'], // disk full
  [1114, 'unwritable'], // table full
  [1047, 'connection_lost'], // not primary
  [1290, 'connection_lost'], // read-only
  [1836, 'connection_lost'],
  [1317, 'connection_lost'], // killed
  [1927, 'connection_lost'],
  [1053, 'connection_lost'], // shutting down
  [1152, 'connection_lost'],
  [1158, 'connection_lost'],
  [1159, 'connection_lost'],
  [1160, 'connection_lost'],
  [1161, 'connection_lost'],
  [4031, 'connection_lost'], // idle too long
  [1044, 'connection_lost'], // access denied, unknown database: not our server (yet)
  [1045, 'connection_lost'],
  [1049, 'connection_lost'],
]);

const LOST_CONNECTION = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Says what an error of Sequelize or of a driver means. What is not known is `rejected`. */
export function asFault(error: unknown): DatabaseFault {
  if (error instanceof DatabaseFault) return error;
  return new DatabaseFault(kindOf(error), error);
}

/** What a driver, or Sequelize, says where a connection is used that was closed already. */
const CLOSED = /closed state|connection is closed|connection manager was closed/i;

function kindOf(error: unknown): FaultKind {
  if (!isError(error)) return 'rejected';
  if (error.name === 'SequelizeConnectionAcquireTimeoutError') return 'overloaded';
  const driver = driverError(error);
  const { errno, code } = driver;
  if (typeof code === 'string' && code.startsWith('SQLITE_')) {
    return sqliteKind(code, driver.message);
  }
  if (typeof errno === 'number' && MYSQL_KINDS.has(errno)) {
    return MYSQL_KINDS.get(errno) ?? 'rejected';
  }
  if (typeof code === 'string' && LOST_CONNECTION.has(code)) return 'connection_lost';
  if (error.name.startsWith('SequelizeConnection') || error.name.startsWith('SequelizeHost')) {
    return 'connection_lost';
  }
  // mysql2 marks what ends a connection, whatever the system calls it.
  if (driver.fatal === true) return 'connection_lost';
  if (CLOSED.test(driver.message)) return 'connection_lost';
  return 'rejected';
}

function sqliteKind(code: string, message: string): FaultKind {
  switch (code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return 'conflict';
    case 'SQLITE_CONSTRAINT':
      return message.includes('UNIQUE constraint') ? 'clash' : 'rejected';
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR':
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
      return 'unwritable';
    case 'SQLITE_MISUSE':
      return message.includes('handle is closed') ? 'connection_lost' : 'rejected';
    default:
      return 'rejected';
  }
}

interface DriverError {
  readonly errno?: unknown;
  readonly code?: unknown;
  readonly fatal?: unknown;
  readonly message: string;
}

/** The driver's own error, which Sequelize keeps inside its own. */
function driverError(error: Error): DriverError {
  const parent: unknown = 'parent' in error ? error.parent : undefined;
  return isError(parent) ? driverError(parent) : error;
}

/** A native module's errors need not be of the class that this module knows as Error. */
function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}
