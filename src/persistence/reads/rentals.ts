import { RENTAL_STATUSES, type RentalStatus } from '../../../machines/rental.js';
import type { Rental } from '../../domain/rental.js';
import type { Database } from '../database.js';
import { RENTAL_COLUMNS, rowToRental } from '../rentals.js';
import { list } from '../sql.js';
import { type Page, pageOf } from './products.js';
import { sharedQuery } from './shared-query.js';

export interface RentalQuery {
  readonly storeId: number;
  readonly productId: number | null;
  readonly userId: string | null;
  readonly status: RentalStatus | null;
  /** true: active and past its end; false: anything else; null: both */
  readonly overdue: boolean | null;
  /** only rentals with a smaller id */
  readonly before: string | null;
  readonly limit: number;
}

export interface RentalReads {
  /** The rental, where it exists in this store. */
  find(storeId: number, id: string): Promise<Rental | null>;
  /** A store's rentals, newest first. */
  list(query: RentalQuery): Promise<Page<Rental>>;
}

export function rentalReads(database: Database): RentalReads {
  const find = sharedQuery((ids: readonly string[]) => findRentals(database, ids));
  return {
    async find(storeId, id) {
      const rental = await find(id);
      return rental?.storeId === storeId ? rental : null;
    },
    list: (query) => listRentals(database, query),
  };
}

async function findRentals(database: Database, ids: readonly string[]): Promise<(Rental | null)[]> {
  const rows = await database.select(
    `SELECT ${RENTAL_COLUMNS} FROM rentals WHERE id IN ${list(database.quote, ids)}`,
  );
  const found = new Map(rows.map((row) => [String(row['id']), rowToRental(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

async function listRentals(database: Database, query: RentalQuery): Promise<Page<Rental>> {
  const { quote, dialect } = database;
  const conditions = [`store_id = ${query.storeId}`];
  if (query.productId !== null) conditions.push(`product_id = ${query.productId}`);
  if (query.userId !== null) conditions.push(`user_id = ${quote(query.userId)}`);
  if (query.overdue === true) {
    conditions.push(`status = 'active' AND ends_at < ${dialect.now}`);
  }
  if (query.overdue === false) {
    conditions.push(`(status <> 'active' OR ends_at IS NULL OR ends_at >= ${dialect.now})`);
  }
  if (query.before !== null) conditions.push(`id < ${quote(query.before)}`);
  const newest = `ORDER BY id DESC LIMIT ${query.limit + 1}`;
  const select = (condition: string) =>
    `SELECT ${RENTAL_COLUMNS} FROM rentals WHERE ${[...conditions, condition].join(' AND ')} ${newest}`;
  const rows = await database.select(
    query.status === null && query.userId === null
      ? // The newest of each status, each from an index, and then the newest of these.
        `SELECT * FROM (${RENTAL_STATUSES.map(
          (status) => `SELECT * FROM (${select(`status = '${status}'`)}) AS those_${status}`,
        ).join(' UNION ALL ')}) AS those ${newest}`
      : select(query.status === null ? '1 = 1' : `status = ${quote(query.status)}`),
  );
  return pageOf(rows.map(rowToRental), query.limit);
}
