import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { syncQuantities } from '../../scripts/lib/sync-quantities.js';
import { quantityFunctions, RefusedError } from '../../src/quantities.js';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

describe.each(DATABASES)('npm run sync-quantities on %s', (kind) => {
  let service: Service;
  let admin: Client;
  const run = (...argv: string[]) =>
    runScript(syncQuantities, argv, { DATABASE_URL: service.testDatabase.url });

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
    await admin.post('/api/products', { sku: 'A', name: 'A', quantity: 3, publish: true });
    await admin.post('/api/rentals', { product_id: 'A', quantity: 2 });
    await service
      .client({ storeId: 2 })
      .post('/api/products', { sku: 'B', name: 'B', quantity: 1, publish: true });
  });
  afterAll(() => service.stop());

  it('exits with 0 where nothing has drifted', async () => {
    expect(await run()).toMatchObject({
      code: 0,
      output: 'Products looked at: 2. Nothing has drifted.',
    });
  });

  it('exits with 2 where something has, says what it means, and repairs it unless told not to', async () => {
    await service.rows.run(
      'UPDATE products SET quantity = 1, quantity_available = 0, quantity_rented = 1 WHERE id = 1',
    );
    const dry = await run('--dry-run');
    expect(dry.code).toBe(2);
    expect(dry.output).toMatch(/^A dry run: nothing was changed\. A repair would make it so:\n/);
    expect(dry.output).toContain('the owned count would be raised');
    expect(dry.output).not.toMatch(/ was raised| were? repaired, /);
    expect(dry.output).toMatch(
      /^1 +1 +1 → 2 +0 +0 +1 → 2 +available → rented_out +over_committed/m,
    );
    expect(dry.output).toContain('Products looked at: 2. Drifted: 1; nothing was repaired');
    const shown = await (await fetch(`${service.url}/metrics`)).text();
    expect(shown).toMatch(/^availability_last_sync_drifted_products 1$/m);
    expect(shown).toMatch(/^availability_last_sync_over_committed_products 1$/m);
    expect((await run('--store=2')).code).toBe(0);
    expect((await run('--product-id=2')).code).toBe(0);
    const wet = await run('--product-id=1');
    expect(wet.code).toBe(2);
    expect(wet.output).toContain('Products looked at: 1. Drifted: 1; all were repaired');
    expect(wet.output).toContain('the owned count was raised');
    expect(wet.output).not.toMatch(/would|dry run/);
    expect((await run('--deep')).code).toBe(0);
    expect((await admin.get('/api/products/1')).body).toMatchObject({
      quantity: 2,
      quantity_rented: 2,
      availability_status: 'rented_out',
    });
  });

  it('exits with 1 where there is no such product, and keeps no run of it', async () => {
    const runs = async () => (await admin.get('/api/products/sync-quantities/status')).body.data;
    const before = await runs();
    const missing = await run('--product-id=99');
    expect(missing).toMatchObject({ code: 1, said: ['There is no product 99.'] });
    const elsewhere = await run('--product-id=1', '--store=2');
    expect(elsewhere).toMatchObject({ code: 1, said: ['There is no product 1 in store 2.'] });
    const empty = await run('--store=9');
    expect(empty).toMatchObject({ code: 1, said: ['There are no products in store 9.'] });
    expect((await admin.post('/api/products/99/sync-quantity')).status).toBe(404);
    const { core } = service.app;
    const { syncProductQuantities } = quantityFunctions(core, { storeId: 1, actor: 'test' });
    await expect(syncProductQuantities(99)).rejects.toBeInstanceOf(RefusedError);
    expect(await runs()).toEqual(before);
  });

  it('exits with 1 where it fails', async () => {
    expect((await run('--product-id=x')).code).toBe(1);
    expect((await run('--nonsense')).code).toBe(1);
  });
});
