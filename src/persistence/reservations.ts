import { RESERVATION_STATUSES } from '../../machines/reservation.js';
import type { HoldKey } from '../domain/batch.js';
import { groupBy } from '../domain/group-by.js';
import type { Instant } from '../domain/instant.js';
import type { CustomerHolds, DueHolds } from '../domain/loaded.js';
import type { CartInStore, Needs, UserInStore } from '../domain/needs.js';
import type { Product } from '../domain/product.js';
import type { Reservation } from '../domain/reservation.js';
import type { Connection } from './database.js';
import type { DueUnits } from './due-units.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, slices, tuples, UNION_MAX, type Value } from './sql.js';

export const RESERVATION_COLUMNS =
  'id, store_id, cart_id, product_id, quantity, status, expires_at, confirmed_at, released_at, ' +
  'order_id, rental_id, customer_id, created_at, updated_at';

export function rowToReservation(row: Row): Reservation {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    cartId: text(row, 'cart_id'),
    productId: integer(row, 'product_id'),
    quantity: integer(row, 'quantity'),
    status: oneOf(row, 'status', RESERVATION_STATUSES),
    expiresAt: instant(row, 'expires_at'),
    confirmedAt: nullable(instant, row, 'confirmed_at'),
    releasedAt: nullable(instant, row, 'released_at'),
    orderId: nullable(text, row, 'order_id'),
    rentalId: nullable(text, row, 'rental_id'),
    customerId: nullable(text, row, 'customer_id'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
  };
}

/**
 * Reads the reservations that commands name, by id, by cart or by order; of what carts held before,
 * what expired since `lately`, and where it matters the last one, or any that shows that they ever
 * did: never all that a cart held in the years that it may be used. They need no lock of their own:
 * whoever changes one holds the lock of its product.
 */
export async function readReservations(
  connection: Connection,
  needs: Needs,
  lately: Instant,
): Promise<Reservation[]> {
  const { quote, dialect } = connection;
  const isLate = `expires_at >= ${quote(at(lately))}`;
  /** of what is found by cart */
  const conditions: string[] = [];
  for (const inStore of keysByStore(connection, needs.holds)) {
    conditions.push(`${inStore} AND active = 1`);
  }
  for (const inStore of keysByStore(connection, needs.lostHolds)) {
    conditions.push(
      `${inStore} AND active IS NULL AND ${isLate} AND status = 'expired' AND released_at IS NULL`,
    );
  }
  for (const { storeId, reservationId } of needs.cartsOf) {
    const cartId = `(SELECT cart_id FROM reservations WHERE id = ${quote(reservationId)})`;
    conditions.push(`store_id = ${storeId} AND cart_id = ${cartId} AND active = 1`);
  }
  for (const inCarts of cartsByStore(connection, [...needs.heldCarts, ...needs.carts])) {
    conditions.push(`${inCarts} AND active = 1`);
  }
  for (const inCarts of cartsByStore(connection, needs.carts)) {
    conditions.push(`${inCarts} AND active IS NULL AND ${isLate}`);
  }
  const byCart = dialect.byIndex('reservations_of_cart');
  // Each has an index of its own; with OR between them none would be used.
  const selects = conditions.map((condition) => selectWhere(condition, byCart));
  if (needs.reservationIds.length > 0) {
    selects.push(selectWhere(`id IN ${list(quote, needs.reservationIds)}`));
  }
  for (const { storeId, cartId } of needs.knownCarts) {
    // Any one will do.
    const inCart = `store_id = ${storeId} AND cart_id = ${quote(cartId)}`;
    selects.push(selectWhere(`id = (SELECT id FROM reservations WHERE ${inCart} LIMIT 1)`));
  }
  for (const { storeId, cartId, orderId } of needs.confirmations) {
    const ofOrder = `store_id = ${storeId} AND order_id = ${quote(orderId)}`;
    selects.push(selectWhere(`${ofOrder} AND cart_id = ${quote(cartId)}`));
  }
  selects.push(...lastHolds(connection, needs.lastHolds));
  const rows: Row[] = [];
  for (const some of slices(selects, UNION_MAX)) {
    for (const row of await connection.select(some.join(' UNION ALL '))) rows.push(row);
  }
  return rows.map(rowToReservation);
}

