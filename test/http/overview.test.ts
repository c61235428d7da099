import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readOverview } from '../../src/persistence/reads/overview.js';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)('GET /api/overview on %s', (kind) => {
  let service: Service;
  let admin: Client;
  beforeAll(async () => {
    service = await startService(kind, { LOW_STOCK_THRESHOLD: '2' });
    admin = service.client();
    const product = { name: 'x', publish: true };
    for (const [sku, quantity, more] of [
      ['MANY', 10, {}],
      ['FEW', 2, {}],
      ['OWN-THRESHOLD', 5, { low_stock_threshold: 5 }],
      ['NONE', 0, {}],
      ['DRAFT', 1, { publish: false }],
      ['DUE', 1, { low_stock_threshold: 0 }],
    ] as const) {
      await admin.post('/api/products', { ...product, sku, quantity, ...more });
    }
    const hold = { resellerProductId: 'MANY', quantity: 2 };
    await admin.post('/api/reservations', { ...hold, cartId: 'held' });
    const due = { resellerProductId: 'DUE', quantity: 1, expiresInMinutes: 0.001 };
    await admin.post('/api/reservations', { ...due, cartId: 'due' });
    const past = new Date(Date.now() - 60_000).toISOString();
    const rental = { product_id: 'MANY', ends_at: past, starts_at: '2026-01-01T00:00:00Z' };
    await admin.post('/api/rentals', rental);
    const { id } = (await admin.post('/api/rentals', { product_id: 'MANY', quantity: 3 })).body;
    await admin.post(`/api/rentals/${id}/complete`);
    await admin.post('/api/rentals', { product_id: 'NONE' });
    await admin.post('/api/rentals', { product_id: 'MANY', quantity: 100 });
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  afterAll(() => service.stop());

  it('tells products, units and what needs looking after, a hold that is due as free', async () => {
    const { activity, at, lowest, ...figures } = (await admin.get('/api/overview')).body;
    expect(figures).toEqual({
      products: { draft: 1, available: 4, rented_out: 1 },
      units: { quantity: 19, quantity_available: 16, quantity_reserved: 2, quantity_rented: 1 },
      low_products: 3,
      empty_products: 1,
      overdue_rentals: 1,
      low_stock_threshold: 2,
      last_sync: null,
    });
    const few = lowest.map((row: Record<string, unknown>) => [
      ...[row['sku'], row['quantity_available'], row['quantity'], row['threshold']],
    ]);
    expect(few).toEqual([
      ['NONE', 0, 0, 2],
      ['FEW', 2, 2, 2],
      ['OWN-THRESHOLD', 5, 5, 5],
    ]);
    const total = (what: string) =>
      activity.reduce(
        (sum: number, minute: Record<string, number>) => sum + (minute[what] ?? 0),
        0,
      );
    expect(['rentals', 'returns', 'holds', 'refusals'].map(total)).toEqual([2, 1, 2, 2]);
    expect(activity).toHaveLength(30);
    expect(Date.parse(activity.at(-1).at)).toBeLessThanOrEqual(Date.parse(at));
  });

  it('says of a minute that it was not counted where too much was done since', async () => {
    const busy = service.client({ storeId: 8 });
    await busy.post('/api/products', { sku: 'BUSY', name: 'x', quantity: 50, publish: true });
    for (let n = 0; n < 12; n++) await busy.post('/api/rentals', { product_id: 'BUSY' });
    const cart = { resellerProductId: 'BUSY', quantity: 1, cartId: 'c' };
    await busy.post('/api/reservations', cart);
    const lines = `store_id = 8 AND kind = 'rent'`;
    const oldest = `(SELECT MIN(id) + 4 FROM (SELECT id FROM movements WHERE ${lines}) AS those)`;
    await service.rows.run(
      `UPDATE movements SET created_at = ${service.rows.dialect.inSeconds(-600)} WHERE ${lines} AND id < ${oldest}`,
    );
    const countedOf = async (linesMax: number[]) => {
      const store = { storeId: 8, lowStockThreshold: 1, linesMax };
      const { activity } = await readOverview(service.rows, store);
      const rentals = activity.map((minute) => minute.rentals);
      const sum = rentals.reduce<number>((total, n) => total + (n ?? 0), 0);
      expect(activity.every(({ holds }) => holds !== null)).toBe(true);
      return { sum, known: rentals.filter((n) => n !== null).length };
    };
    expect(await countedOf([20])).toEqual({ sum: 12, known: 30 });
    expect(await countedOf([5, 20])).toEqual({ sum: 12, known: 30 });
    // Four lines of ten minutes ago: of eleven lines three are among them.
    const { sum, known } = await countedOf([5, 11]);
    expect(sum).toBe(8);
    expect([9, 10, 11]).toContain(known);
  });

  it('is read at most every two seconds, however many look', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => admin.get('/api/overview')));
    expect(new Set(answers.map(({ body }) => body.at)).size).toBe(1);
  });

  it('tells the last run of sync over all products, and what of its findings is not dealt with', async () => {
    const keeper = service.client({ storeId: 7 });
    const store = { storeId: 7, lowStockThreshold: 1 };
    const ids: number[] = [];
    for (const sku of ['DRIFT-1', 'DRIFT-2', 'DRIFT-3']) {
      const product = { sku, name: sku, quantity: 3, publish: true };
      ids.push((await keeper.post('/api/products', product)).body.id);
    }
    await service.rows.run(
      'UPDATE products SET quantity = 2, quantity_available = 2 WHERE store_id = 7',
    );
    const sync = (path: string) => keeper.post(`/api/products/${path}`);
    // As it is read: what is told may be two seconds old.
    const lastSync = async () => {
      const { lastSync: last } = await readOverview(service.rows, store);
      return last && [last.drifted, last.unrepaired];
    };
    await sync(`${ids[0]}/sync-quantity?dry_run=true`);
    expect(await lastSync()).toBeNull();
    await sync('sync-quantities?dry_run=true');
    await sync(`${ids[1]}/sync-quantity?dry_run=true`);
    expect(await lastSync()).toEqual([3, 3]);
    await sync(`${ids[0]}/sync-quantity`);
    expect(await lastSync()).toEqual([3, 2]);
    await sync('sync-quantities');
    expect(await lastSync()).toEqual([2, 0]);
    expect((await keeper.get('/api/overview')).body.last_sync).toMatchObject({
      ...{ dry_run: false, drifted_products: 2, unrepaired_products: 0 },
    });
  });

  it('tells a session whom its token or key speaks for', async () => {
    const ann = service.client({ sub: 'ann', role: 'customer', storeId: 3 });
    expect((await ann.get('/api/session')).body).toEqual({
      sub: 'ann',
      role: 'customer',
      store_id: 3,
      expires_at: expect.any(String),
    });
    const { id, key } = (await admin.post('/api/api-keys', { name: 'k', role: 'service' })).body;
    const response = await fetch(`${service.url}/api/session`, { headers: { 'X-Api-Key': key } });
    expect(await response.json()).toEqual({
      sub: `key:${id}`,
      role: 'service',
      store_id: 1,
      expires_at: null,
    });
  });
});
