import { describe, expect, it } from '@jest/globals';
import { copyDatabase } from '../../src/persistence/copy.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { createDatabase, type TestDatabase } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';

const ROUTES = [
  ['sqlite', 'mysql'],
  ['mysql', 'sqlite'],
] as const;

describe.each(ROUTES)('copying a database from %s to %s', (fromKind, toKind) => {
  it('brings over every row, after which the service goes on where it was', async () => {
    const old = await startService(fromKind);
    const admin = old.client();
    const product = { sku: 'Ünïcode 🚲', name: "O'Brien \\ ; --", quantity: 3, publish: true };
    await admin.post('/api/products', product, { 'Idempotency-Key': 'once' });
    await admin.post('/api/products', { sku: 'child', name: 'c', quantity: 0, parent_id: 1 });
    const rental = await admin.post('/api/rentals', {
      product_id: 1,
      quantity: 2,
      ends_at: '2026-01-02T03:04:05.678Z',
    });
    const target = await createDatabase(toKind);
    await withDatabase(target, async (to) => {
      await createMigrator(to, target.target).up();
      await copyDatabase(old.rows, to, () => {});
      await expect(copyDatabase(old.rows, to, () => {})).rejects.toThrow('The target is not empty');
    });

    const copy = await startService(target);
    const client = copy.client();
    const before = await admin.get(`/api/rentals/${rental.body.id}`);
    const after = await client.get(`/api/rentals/${rental.body.id}`);
    expect(after.body).toEqual(before.body);
    expect((await client.get('/api/products')).body).toEqual(
      (await admin.get('/api/products')).body,
    );
    expect((await client.get('/api/products/1/movements')).body).toEqual(
      (await admin.get('/api/products/1/movements')).body,
    );
    const repeated = await client.post('/api/products', product, { 'Idempotency-Key': 'once' });
    expect(repeated.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await client.post('/api/products', { ...product, sku: 'n' })).body.id).toBe(3);

    await copy.stop();
    await target.drop();
    await old.stop();
  });
});

async function withDatabase(on: TestDatabase, use: (database: Database) => Promise<void>) {
  const database = openDatabase(on.target, { poolMax: 2, queryTimeoutMs: 10_000 });
  await use(database).finally(() => database.close());
}