const selectWhere = (condition: string, byIndex = '') =>
  `SELECT ${RESERVATION_COLUMNS} FROM reservations${byIndex} WHERE ${condition}`;

/**
 * What is of any of these carts and products, a condition for each store: one for each cart and
 * product takes the server many times as long.
 */
function keysByStore({ quote }: Connection, keys: readonly HoldKey[]): string[] {
  return [...groupBy(keys, ({ storeId }) => storeId)].map(([storeId, group]) => {
    const cartIds = list(quote, [...new Set(group.map(({ cartId }) => cartId))]);
    const productIds = list(quote, [...new Set(group.map(({ productId }) => productId))]);
    return `store_id = ${storeId} AND cart_id IN ${cartIds} AND product_id IN ${productIds}`;
  });
}

function cartsByStore({ quote }: Connection, carts: readonly CartInStore[]): string[] {
  return [...groupBy(carts, ({ storeId }) => storeId)].map(([storeId, group]) => {
    const cartIds = list(quote, [...new Set(group.map(({ cartId }) => cartId))]);
    return `store_id = ${storeId} AND cart_id IN ${cartIds}`;
  });
}

/**
 * A query for each cart and product. The latest is what was made last, which need not have the
 * largest id: that is made before, by clocks that differ. The two are one expression so that no
 * index with one of them is read from its end instead of what is of the cart.
 */
function lastHolds({ quote, dialect }: Connection, keys: readonly HoldKey[]): string[] {
  const groups = groupBy(keys, (key) => `${key.storeId}:${key.productId}:${key.cartId}`);
  const made = dialect.concat('created_at', 'id');
  return [...groups.values()].map(([{ storeId, productId, cartId }], n) => {
    // SQLite takes ORDER BY within a UNION only in a query of its own.
    return (
      `SELECT * FROM (SELECT ${RESERVATION_COLUMNS} FROM reservations ` +
      `WHERE store_id = ${storeId} AND product_id = ${productId} AND cart_id = ${quote(cartId)} ` +
      `AND active IS NULL ORDER BY ${made} DESC LIMIT 1) AS last_${n}`
    );
  });
}

/**
 * Reads what is due on locked products. Products whose hint says that nothing can be are not
 * looked at.
 */
export async function readDueHolds(
  connection: Connection,
  products: readonly Product[],
  { now, needs, known }: { now: Instant; needs: Needs; known: DueUnits },
): Promise<{ dueHolds: DueHolds[]; reservations: Reservation[] }> {
  const some = products.filter(
    ({ nextHoldDueAt }) => nextHoldDueAt !== null && nextHoldDueAt <= now,
  );
  if (some.length === 0) return { dueHolds: [], reservations: [] };
  const sums = await addUpDueHolds(connection, some, { now, known });
  const isDue = `expires_at <= ${connection.quote(at(now))}`;
  const selects = some.flatMap((product) => {
    const limit = needs.dueHoldsOf(product);
    if (limit === 0) return [];
    // SQLite takes ORDER BY within a UNION only in a query of its own. In the order of the index
    // reservations_due nothing is sorted, and no more is read than the limit says.
    return [
      `SELECT * FROM (SELECT ${RESERVATION_COLUMNS} FROM reservations ` +
        `WHERE product_id = ${product.id} AND active = 1 AND ${isDue} ` +
        `ORDER BY expires_at, quantity, id LIMIT ${limit}) AS due_${product.id}`,
    ];
  });
  const reservations: Reservation[] = [];
  for (const union of slices(selects, UNION_MAX)) {
    const rows = await connection.select(union.join(' UNION ALL '));
    for (const row of rows) reservations.push(rowToReservation(row));
  }
  reservations.sort((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1));
  const byProduct = groupBy(reservations, ({ productId }) => productId);
  const dueHolds = sums.map((sum) => ({
    ...sum,
    reservationIds: (byProduct.get(sum.productId) ?? []).map(({ id }) => id),
  }));
  return { dueHolds, reservations };
}

