import type { Connection, Database } from './database.js';
import { list } from './sql.js';

/**
 * A lease in the database: of all copies of the service one holds it, and when its process dies
 * another takes it over once it has run out. Times are the database's.
 */
export interface Leases {
  /** Takes or prolongs the lease for `seconds`; false where somebody else holds it. */
  hold(name: string, seconds: number): Promise<boolean>;
  /** Gives it back, where it is ours. */
  release(name: string): Promise<void>;
}

/** Leases as one holder, named by a UUID, sees them. */
export function leases(database: Database, holder: string): Leases {
  const { quote, dialect } = database;
  const where = (name: string) => `name = ${quote(name)}`;
  return {
    async hold(name, seconds) {
      await database.run(
        `${dialect.insertIgnore} INTO job_leases (name, holder, held_until) ` +
          `VALUES ${list(quote, [name, holder, LONG_AGO])}`,
      );
      // Of several that try at once the first changes the row, and the others then miss the WHERE.
      await database.run(
        `UPDATE job_leases SET holder = ${quote(holder)}, held_until = ${dialect.inSeconds(seconds)} ` +
          `WHERE ${where(name)} AND (holder = ${quote(holder)} OR held_until <= ${dialect.now})`,
      );
      const rows = await database.select(
        `SELECT 1 FROM job_leases WHERE ${where(name)} AND holder = ${quote(holder)} ` +
          `AND held_until > ${dialect.now}`,
      );
      return rows.length > 0;
    },
    async release(name) {
      await database.run(
        `UPDATE job_leases SET held_until = ${quote(LONG_AGO)} ` +
          `WHERE ${where(name)} AND holder = ${quote(holder)}`,
      );
    },
  };
}

/** Whether anybody holds the lease now. */
export async function isLeaseHeld(connection: Connection, name: string): Promise<boolean> {
  const { quote, dialect } = connection;
  const rows = await connection.select(
    `SELECT 1 FROM job_leases WHERE name = ${quote(name)} AND held_until > ${dialect.now}`,
  );
  return rows.length > 0;
}

const LONG_AGO = '1970-01-01 00:00:00.000';
