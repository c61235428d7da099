/** What differs between the databases that the service runs on. Nobody else asks which one it is. */
export interface Dialect {
  readonly name: 'mysql' | 'sqlite';
  /** the database's own time, UTC with milliseconds, as an SQL expression */
  readonly now: string;
  /** the time so many hours ago */
  hoursAgo(hours: number): string;
  /** the time in so many seconds; below 0: so many ago */
  inSeconds(seconds: number): string;
  /** ends a SELECT whose rows are to stay locked; one writer at a time needs none */
  readonly forUpdate: string;
  /** the same for those rows alone that nobody has locked */
  readonly forUpdateOfFree: string;
  readonly insertIgnore: string;
  /** two texts put together, as an SQL expression */
  concat(a: string, b: string): string;
  /** the largest number of transactions that may be in flight at once */
  readonly writersMax: number;
  /** how far apart the ids are that it gives to neighbouring rows, as an SQL expression */
  readonly idStride: string;
  /** stands behind a table's name: its rows are found by this index, and no other is weighed */
  byIndex(name: string): string;
  /** ends an INSERT that adds to `columns` where a row with the same `key` exists */
  addUp(key: string, columns: readonly string[]): string;
  /** ends an INSERT that overwrites `columns` where a row with the same `key` exists */
  overwrite(key: string, columns: readonly string[]): string;
}

export const mysql: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  hoursAgo: (hours) => `UTC_TIMESTAMP(3) - INTERVAL ${hours} HOUR`,
  inSeconds: (seconds) => `UTC_TIMESTAMP(3) + INTERVAL ${seconds} SECOND`,
  forUpdate: ' FOR UPDATE',
  forUpdateOfFree: ' FOR UPDATE SKIP LOCKED',
  insertIgnore: 'INSERT IGNORE',
  concat: (a, b) => `CONCAT(${a}, ${b})`,
  writersMax: Number.POSITIVE_INFINITY,
  // The nodes of a Galera cluster share the ids between them.
  idStride: '@@auto_increment_increment',
  byIndex: (name) => ` FORCE INDEX (${name})`,
  addUp: (_key, columns) =>
    ` ON DUPLICATE KEY UPDATE ${columns.map((column) => `${column}=${column}+VALUES(${column})`).join(', ')}`,
  // MariaDB does not know `AS new`, so both take the older VALUES().
  overwrite: (_key, columns) =>
    ` ON DUPLICATE KEY UPDATE ${columns.map((column) => `${column}=VALUES(${column})`).join(', ')}`,
};

export const sqlite: Dialect = {
  name: 'sqlite',
  now: "strftime('%Y-%m-%d %H:%M:%f','now')",
  hoursAgo: (hours) => `strftime('%Y-%m-%d %H:%M:%f','now','-${hours} hours')`,
  inSeconds: (seconds) =>
    `strftime('%Y-%m-%d %H:%M:%f','now','${seconds < 0 ? '' : '+'}${seconds} seconds')`,
  forUpdate: '',
  forUpdateOfFree: '',
  insertIgnore: 'INSERT OR IGNORE',
  concat: (a, b) => `${a} || ${b}`,
  writersMax: 1,
  idStride: '1',
  byIndex: (name) => ` INDEXED BY ${name}`,
  addUp: (key, columns) =>
    ` ON CONFLICT(${key}) DO UPDATE SET ${columns
      .map((column) => `${column}=${column}+excluded.${column}`)
      .join(', ')}`,
  overwrite: (key, columns) =>
    ` ON CONFLICT(${key}) DO UPDATE SET ${columns
      .map((column) => `${column}=excluded.${column}`)
      .join(', ')}`,
};
