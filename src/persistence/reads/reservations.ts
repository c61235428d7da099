import { RESERVATION_STATUSES, type ReservationStatus } from '../../../machines/reservation.js';
import { asToldReservation, type ToldReservation } from '../../domain/reservation.js';
import type { Database } from '../database.js';
import type { Dialect } from '../dialects.js';
import { RESERVATION_COLUMNS, rowToReservation } from '../reservations.js';
import { instant, integer, nullable, type Row, text } from '../rows.js';
import { list } from '../sql.js';
import { type Page, pageOf } from './products.js';
import { sharedQuery } from './shared-query.js';

export interface ReservationQuery {
  readonly storeId: number;
  readonly status: ReservationStatus | null;
  readonly productId: number | null;
  readonly cartId: string | null;
  /** only reservations with a smaller id */
  readonly before: string | null;
  readonly limit: number;
}

export interface ReservationReads {
  /** The reservation as it is told, where it exists in this store. */
  find(storeId: number, id: string): Promise<ToldReservation | null>;
  /** What a cart holds now, oldest first; what is due is not among it. */
  heldByCart(storeId: number, cartId: string): Promise<readonly ToldReservation[]>;
  /** A store's reservations, newest first. */
  list(query: ReservationQuery): Promise<Page<ToldReservation>>;
}

export interface DueProduct {
  readonly id: number;
  readonly storeId: number;
}

export function reservationReads(database: Database): ReservationReads {
  const find = sharedQuery((ids: readonly string[]) => findReservations(database, ids));
  const heldByCart = sharedQuery((carts: readonly CartKey[]) => findHeldByCarts(database, carts));
  return {
    async find(storeId, id) {
      const reservation = await find(id);
      return reservation?.storeId === storeId ? reservation : null;
    },
    heldByCart: (storeId, cartId) => heldByCart({ storeId, cartId }),
    list: (query) => listReservations(database, query),
  };
}

interface CartKey {
  readonly storeId: number;
  readonly cartId: string;
}

