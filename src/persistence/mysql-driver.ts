import mysql, { type Connection, type ConnectionOptions, type QueryError } from 'mysql2';

/**
 * Statements come with their values written into them, so that no placeholder is to be looked for;
 * and rows are read by the reader that the driver compiles for their columns, which Sequelize's own
 * types would keep it from. Times come as text: making a Date of one costs more than all else.
 */
const LEAN: ConnectionOptions = {
  queryFormat: (sql) => sql,
  typeCast: true,
  dateStrings: true,
};

type Callback = (error: QueryError | null, ...results: unknown[]) => void;

/**
 * mysql2 as Sequelize loads it, with a client-side time limit on every statement. A connection on
 * which a statement ran into it, or which broke, is destroyed at once: nobody can tell what the
 * server still does on it, and closing it politely would wait for an answer that may never come.
 */
export function mysqlDriver(queryTimeoutMs: number): {
  createConnection(options: ConnectionOptions): Connection;
} {
  return {
    ...mysql,
    createConnection(options: ConnectionOptions): Connection {
      const connection = mysql.createConnection({ ...options, ...LEAN });
      const query = connection.query.bind(connection);
      const limited = (statement: string | { sql: string }, callback: Callback) => {
        const sql = typeof statement === 'string' ? statement : statement.sql;
        return query({ sql, timeout: queryTimeoutMs }, (error, ...results) => {
          if (error && (error.fatal || error.code === 'PROTOCOL_SEQUENCE_TIMEOUT')) {
            connection.destroy();
          }
          callback(error, ...results);
        });
      };
      return Object.assign(connection, { query: limited });
    },
  };
}
