import mysql, { type Connection, type ConnectionOptions, type QueryError } from 'mysql2';

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
      // Statements come with their values written into them: no placeholder is to be looked for.
      const connection = mysql.createConnection({ ...options, queryFormat: (sql) => sql });
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