/** Each product by itself: with its id written out, only what is due of the index is read. */
async function addUpDueHolds(
  connection: Connection,
  products: readonly Product[],
  { now, known }: { now: Instant; known: DueUnits },
): Promise<Omit<DueHolds, 'reservationIds'>[]> {
  const { quote } = connection;
  const found = products.map((product) => ({ product, before: known.find(product, now) }));
  const selects = found.map(({ product: { id }, before }) => {
    const active = `FROM reservations WHERE product_id = ${id} AND active = 1`;
    const since = before ? ` AND expires_at > ${quote(at(before.upTo))}` : '';
    return (
      `SELECT ${id} AS id, (SELECT COALESCE(SUM(quantity), 0) ${active} ` +
      `AND expires_at <= ${quote(at(now))}${since}) AS units, ` +
      `(SELECT MIN(expires_at) ${active} AND expires_at > ${quote(at(now))}) AS next_due_at`
    );
  });
  const rows = new Map<number, Row>();
  for (const union of slices(selects, UNION_MAX)) {
    for (const row of await connection.select(union.join(' UNION ALL '))) {
      rows.set(integer(row, 'id'), row);
    }
  }
  return found.map(({ product, before }) => {
    const row = rows.get(product.id);
    if (!row) throw new Error(`what is due on product ${product.id} was not answered`);
    const units = (before?.units ?? 0) + integer(row, 'units');
    known.keep(product, { units, upTo: now, countedAt: before?.countedAt ?? now });
    return { productId: product.id, units, nextDueAt: nullable(instant, row, 'next_due_at') };
  });
}

/**
 * Locks the rows of customers until the transaction ends, and makes those that are missing: one
 * that holds nothing may be purged at any time.
 */
export async function lockCustomers(
  connection: Connection,
  customers: readonly UserInStore[],
): Promise<void> {
  if (customers.length === 0) return;
  const wanted = new Map(customers.map((customer) => [userKey(customer), customer]));
  const locked = await lockThoseThere(connection, [...wanted.values()]);
  const missing = [...wanted.keys()].filter((key) => !locked.has(key)).sort();
  if (missing.length === 0) return;
  const rows = missing.map((key) => {
    const { storeId = 0, userId = '' } = wanted.get(key) ?? {};
    return [storeId, userId];
  });
  // One that another has made meanwhile is locked by overwriting it with what it is.
  await connection.run(
    `INSERT INTO customers (store_id, user_id) VALUES ${tuples(connection.quote, rows)}` +
      connection.dialect.overwrite('store_id, user_id', ['user_id']),
  );
}

/** Counts the holds of customers whose rows are locked. */
export async function countHoldsOfCustomers(
  connection: Connection,
  customers: readonly UserInStore[],
  now: Instant,
): Promise<CustomerHolds[]> {
  if (customers.length === 0) return [];
  const wanted = new Map(customers.map((customer) => [userKey(customer), customer]));
  const rows = await connection.select(
    `SELECT store_id, customer_id, COUNT(*) AS active_holds FROM reservations ` +
      `WHERE ${whereUsers(connection, 'customer_id', [...wanted.values()], ` AND active = 1 AND expires_at > ${connection.quote(at(now))}`)} ` +
      'GROUP BY store_id, customer_id',
  );
  const counts = new Map(
    rows.map((row) => [
      userKey({ storeId: integer(row, 'store_id'), userId: text(row, 'customer_id') }),
      integer(row, 'active_holds'),
    ]),
  );
  return [...wanted].map(([key, customer]) => ({
    ...customer,
    activeHolds: counts.get(key) ?? 0,
  }));
}

