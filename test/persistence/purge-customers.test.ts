import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { purgeCustomers } from '../../src/persistence/purge-customers.js';
import { lockCustomers } from '../../src/persistence/reservations.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { type Service, startService } from '../helpers/service.js';

const HOLDS_MAX = 5;
const PRODUCTS = 12;

describe.each(DATABASES)('the rows that guard customers on %s', (kind) => {
  let database: TestDatabase;
  let copies: Service[];
  let service: Service;
  const skus = Array.from({ length: PRODUCTS }, (_, n) => `P-${n}`);

  beforeAll(async () => {
    database = await createDatabase(kind);
    const settings = { MAX_ACTIVE_HOLDS: String(HOLDS_MAX) };
    service = await startService(database, settings);
    copies = [service, await startService(database, settings)];
    for (const sku of skus) {
      const product = { sku, name: sku, quantity: 1_000, publish: true };
      await service.client().post('/api/products', product);
    }
  });
  afterAll(async () => {
    for (const copy of copies) await copy.stop();
    await database.drop();
  });

  const customer = (sub: string, by = service) => by.client({ sub, role: 'customer' });
  const hold = (sub: string, sku: string | undefined, by = service) =>
    customer(sub, by).post('/api/stock/reserve', { product_id: sku, quantity: 1 });
  const guarded = async () =>
    (await service.rows.select('SELECT user_id FROM customers ORDER BY user_id')).map(
      (row) => row['user_id'],
    );
  const purge = (rowsMax = 2) => purgeCustomers(service.rows, { rowsMax });

  it('go where nothing is held, page by page, and stay where anything is', async () => {
    for (const sub of ['a', 'b', 'c', 'd', 'e']) await hold(sub, 'P-0');
    for (const sub of ['a', 'c', 'e']) {
      await customer(sub).delete(`/api/reservations/cart/user:${sub}`);
    }
    expect(await guarded()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await purge()).toBe(3);
    expect(await guarded()).toEqual(['b', 'd']);
    expect(await purge()).toBe(0);
    // Who comes back is guarded again.
    expect((await hold('a', 'P-0')).status).toBe(200);
    expect(await guarded()).toEqual(['a', 'b', 'd']);
  });

  it('do not vanish under a command that has locked them', async () => {
    await hold('kept', 'P-0');
    await customer('kept').delete('/api/reservations/cart/user:kept');
    const command = await service.rows.begin();
    await lockCustomers(command, [{ storeId: 1, userId: 'kept' }]);
    const purged = purge(100);
    if (kind === 'mysql') {
      await purged;
      expect(await guarded()).toContain('kept');
    }
    await command.commit();
    // The embedded database takes one writer at a time: there it waited for the command.
    await purged;
    await purge(100);
    expect(await guarded()).not.toContain('kept');
  });

  it('can be purged at any moment, and no customer gets more holds than are allowed', async () => {
    let isOver = false;
    let removed = 0;
    const purging = (async () => {
      while (!isOver) removed += await purge(100);
    })();
    for (let round = 0; round < 8; round++) {
      const answers = await Promise.all(
        skus.map((sku, n) => hold('busy', sku, copies[n % copies.length])),
      );
      const codes = answers.map(({ status, body }) => body.code ?? status);
      expect(codes.filter((code) => code === 200)).toHaveLength(HOLDS_MAX);
      expect(codes.filter((code) => code === 'hold_limit_reached')).toHaveLength(
        PRODUCTS - HOLDS_MAX,
      );
      await customer('busy').delete('/api/reservations/cart/user:busy');
      const before = removed;
      while (removed === before) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    isOver = true;
    await purging;
    expect(removed).toBeGreaterThanOrEqual(8);
  }, 60_000);
});