async function findReservations(
  database: Database,
  ids: readonly string[],
): Promise<(ToldReservation | null)[]> {
  const rows = await database.select(
    `SELECT ${toldColumns(database.dialect)} ${from()} WHERE r.id IN ${list(database.quote, ids)}`,
  );
  const found = new Map(rows.map((row) => [text(row, 'id'), rowToToldReservation(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

async function findHeldByCarts(
  database: Database,
  carts: readonly CartKey[],
): Promise<ToldReservation[][]> {
  const { quote, dialect } = database;
  const stores = new Map<number, Map<string, ToldReservation[]>>();
  const heldBy = ({ storeId, cartId }: CartKey): ToldReservation[] =>
    orMake(
      orMake(stores, storeId, () => new Map()),
      cartId,
      () => [],
    );
  const answer = carts.map(heldBy);
  const conditions = [...stores].map(
    ([storeId, inStore]) =>
      `(r.store_id = ${storeId} AND r.cart_id IN ${list(quote, [...inStore.keys()])} ` +
      `AND r.active = 1 AND r.expires_at > ${dialect.now})`,
  );
  const rows = await database.select(
    `SELECT ${HELD_COLUMNS} ${from(dialect.byIndex('reservations_of_cart'))} ` +
      `WHERE ${conditions.join(' OR ')}`,
  );
  for (const row of rows) {
    const reservation = rowToHeld(row);
    heldBy(reservation).push(reservation);
  }
  for (const held of answer) {
    held.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }
  return answer;
}

function orMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** What of a reservation that holds its units is not known beforehand: the rest is not sent. */
const HELD_COLUMNS =
  'r.id, r.store_id, r.cart_id, r.product_id, r.quantity, r.expires_at, r.order_id, ' +
  'r.customer_id, r.created_at, r.updated_at, p.sku';

function rowToHeld(row: Row): ToldReservation {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    cartId: text(row, 'cart_id'),
    productId: integer(row, 'product_id'),
    quantity: integer(row, 'quantity'),
    status: 'reserved',
    expiresAt: instant(row, 'expires_at'),
    confirmedAt: null,
    releasedAt: null,
    orderId: nullable(text, row, 'order_id'),
    rentalId: null,
    customerId: nullable(text, row, 'customer_id'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
    sku: text(row, 'sku'),
  };
}

async function listReservations(
  database: Database,
  query: ReservationQuery,
): Promise<Page<ToldReservation>> {
  const { quote, dialect } = database;
  const conditions = [`r.store_id = ${query.storeId}`];
  if (query.productId !== null) conditions.push(`r.product_id = ${query.productId}`);
  if (query.cartId !== null) conditions.push(`r.cart_id = ${quote(query.cartId)}`);
  if (query.before !== null) conditions.push(`r.id < ${quote(query.before)}`);
  // A cart's are few, and found by the cart; an expression keeps their status out of the choice of an index.
  const column = query.cartId === null ? 'r.status' : dialect.concat('r.status', "''");
  // The newest of each status, each from an index, and then the newest of these.
  const branches = branchesOf(query.status, dialect, column).map(
    (branch, i) =>
      `SELECT * FROM (SELECT r.id FROM reservations r WHERE ${[...conditions, ...branch].join(' AND ')} ` +
      `ORDER BY r.id DESC LIMIT ${query.limit + 1}) AS those_${i}`,
  );
  const rows = await database.select(
    `SELECT ${toldColumns(dialect)} ${from()} JOIN (SELECT id FROM (${branches.join(' UNION ALL ')}) ` +
      `AS those ORDER BY id DESC LIMIT ${query.limit + 1}) AS found ON found.id = r.id ` +
      'ORDER BY r.id DESC',
  );
  return pageOf(rows.map(rowToToldReservation), query.limit);
}

/** Conditions that no reservation meets two of: one that is due reads `expired`. */
function branchesOf(
  status: ReservationStatus | null,
  { now }: Dialect,
  column: string,
): string[][] {
  const is = (stored: ReservationStatus) => `${column} = '${stored}'`;
  const held = [is('reserved'), 'r.active = 1'];
  switch (status) {
    case null:
      return RESERVATION_STATUSES.map((each) => [is(each)]);
    case 'reserved':
      return [[...held, `r.expires_at > ${now}`]];
    case 'expired':
      return [[is('expired')], [...held, `r.expires_at <= ${now}`]];
    default:
      return [[is(status)]];
  }
}

/** Products on which a hold may be due, those due longest first; null: of all stores. */
export async function listDueProducts(
  database: Database,
  query: { storeId: number | null; limit: number; except: readonly number[] },
): Promise<DueProduct[]> {
  const conditions = [`next_hold_due_at <= ${database.dialect.now}`];
  if (query.storeId !== null) conditions.push(`store_id = ${query.storeId}`);
  if (query.except.length > 0) {
    conditions.push(`id NOT IN ${list(database.quote, query.except)}`);
  }
  const rows = await database.select(
    `SELECT id, store_id FROM products WHERE ${conditions.join(' AND ')} ` +
      `ORDER BY next_hold_due_at, id LIMIT ${query.limit}`,
  );
  return rows.map((row) => ({ id: integer(row, 'id'), storeId: integer(row, 'store_id') }));
}

const from = (byIndex = '') =>
  `FROM reservations r${byIndex} JOIN products p ON p.id = r.product_id`;

function toldColumns({ now }: Dialect): string {
  const columns = RESERVATION_COLUMNS.split(', ').map((column) => `r.${column}`);
  return `${columns.join(', ')}, p.sku, CASE WHEN r.expires_at <= ${now} THEN 1 ELSE 0 END AS is_due`;
}

function rowToToldReservation(row: Row): ToldReservation {
  const reservation = rowToReservation(row);
  const isDue = reservation.status === 'reserved' && integer(row, 'is_due') === 1;
  const status = isDue ? 'expired' : reservation.status;
  return asToldReservation(reservation, { status, sku: text(row, 'sku') });
}