async function lockThoseThere(
  connection: Connection,
  customers: readonly UserInStore[],
): Promise<Set<string>> {
  const rows = await connection.select(
    `SELECT store_id, user_id FROM customers WHERE ${whereUsers(connection, 'user_id', customers, '')} ` +
      `ORDER BY store_id, user_id${connection.dialect.forUpdate}`,
  );
  return new Set(
    rows.map((row) => userKey({ storeId: integer(row, 'store_id'), userId: text(row, 'user_id') })),
  );
}

/** Which rows are these users', as an SQL condition; each user meets `andAlso` as well. */
export function whereUsers(
  connection: Connection,
  column: string,
  users: readonly UserInStore[],
  andAlso: string,
): string {
  return [...groupBy(users, ({ storeId }) => storeId)]
    .map(([storeId, some]) => {
      const userIds = list(
        connection.quote,
        some.map(({ userId }) => userId),
      );
      return `(store_id = ${storeId} AND ${column} IN ${userIds}${andAlso})`;
    })
    .join(' OR ');
}

export const userKey = ({ storeId, userId }: UserInStore) => `${storeId}:${userId}`;

/** Inserts new holds. Those of the same cart and product that are over must be saved before. */
export async function insertReservations(
  connection: Connection,
  reservations: readonly Reservation[],
): Promise<void> {
  for (const some of slices(reservations)) {
    await connection.run(
      `INSERT INTO reservations (${RESERVATION_COLUMNS}, active) VALUES ` +
        tuples(connection.quote, some.map(values)),
    );
  }
}

/**
 * Saves what became of holds. Never by an INSERT that overwrites: the key of active holds would
 * make it overwrite another one.
 */
export async function saveChangedReservations(
  connection: Connection,
  reservations: readonly Reservation[],
): Promise<void> {
  const { quote } = connection;
  // What is due can't be changed any more, so of what expired nothing else can differ, but that
  // its cart let go of it.
  const isJustExpired = (row: Reservation) => row.status === 'expired' && row.releasedAt === null;
  const expired = reservations.filter(isJustExpired);
  for (const group of groupBy(expired, ({ updatedAt }) => updatedAt).values()) {
    const [{ updatedAt }] = group;
    for (const some of slices(group)) {
      await connection.run(
        `UPDATE reservations SET status = 'expired', active = NULL, ` +
          `updated_at = ${quote(at(updatedAt))} WHERE id IN ${list(quote, idsOf(some))}`,
      );
    }
  }
  const others = reservations.filter((row) => !isJustExpired(row));
  for (const some of slices(others)) {
    const column = (name: string, value: (row: Reservation) => Value) => {
      const cases = some.map((row) => `WHEN ${quote(row.id)} THEN ${quote(value(row))}`);
      return `${name} = CASE id ${cases.join(' ')} END`;
    };
    await connection.run(
      `UPDATE reservations SET ${[
        column('quantity', (row) => row.quantity),
        column('status', (row) => row.status),
        column('active', activeOf),
        column('expires_at', (row) => at(row.expiresAt)),
        column('confirmed_at', (row) => at(row.confirmedAt)),
        column('released_at', (row) => at(row.releasedAt)),
        column('order_id', (row) => row.orderId),
        column('rental_id', (row) => row.rentalId),
        column('updated_at', (row) => at(row.updatedAt)),
      ].join(', ')} WHERE id IN ${list(quote, idsOf(some))}`,
    );
  }
}

const idsOf = (reservations: readonly Reservation[]) => reservations.map(({ id }) => id);

const activeOf = ({ status }: Reservation) => (status === 'reserved' ? 1 : null);

function values(reservation: Reservation): Value[] {
  return [
    reservation.id,
    reservation.storeId,
    reservation.cartId,
    reservation.productId,
    reservation.quantity,
    reservation.status,
    at(reservation.expiresAt),
    at(reservation.confirmedAt),
    at(reservation.releasedAt),
    reservation.orderId,
    reservation.rentalId,
    reservation.customerId,
    at(reservation.createdAt),
    at(reservation.updatedAt),
    activeOf(reservation),
  ];
}
