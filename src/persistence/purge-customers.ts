import type { UserInStore } from '../domain/needs.js';
import type { Connection, Database } from './database.js';
import { userKey, whereUsers } from './reservations.js';
import { integer, type Row, text } from './rows.js';

/**
 * Removes the rows that guard customers, and carts, of which nothing is held: whoever needs one
 * makes it anew (see lockCustomers). One that a command has locked is let be. It walks over the
 * table `rowsMax` rows at a time for as long as `goOn` says so. Returns how many it removed; any
 * number of copies may do it at once.
 */
export async function purgeCustomers(
  database: Database,
  { rowsMax, goOn = () => true }: { rowsMax: number; goOn?: () => boolean },
): Promise<number> {
  let removed = 0;
  let last: UserInStore | null = null;
  while (goOn()) {
    const page: UserInStore[] = await readPage(database, last, rowsMax);
    const withHolds = await findWithHolds(database, page);
    const idle = page.filter((customer) => !withHolds.has(userKey(customer)));
    if (idle.length > 0) removed += await removeIdle(database, idle);
    last = page.at(-1) ?? null;
    if (page.length < rowsMax) break;
  }
  return removed;
}

async function readPage(
  connection: Connection,
  last: UserInStore | null,
  rowsMax: number,
): Promise<UserInStore[]> {
  const after = last
    ? `WHERE store_id > ${last.storeId} ` +
      `OR (store_id = ${last.storeId} AND user_id > ${connection.quote(last.userId)}) `
    : '';
  const rows = await connection.select(
    `SELECT store_id, user_id FROM customers ${after}ORDER BY store_id, user_id LIMIT ${rowsMax}`,
  );
  return rows.map(rowToCustomer);
}

async function removeIdle(database: Database, idle: readonly UserInStore[]): Promise<number> {
  const session = await database.begin();
  try {
    const rows = await session.select(
      `SELECT store_id, user_id FROM customers WHERE ${whereUsers(session, 'user_id', idle, '')} ` +
        `ORDER BY store_id, user_id${session.dialect.forUpdateOfFree}`,
    );
    const locked = rows.map(rowToCustomer);
    // What was held in between is seen now: nobody holds any more without this lock.
    const withHolds = await findWithHolds(session, locked);
    const doomed = locked.filter((customer) => !withHolds.has(userKey(customer)));
    if (doomed.length > 0) {
      await session.run(
        `DELETE FROM customers WHERE ${whereUsers(session, 'user_id', doomed, '')}`,
      );
    }
    await session.commit();
    return doomed.length;
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

async function findWithHolds(
  connection: Connection,
  customers: readonly UserInStore[],
): Promise<Set<string>> {
  if (customers.length === 0) return new Set();
  const rows = await connection.select(
    'SELECT DISTINCT store_id, customer_id AS user_id FROM reservations ' +
      `WHERE ${whereUsers(connection, 'customer_id', customers, ' AND active = 1')}`,
  );
  return new Set(rows.map((row) => userKey(rowToCustomer(row))));
}

const rowToCustomer = (row: Row): UserInStore => ({
  storeId: integer(row, 'store_id'),
  userId: text(row, 'user_id'),
});
