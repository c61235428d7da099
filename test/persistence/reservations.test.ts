import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Movement } from '../../src/domain/movement.js';
import { type Needs, needsOf } from '../../src/domain/needs.js';
import type { Product } from '../../src/domain/product.js';
import type { Rental } from '../../src/domain/rental.js';
import type { Reservation } from '../../src/domain/reservation.js';
import { batchStore } from '../../src/persistence/batch-store.js';
import { readCartItems, removeCartItems, saveCartItems } from '../../src/persistence/cart-items.js';
import { type Connection, type Database, openDatabase } from '../../src/persistence/database.js';
import { readTruths, scanForDrift } from '../../src/persistence/drift-scan.js';
import { DueUnits } from '../../src/persistence/due-units.js';
import { readClockAndRecords } from '../../src/persistence/idempotency-keys.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { appendMovements } from '../../src/persistence/movements.js';
import { lockProducts } from '../../src/persistence/products.js';
import { cartReads } from '../../src/persistence/reads/carts.js';
import { listAudit, listMovements } from '../../src/persistence/reads/movements.js';
import { productReads } from '../../src/persistence/reads/products.js';
import { listDueProducts, reservationReads } from '../../src/persistence/reads/reservations.js';
import { summariseStock } from '../../src/persistence/reads/stock.js';
import { insertRentals } from '../../src/persistence/rentals.js';
import {
  countHoldsOfCustomers,
  insertReservations,
  lockCustomers,
  readDueHolds,
  readReservations,
  saveChangedReservations,
} from '../../src/persistence/reservations.js';
import { instant } from '../../src/persistence/rows.js';
import { at } from '../../src/persistence/sql.js';
import {
  addToCart,
  confirmCart,
  expire,
  extend,
  line,
  rent,
  reserve,
  saleLine,
  sell,
} from '../helpers/commands.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { counters } from '../helpers/law.js';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const PRODUCTS = 300;
/** more rows than one statement takes */
const MANY = 1_500;
const MOST_USED = 1;

/** The same id for the same number, in the order of the numbers. */
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const hold = (n: number, given: Partial<Reservation> = {}): Reservation => ({
  id: idOf(n),
  storeId: 1,
  cartId: `cart ${n}`,
  productId: MOST_USED,
  quantity: 1,
  status: 'reserved',
  expiresAt: NOW + 60_000,
  confirmedAt: null,
  releasedAt: null,
  orderId: null,
  rentalId: null,
  customerId: null,
  createdAt: NOW - 1000,
  updatedAt: NOW - 1000,
  ...given,
});

