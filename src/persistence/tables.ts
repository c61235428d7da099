import type { Connection } from './database.js';
import type { Dialect } from './dialects.js';

/** Column types by what they hold, for migrations. */
export function columnTypes(dialect: Dialect) {
  const isMysql = dialect.name === 'mysql';
  const ascii = (type: string) =>
    isMysql ? `${type} CHARACTER SET ascii COLLATE ascii_bin` : 'TEXT';
  return {
    /** a number that the database gives, ascending */
    autoId: isMysql
      ? 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY'
      : 'INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT',
    id: isMysql ? 'BIGINT' : 'INTEGER',
    uuid: ascii('CHAR(36)'),
    /** SHA-256, hex */
    hash: ascii('CHAR(64)'),
    /** one of a closed list of words */
    word: ascii('VARCHAR(20)'),
    units: isMysql ? 'INT' : 'INTEGER',
    /** minor units of a currency, versions */
    integer: isMysql ? 'BIGINT' : 'INTEGER',
    /** a number with a fraction, or one beyond what a whole number holds */
    real: isMysql ? 'DOUBLE' : 'REAL',
    /** text of at most `length` characters, compared exactly */
    text: (length: number) =>
      isMysql ? `VARCHAR(${length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin` : 'TEXT',
    /** a document of up to 16 MB */
    json: isMysql ? 'MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : 'TEXT',
    /** UTC with milliseconds; on SQLite the text `YYYY-MM-DD hh:mm:ss.mmm` */
    instant: isMysql ? 'DATETIME(3)' : 'TEXT',
    /** what an expression over the row's other columns gives; the database keeps it right */
    computed: (type: string, expression: string) =>
      // SQLite adds no stored one to a table that is there; an index holds its values all the same.
      `${type} GENERATED ALWAYS AS (${expression}) ${isMysql ? 'STORED' : 'VIRTUAL'}`,
  };
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly constraints?: readonly string[];
  /** name → columns, where no two rows may have the same; rows with a NULL in them are let be */
  readonly uniques?: Readonly<Record<string, string>>;
  /** name → columns */
  readonly indexes?: Readonly<Record<string, string>>;
}

/** Makes a table with its indexes. May be run again after it was cut off half way. */
export async function createTable(connection: Connection, table: Table): Promise<void> {
  const isMysql = connection.dialect.name === 'mysql';
  const indexes = Object.entries(table.indexes ?? {});
  const uniques = Object.entries(table.uniques ?? {});
  const parts = [
    ...table.columns,
    ...(table.constraints ?? []),
    ...uniques.map(([name, columns]) => `CONSTRAINT ${name} UNIQUE (${columns})`),
    // MySQL makes no index "if not exists", so there it comes with the table.
    ...(isMysql ? indexes.map(([name, columns]) => `INDEX ${name} (${columns})`) : []),
  ];
  const engine = isMysql ? ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
  await connection.run(`CREATE TABLE IF NOT EXISTS ${table.name} (${parts.join(', ')})${engine}`);
  if (isMysql) return;
  for (const [name, columns] of indexes) {
    await connection.run(`CREATE INDEX IF NOT EXISTS ${name} ON ${table.name} (${columns})`);
  }
}

/** Adds a column that is not there yet. May be run again after it was cut off half way. */
export async function addColumn(
  connection: Connection,
  table: string,
  column: { name: string; type: string },
): Promise<void> {
  if (await hasColumn(connection, table, column.name)) return;
  await connection.run(`ALTER TABLE ${table} ADD COLUMN ${column.name} ${column.type}`);
}

export async function dropColumn(
  connection: Connection,
  table: string,
  name: string,
): Promise<void> {
  if (!(await hasColumn(connection, table, name))) return;
  await connection.run(`ALTER TABLE ${table} DROP COLUMN ${name}`);
}

/** Adds an index that is not there yet. */
export async function addIndex(
  connection: Connection,
  table: string,
  index: { name: string; columns: string },
): Promise<void> {
  if (await hasIndex(connection, table, index.name)) return;
  await connection.run(`CREATE INDEX ${index.name} ON ${table} (${index.columns})`);
}

export async function dropIndex(
  connection: Connection,
  table: string,
  name: string,
): Promise<void> {
  if (!(await hasIndex(connection, table, name))) return;
  const from = connection.dialect.name === 'mysql' ? ` ON ${table}` : '';
  await connection.run(`DROP INDEX ${name}${from}`);
}

async function hasColumn(connection: Connection, table: string, name: string): Promise<boolean> {
  const { quote } = connection;
  const rows = await connection.select(
    connection.dialect.name === 'mysql'
      ? 'SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() ' +
          `AND table_name = ${quote(table)} AND column_name = ${quote(name)}`
      : `SELECT 1 FROM pragma_table_xinfo(${quote(table)}) WHERE name = ${quote(name)}`,
  );
  return rows.length > 0;
}

async function hasIndex(connection: Connection, table: string, name: string): Promise<boolean> {
  const { quote } = connection;
  const rows = await connection.select(
    connection.dialect.name === 'mysql'
      ? 'SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() ' +
          `AND table_name = ${quote(table)} AND index_name = ${quote(name)} LIMIT 1`
      : `SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ${quote(name)}`,
  );
  return rows.length > 0;
}