describe.each(DATABASES)('reservations on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
    database = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
    await createMigrator(database, testDatabase.target).up();
    await database.run(`INSERT INTO stores (id, created_at) VALUES (1, '2026-01-01 00:00:00.000')`);
    const products = Array.from(
      { length: PRODUCTS },
      (_, n) =>
        `(${n + 1}, 1, 'SKU-${n + 1}', 'Tent', 9000, 0, 9000, 0, 'rented_out', 1, '${at(NOW)}', '${at(NOW)}')`,
    );
    await database.run(
      'INSERT INTO products (id, store_id, sku, name, quantity, quantity_available, quantity_reserved, ' +
        `quantity_rented, availability_status, version, created_at, updated_at) VALUES ${products}`,
    );
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  async function withRows<T>(rows: readonly Reservation[], look: () => Promise<T>): Promise<T> {
    await database.run('DELETE FROM reservations');
    await insertReservations(database, rows);
    return look();
  }
  const stored = async () => {
    const rows = await readReservations(database, needs({ reservationIds: everyId }), 0);
    return new Map(rows.map((row) => [row.id, row]));
  };
  const everyId = Array.from({ length: 50 }, (_, n) => idOf(n));
  const needs = (given: Partial<Needs>): Needs => ({ ...needsOf([]), ...given });
  const idsRead = async (given: Partial<Needs>, lately = NOW - 5000) => {
    const rows = await readReservations(database, needs(given), lately);
    return [...new Set(rows.map(({ id }) => id))].sort();
  };

  it('are read as they were written, whatever their cart is called', async () => {
    const rows = ['user:ann', "O'Hara \\ %_", '日本 😀', 'CART', 'cart'].map((cartId, n) =>
      hold(n, { cartId, customerId: cartId, orderId: n === 0 ? 'order' : null }),
    );
    await withRows(rows, async () => {
      expect([...(await stored()).values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(rows);
      const holds = rows.map(({ storeId, productId, cartId }) => ({ storeId, productId, cartId }));
      expect(await idsRead({ holds })).toEqual(rows.map(({ id }) => id));
      const [{ storeId, productId } = hold(0)] = rows;
      expect(await idsRead({ holds: [{ storeId, productId, cartId: 'Cart' }] })).toEqual([]);
    });
  });

  it('are read by id, by cart, by product and cart, and by order, each no more than is needed', async () => {
    const over = { status: 'expired' as const };
    const rows = [
      hold(1, { cartId: 'c' }),
      hold(2, { cartId: 'c', productId: 2 }),
      hold(3, { cartId: 'c', ...over, expiresAt: NOW - 5000 }),
      hold(4, { cartId: 'c', ...over, expiresAt: NOW - 5001 }),
      hold(5, { cartId: 'd', status: 'confirmed', orderId: 'o', expiresAt: NOW - 9000 }),
      hold(6, { cartId: 'e', status: 'confirmed', orderId: 'o' }),
      hold(7, { cartId: 'c', productId: 3, expiresAt: NOW - 9000 }),
    ];
    const c = { storeId: 1, cartId: 'c' };
    await withRows(rows, async () => {
      const some: [Partial<Needs>, number[]][] = [
        [{}, []],
        [{ reservationIds: [idOf(4), idOf(9)] }, [4]],
        [{ holds: [{ ...c, productId: 1 }] }, [1]],
        [{ lostHolds: [{ ...c, productId: 1 }] }, [3]],
        [{ lostHolds: [{ ...c, productId: 2 }] }, []],
        [{ heldCarts: [c] }, [1, 2, 7]],
        [{ carts: [c] }, [1, 2, 3, 7]],
        [{ carts: [{ ...c, storeId: 2 }] }, []],
        [{ cartsOf: [{ storeId: 1, reservationId: idOf(4) }] }, [1, 2, 7]],
        [{ cartsOf: [{ storeId: 2, reservationId: idOf(4) }] }, []],
        [{ confirmations: [{ storeId: 1, cartId: 'd', orderId: 'o' }] }, [5]],
        [
          { carts: [c], confirmations: [{ storeId: 1, cartId: 'e', orderId: 'o' }] },
          [1, 2, 3, 6, 7],
        ],
      ];
      for (const [given, expected] of some)
        expect(await idsRead(given)).toEqual(expected.map(idOf));
    });
  });

  it('are read of what a cart lost of a product lately, and has not let go of', async () => {
    const lost = { cartId: 'c', status: 'expired' as const, expiresAt: NOW - 5000 };
    const rows = [
      hold(1, { ...lost, expiresAt: NOW - 5001 }),
      hold(2, lost),
      hold(3, { ...lost, releasedAt: NOW }),
      hold(4, { ...lost, status: 'confirmed', rentalId: idOf(99) }),
      hold(5, { ...lost, status: 'released', releasedAt: NOW }),
      hold(6, { ...lost, cartId: 'd' }),
      hold(7, { ...lost, storeId: 2 }),
    ];
    await withRows(rows, async () => {
      const lostHolds = [{ storeId: 1, productId: MOST_USED, cartId: 'c' }];
      expect(await idsRead({ lostHolds })).toEqual([idOf(2)]);
    });
  });

  it('are read of the years that a cart held a product only where it is the latest', async () => {
    const years = Array.from({ length: 400 }, (_, n) =>
      hold(n, {
        cartId: 'c',
        status: n % 2 === 0 ? 'confirmed' : 'released',
        createdAt: NOW - (1000 - n) * 60_000,
        expiresAt: NOW - (1000 - n) * 60_000 + 1000,
      }),
    );
    // It was made after the other, and has the smaller id.
    const last = hold(400, { cartId: 'c', status: 'expired', createdAt: NOW });
    const beforeLast = hold(401, { cartId: 'c', status: 'released', createdAt: NOW - 1 });
    const others = [
      hold(402, { cartId: 'c', productId: 2, status: 'released' }),
      hold(403, { cartId: 'c', productId: 2, status: 'confirmed' }),
      hold(404, { cartId: 'd', status: 'confirmed', createdAt: NOW + 1 }),
      hold(405, { cartId: 'c', storeId: 2, status: 'confirmed', createdAt: NOW + 1 }),
      hold(406, { cartId: 'c', createdAt: NOW + 1 }),
    ];
    await withRows([...years, beforeLast, last, ...others], async () => {
      const c = { storeId: 1, productId: MOST_USED, cartId: 'c' };
      expect(await idsRead({ lastHolds: [c, c] })).toEqual([last.id]);
      const two = [c, { ...c, productId: 2 }];
      expect(await idsRead({ lastHolds: two })).toEqual([last.id, idOf(403)]);
      expect(await idsRead({ lastHolds: [{ ...c, cartId: 'nobody' }] })).toEqual([]);
    });
  });

  it('are read and saved in more statements than one, where they are more than it takes', async () => {
    const rows = Array.from({ length: MANY }, (_, n) =>
      hold(n, { productId: (n % PRODUCTS) + 1, cartId: `cart ${n}` }),
    );
    await withRows(rows, async () => {
      const holds = rows.map(({ storeId, productId, cartId }) => ({ storeId, productId, cartId }));
      expect(await idsRead({ holds })).toHaveLength(MANY);
      const half = rows.map((row, n) => ({
        ...row,
        quantity: 2,
        status: n % 2 === 0 ? ('released' as const) : ('expired' as const),
      }));
      await saveChangedReservations(database, half);
      expect(await idsRead({ holds })).toHaveLength(0);
      expect(await idsRead({ lastHolds: holds })).toHaveLength(MANY);
      const [{ count } = { count: 0 }] = await database.select(
        `SELECT COUNT(*) AS count FROM reservations WHERE status = 'released' AND quantity = 2`,
      );
      expect(Number(count)).toBe(MANY / 2);
    });
  });

  it('are saved as they became, several kinds of change at once', async () => {
    const before = [1, 2, 3, 4, 5].map((n) => hold(n, { quantity: 4 }));
    const [one, two, three, four, five] = before as [
      Reservation,
      Reservation,
      Reservation,
      Reservation,
      Reservation,
    ];
    const after = [
      { ...one, quantity: 2, expiresAt: NOW + 90_000, updatedAt: NOW },
      // changed, and then released, in one batch
      {
        ...two,
        quantity: 3,
        expiresAt: NOW + 5,
        status: 'released',
        releasedAt: NOW,
        updatedAt: NOW,
      },
      { ...three, status: 'expired', updatedAt: NOW },
      {
        ...four,
        quantity: 1,
        status: 'confirmed',
        confirmedAt: NOW,
        orderId: 'o',
        rentalId: idOf(99),
        updatedAt: NOW,
      },
      { ...five, status: 'expired', updatedAt: NOW + 1 },
    ] satisfies Reservation[];
    await withRows(before, async () => {
      await saveChangedReservations(database, after);
      const rows = await stored();
      expect(after.map(({ id }) => rows.get(id))).toEqual(after);
      expect(rows.size).toBe(after.length);
    });
  });

  it('are one for each cart and product while they are active, and any number once over', async () => {
    const same = { cartId: 'c' };
    const rows = [
      hold(1, { ...same, status: 'released' }),
      hold(2, { ...same, status: 'expired' }),
    ];
    await withRows([...rows, hold(3, same), hold(4, { ...same, productId: 2 })], async () => {
      await expect(insertReservations(database, [hold(5, same)])).rejects.toThrow();
      await saveChangedReservations(database, [hold(3, { ...same, status: 'released' })]);
      await insertReservations(database, [hold(5, same)]);
      expect(await idsRead({ holds: [{ storeId: 1, productId: 1, cartId: 'c' }] })).toEqual([
        idOf(5),
      ]);
    });
  });

  it('that are due are read in order, as many as are needed, with all their units', async () => {
    const due = [
      hold(1, { expiresAt: NOW - 10, quantity: 4 }),
      hold(2, { expiresAt: NOW - 20, quantity: 2 }),
      hold(3, { expiresAt: NOW, quantity: 1 }),
    ];
    const others = [
      hold(4, { expiresAt: NOW + 1 }),
      hold(5, { expiresAt: NOW + 2 }),
      hold(6, { expiresAt: NOW - 30, status: 'expired' }),
      hold(7, { expiresAt: NOW - 5, productId: 2 }),
      hold(8, { expiresAt: NOW + 5, productId: 3 }),
    ];
    await withRows([...due, ...others], async () => {
      const rows = await lockProducts(database, [1, 2, 3, 4]);
      const hinted = (hints: Record<number, number>): Product[] =>
        rows.map((row) => ({ ...row, nextHoldDueAt: hints[row.id] ?? null }));
      const read = (products: Product[], commands: Parameters<typeof needsOf>[0]) =>
        readDueHolds(database, products, {
          now: NOW,
          needs: needsOf(commands),
          known: new DueUnits(),
        });

      const hints = { 1: NOW - 20, 2: NOW + 1, 3: NOW, 4: NOW };
      const { dueHolds, reservations } = await read(hinted(hints), [rent(1), expire(1)]);
      expect(reservations.map(({ id }) => id)).toEqual([idOf(2), idOf(1)]);
      expect(dueHolds).toEqual([
        { productId: 1, units: 7, reservationIds: [idOf(2), idOf(1)], nextDueAt: NOW + 1 },
        { productId: 3, units: 0, reservationIds: [], nextDueAt: NOW + 5 },
        { productId: 4, units: 0, reservationIds: [], nextDueAt: null },
      ]);
      const none = await read(hinted(hints), []);
      expect(none.dueHolds[0]).toMatchObject({ units: 7, reservationIds: [] });
      expect(await read(hinted({}), [rent(1)])).toEqual({ dueHolds: [], reservations: [] });
    });
  });

  it('that are due are added up once for a version of their product', async () => {
    const rows = [
      hold(1, { expiresAt: NOW - 10, quantity: 4 }),
      hold(2, { expiresAt: NOW + 3, quantity: 2 }),
    ];
    await withRows(rows, async () => {
      const known = new DueUnits();
      const [row] = await lockProducts(database, [1]);
      const version = row?.version ?? 0;
      const unitsDue = async (now: number, version: number) => {
        const products = row ? [{ ...row, version, nextHoldDueAt: NOW - 10 }] : [];
        const read = { now, needs: needsOf([rent(1)]), known };
        return (await readDueHolds(database, products, read)).dueHolds[0]?.units;
      };
      // What no command did is how the test sees whether anything was added up again.
      const edit = (quantity: number) =>
        database.run(`UPDATE reservations SET quantity = ${quantity} WHERE id = '${idOf(1)}'`);

      expect(await unitsDue(NOW, version)).toBe(4);
      await edit(30);
      expect(await unitsDue(NOW + 2, version)).toBe(4);
      expect(await unitsDue(NOW + 3, version)).toBe(4 + 2);
      known.left(1, { version: version + 1, units: 5 });
      expect(await unitsDue(NOW + 4, version + 1)).toBe(5);
      expect(await unitsDue(NOW + 4, version + 2)).toBe(30 + 2);
      await edit(40);
      expect(await unitsDue(NOW + 10_003, version + 2)).toBe(30 + 2);
      expect(await unitsDue(NOW + 10_004, version + 2)).toBe(40 + 2);
    });
  });

  it('that are due are read for more products than one statement takes', async () => {
    const rows = Array.from({ length: PRODUCTS }, (_, n) =>
      hold(n, { productId: n + 1, expiresAt: NOW - n }),
    );
    await withRows(rows, async () => {
      const ids = rows.map(({ productId }) => productId);
      const products = await lockProducts(database, ids);
      const { dueHolds, reservations } = await readDueHolds(
        database,
        products.map((product) => ({ ...product, nextHoldDueAt: NOW - PRODUCTS })),
        {
          now: NOW,
          needs: needsOf([
            reserve(
              'set',
              ids.map((productId) => line(1, { productId })),
            ),
          ]),
          known: new DueUnits(),
        },
      );
      expect(dueHolds).toHaveLength(PRODUCTS);
      expect(reservations.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).reverse());
    });
  });

  it('are counted for customers whose rows are locked: those that are not due, in each store', async () => {
    const anns = { customerId: 'ann' };
    const rows = [
      hold(1, anns),
      hold(2, anns),
      hold(3, { ...anns, expiresAt: NOW }),
      hold(4, { ...anns, status: 'released' }),
      hold(5, { ...anns, storeId: 2 }),
      hold(6, { customerId: 'Ann' }),
    ];
    await withRows(rows, async () => {
      const customers = [
        { storeId: 1, userId: 'ann' },
        { storeId: 1, userId: 'bob' },
        { storeId: 2, userId: 'ann' },
        { storeId: 1, userId: 'ann' },
      ];
      for (let time = 0; time < 2; time++) await lockCustomers(database, customers);
      expect(await countHoldsOfCustomers(database, customers, NOW)).toEqual([
        { storeId: 1, userId: 'ann', activeHolds: 2 },
        { storeId: 1, userId: 'bob', activeHolds: 0 },
        { storeId: 2, userId: 'ann', activeHolds: 1 },
      ]);
      const there = await database.select('SELECT store_id, user_id FROM customers');
      expect(there).toHaveLength(3);
      expect(await countHoldsOfCustomers(database, [], NOW)).toEqual([]);
    });
  });

  it('are decided on at a time after the wait for the customer, not before', async () => {
    const ann = { storeId: 1, userId: 'ann' };
    await lockCustomers(database, [ann]);
    const other = await database.begin();
    await lockCustomers(other, [ann]);
    const store = batchStore(database, { holdMaxMs: 1000 }, { locked() {}, committed() {} });
    const loaded = (async () => {
      const transaction = await store.begin();
      const { now } = await transaction.load(needs({ customers: [ann] }));
      await transaction.rollback();
      return now;
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { now: released } = await readClockAndRecords(other, []);
    await other.rollback();
    expect(await loaded).toBeGreaterThanOrEqual(released);
  });

  it('are summed up for metrics: those that promise something, and those that are due', async () => {
    const { now } = database.dialect;
    const [row] = await database.select(`SELECT ${now} AS now`);
    const real = instant(row ?? {}, 'now');
    const rows = [
      hold(1, { expiresAt: real + 60_000, quantity: 3 }),
      hold(2, { expiresAt: real - 9000, quantity: 2 }),
      hold(3, { expiresAt: real - 5000, quantity: 2 }),
      hold(4, { expiresAt: real - 90_000, status: 'expired' }),
    ];
    await withRows(rows, async () => {
      await database.run(
        `UPDATE products SET next_hold_due_at = '${at(real - 9000)}' WHERE id = 1`,
      );
      const { holds } = await summariseStock(database, { lowStockThreshold: 10 });
      expect(holds).toMatchObject({ active: { holds: 1, units: 3 }, due: { holds: 2, units: 4 } });
      expect(holds.oldestDueSeconds).toBeGreaterThanOrEqual(9);
      expect(holds.oldestDueSeconds).toBeLessThan(60);
      expect(await listDueProducts(database, { storeId: null, limit: 4, except: [] })).toEqual([
        { id: 1, storeId: 1 },
      ]);
      expect(await listDueProducts(database, { storeId: 2, limit: 4, except: [] })).toEqual([]);
      expect(await listDueProducts(database, { storeId: 1, limit: 4, except: [1] })).toEqual([]);
      await database.run('UPDATE products SET next_hold_due_at = NULL');
    });
  });

  it('keep lines of carts: one for each user and product, saved over, removed by id', async () => {
    const item = (n: number, userId = 'ann') => ({
      id: idOf(n),
      storeId: 1,
      userId,
      productId: n,
      quantity: n,
      priceAmount: null,
      shippingAmount: 5,
      createdAt: NOW,
      updatedAt: NOW,
    });
    const keyOf = ({ storeId, userId, productId }: ReturnType<typeof item>) => ({
      storeId,
      userId,
      productId,
    });
    const items = [item(1), item(2), item(3, 'bob')];
    await saveCartItems(database, items);
    const changed = { ...item(2), quantity: 7, priceAmount: 12, updatedAt: NOW + 1 };
    await saveCartItems(database, [changed]);
    await removeCartItems(database, [idOf(1)]);
    const found = await readCartItems(database, items.map(keyOf));
    expect(found.sort((a, b) => a.productId - b.productId)).toEqual([changed, item(3, 'bob')]);
    expect(await readCartItems(database, [{ ...keyOf(item(3)), userId: 'ann' }])).toEqual([]);
  });

  describe('are found by an index, by', () => {
    beforeAll(async () => {
      // Many carts, products and customers, and far more that is over than is not.
      const rows = Array.from({ length: 6000 }, (_, n) =>
        hold(n, {
          productId: (n % PRODUCTS) + 1,
          customerId: `user ${n % 400}`,
          ...(n % 3 === 0 ? {} : { status: 'confirmed' as const, orderId: `order ${n}` }),
        }),
      );
      await withRows(rows, async () => undefined);
      await saveCartItems(
        database,
        Array.from({ length: 3000 }, (_, n) => ({
          id: idOf(10_000 + n),
          storeId: 1,
          userId: `user ${n}`,
          productId: (n % PRODUCTS) + 1,
          quantity: 1,
          priceAmount: null,
          shippingAmount: null,
          createdAt: NOW,
          updatedAt: NOW,
        })),
      );
      await insertRentals(
        database,
        Array.from({ length: 3000 }, (_, n) => rental(n)),
      );
      await appendMovements(
        database,
        Array.from({ length: 3000 }, (_, n) => movement(n)),
      );
      const users = Array.from({ length: 3000 }, (_, n) => `(1, 'user ${n}')`);
      await database.run(`INSERT INTO customers (store_id, user_id) VALUES ${users}`);
      // A few variants each: where no product has a parent, no index on it could help.
      await database.run('UPDATE products SET parent_id = (id % 4) + 1 WHERE id > 10');
      const tables = [
        'reservations',
        'products',
        'cart_items',
        'customers',
        'movements',
        'rentals',
      ];
      for (const table of tables) {
        await database.run(kind === 'sqlite' ? `ANALYZE ${table}` : `ANALYZE TABLE ${table}`);
      }
    });

    const rental = (n: number): Rental => ({
      id: idOf(n),
      storeId: 1,
      productId: (n % PRODUCTS) + 1,
      userId: null,
      quantity: 1,
      status: n % 2 === 0 ? 'active' : 'completed',
      startsAt: null,
      endsAt: null,
      orderId: null,
      reservationId: null,
      createdAt: NOW,
      completedAt: null,
      cancelledAt: null,
      cancelReason: null,
      overdueAt: null,
    });
    const movement = (n: number): Movement => ({
      storeId: 1,
      productId: (n % PRODUCTS) + 1,
      commandId: idOf(n),
      kind: n % 2 === 0 ? 'reserve' : 'rent',
      delta: counters(0, 0, 0, 0),
      after: counters(9000, 0, 9000, 0),
      rentalId: null,
      reservationId: idOf(n),
      orderId: null,
      reason: null,
      actor: 'admin',
      createdAt: NOW,
    });
    const c = { storeId: 1, cartId: 'cart 3' };
    const reserved = hold(3);
    const commands = {
      holds: [reserve('set', [line(1, { productId: 4, cartId: 'cart 3' })], { ownerId: 'user 3' })],
      carts: [confirmCart('order 4', { cartId: 'cart 3' })],
      sales: [sell([saleLine(1, { holdMustExist: true })], { boughtBy: 'user 3' })],
      names: [extend(idOf(3), 1, { ownerId: 'user 3' })],
      items: [addToCart(1, { userId: 'user 3' })],
    };
    const loads = Object.entries(commands).map(
      ([name, some]) =>
        [
          `what a command loads: ${name}`,
          async (on: Database) => {
            const needs = needsOf(some);
            await readReservations(on, needs, NOW - 5000);
            await lockCustomers(on, needs.customers);
            await countHoldsOfCustomers(on, needs.customers, NOW);
            await readCartItems(on, needs.cartItems);
          },
        ] as const,
    );
    const dueOn = (on: Connection) =>
      lockProducts(on, [1, 2]).then((products) =>
        readDueHolds(
          on,
          products.map((product) => ({ ...product, nextHoldDueAt: NOW })),
          {
            now: NOW,
            needs: needsOf([rent(1), rent(1, { productId: 2 }), expire(1)]),
            known: new DueUnits(),
          },
        ),
      );
    const audit = { storeId: 1, productId: null, reservationId: null, before: null, limit: 20 };

    type Query = readonly [string, (on: Database) => Promise<unknown>];
    const queries: Query[] = [
      ...loads,
      ['what is due on products', dueOn],
      [
        'changes of holds',
        (on) => saveChangedReservations(on, [reserved, hold(6, { status: 'expired' })]),
      ],
      ['lines of carts that go', (on) => removeCartItems(on, [idOf(10_001)])],
      ['a reservation', (on) => reservationReads(on).find(1, idOf(3))],
      ['what a cart holds', (on) => reservationReads(on).heldByCart(c.storeId, c.cartId)],
      ["a user's cart", (on) => cartReads(on)(1, 'user 3')],
      ['what is told of a product', (on) => productReads(on).find(1, 3)],
      ["a product's variants", (on) => productReads(on).listVariants(1, 3)],
      [
        'products with due holds',
        (on) => listDueProducts(on, { storeId: 1, limit: 4, except: [1] }),
      ],
      ['the truth of products', (on) => readTruths(on, [1, 2], { deep: true })],
      [
        'drift, page by page',
        (on) =>
          scanForDrift(
            on,
            { storeId: null, productId: null, deep: false },
            { after: 0, limit: 50 },
          ),
      ],
      ['the audit', (on) => listAudit(on, { ...audit, kinds: ['reserve', 'expire'] })],
      [
        'the audit of a reservation',
        (on) => listAudit(on, { ...audit, kinds: ['reserve'], reservationId: idOf(3) }),
      ],
      [
        "a product's log",
        (on) => listMovements(on, { productId: 3, kinds: ['reserve'], before: null, limit: 20 }),
      ],
    ];
    it.each(queries)('%s', async (_, query) => {
      const statements = await statementsOf(query);
      const scanned: unknown[] = [];
      for (const sql of statements.filter((one) => !one.startsWith('INSERT'))) {
        scanned.push(...(await scansOf(sql)));
      }
      expect(statements.length).toBeGreaterThan(0);
      expect(scanned).toEqual([]);
    });

    it('its cart, where the latest of what it held of a product is asked for', async () => {
      const lastHolds = [{ storeId: 1, productId: 5, cartId: 'cart 4' }];
      const statements = await statementsOf((on) =>
        readReservations(on, needs({ lastHolds }), NOW),
      );
      expect(statements).toHaveLength(1);
      const explain = kind === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
      const plan = JSON.stringify(await database.select(`${explain} ${statements[0]}`));
      // On SQLite the index is one that the table's constraint made.
      expect(plan).toMatch(
        kind === 'sqlite' ? /cart_id=\?/ : /"key":"reservations_(hold|of_cart)"/,
      );
    });

    /** What a query sends to the database. */
    async function statementsOf(query: (on: Database) => Promise<unknown>): Promise<string[]> {
      const statements: string[] = [];
      const noted = {
        ...database,
        select: (sql: string) => {
          statements.push(sql);
          return database.select(sql);
        },
        run: (sql: string) => {
          statements.push(sql);
          return database.run(sql);
        },
      };
      await query(noted);
      return statements;
    }

    /** The tables that a statement reads from end to end. */
    async function scansOf(sql: string): Promise<unknown[]> {
      if (kind === 'sqlite') {
        const plan = await database.select(`EXPLAIN QUERY PLAN ${sql}`);
        return plan
          .map(({ detail }) => String(detail))
          .filter(
            (detail) =>
              /^SCAN \w+/.test(detail) &&
              !/SCAN (m|of_\w+|(due|last)_\d+|\(sub\w+|CONSTANT)\b/.test(detail),
          )
          .filter((detail) => !/USING .*INDEX/.test(detail));
      }
      const plan = await database.select(`EXPLAIN ${sql}`);
      return plan
        .filter(({ type, table }) => type === 'ALL' && !/^<|^of_|^due_/.test(String(table)))
        .map(({ table, rows }) => ({ table, rows, sql }));
    }
  });
});
