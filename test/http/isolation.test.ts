import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { tableCounts } from '../helpers/rows.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';
import { SURFACES } from '../helpers/surfaces.js';

/** What store 1 has. */
interface Theirs {
  readonly productId: number;
  readonly sku: string;
  readonly rentalId: string;
  readonly apiKeyId: string;
}

const NEW_PRODUCT = { sku: 'NEW', name: 'x', quantity: 1 };

/** For each route: requests of store 2 that name what is store 1's. A new route has to be added. */
const ATTEMPTS: Record<string, (client: Client, theirs: Theirs) => Promise<Answer>[]> = {
  createProduct: (client, { productId, sku }) => [
    client.post('/api/products', { ...NEW_PRODUCT, parent_id: productId }),
    client.post('/api/products', { ...NEW_PRODUCT, parent_id: sku }),
  ],
  createProducts: (client, { productId }) => [
    client.post('/api/products/batch', { products: [{ ...NEW_PRODUCT, parent_id: productId }] }),
  ],
  listProducts: (client, { productId, sku }) => [
    client.get('/api/products'),
    client.get(`/api/products?sku=${sku}`),
    client.get(`/api/products?parent_id=${productId}`),
    client.get(`/api/products?parent_id=${sku}`),
  ],
  getProduct: (client, { productId, sku }) => [
    client.get(`/api/products/${productId}`),
    client.get(`/api/products/${sku}`),
  ],
  updateProduct: (client, { productId, sku }) => [
    client.patch(`/api/products/${productId}`, { name: 'mine' }),
    client.patch(`/api/products/${productId}`, { name: 'mine' }, { 'If-Match': '"1"' }),
    client.patch(`/api/products/${sku}`, { name: 'mine' }),
  ],
  publishProduct: (client, { productId }) => [client.post(`/api/products/${productId}/publish`)],
  unpublishProduct: (client, { productId }) => [
    client.post(`/api/products/${productId}/unpublish`),
  ],
  getAvailability: (client, { productId }) => [
    client.get(`/api/products/${productId}/availability`),
  ],
  listMovements: (client, { productId, sku }) => [
    client.get(`/api/products/${productId}/movements`),
    client.get(`/api/products/${sku}/movements`),
  ],
  createRental: (client, { productId, sku }) => [
    client.post('/api/rentals', { product_id: productId }),
    client.post('/api/rentals', { product_id: productId, quantity: 1_000_000 }),
    client.post('/api/rentals', { product_id: sku }),
  ],
  listRentals: (client, { productId, sku }) => [
    client.get('/api/rentals'),
    client.get('/api/rentals?user_id=ann'),
    client.get(`/api/rentals?product_id=${productId}`),
    client.get(`/api/rentals?product_id=${sku}`),
  ],
  getRental: (client, { rentalId }) => [client.get(`/api/rentals/${rentalId}`)],
  cancelRental: (client, { rentalId }) => [client.post(`/api/rentals/${rentalId}/cancel`)],
  completeRental: (client, { rentalId }) => [client.post(`/api/rentals/${rentalId}/complete`)],
  listSyncRuns: (client) => [client.get('/api/products/sync-quantities/status')],
  syncQuantity: (client, { productId, sku }) => [
    client.post(`/api/products/${productId}/sync-quantity`),
    client.post(`/api/products/${sku}/sync-quantity?dry_run=true`),
  ],
  // Names nothing; that it leaves the drift of others alone is shown below.
  syncQuantities: () => [],
  createApiKey: () => [],
  // It is for the caller's own store; that the stream tells nothing of another: events/stream.
  createEventTicket: () => [],
  listApiKeys: (client) => [client.get('/api/api-keys')],
  revokeApiKey: (client, { apiKeyId }) => [client.delete(`/api/api-keys/${apiKeyId}`)],
};

describe.each(DATABASES)('one store from another on %s', (kind) => {
  let service: Service;
  let theirs: Theirs;
  let intruder: Client;

  beforeAll(async () => {
    service = await startService(kind);
    intruder = service.client({ storeId: 2 });
    const owner = service.client();
    const product = { sku: 'THEIRS', name: 'x', quantity: 3, publish: true };
    const { id, sku } = (await owner.post('/api/products', product)).body;
    const rental = { product_id: id, user_id: 'ann' };
    await owner.post('/api/products/sync-quantities');
    theirs = {
      productId: id,
      sku,
      rentalId: (await owner.post('/api/rentals', rental)).body.id,
      apiKeyId: (await owner.post('/api/api-keys', { name: 'k', role: 'admin' })).body.id,
    };
  });
  afterAll(() => service.stop());

  it('is tried on every route', () => {
    const routes = SURFACES.flatMap((surface) => surface.endpoints.map((e) => e.operationId));
    expect(Object.keys(ATTEMPTS).sort()).toEqual(routes.sort());
  });

  it.each(Object.keys(ATTEMPTS))(
    '%s: 404, or a list without it, and nothing changes',
    async (name) => {
      const before = await tableCounts(service.rows);
      const answers = await Promise.all(ATTEMPTS[name]?.(intruder, theirs) ?? []);
      for (const { status, body } of answers) {
        if (status === 200) expect(body).toEqual({ data: [], next_cursor: null });
        else expect(status).toBe(404);
      }
      expect(await tableCounts(service.rows)).toEqual(before);
    },
  );

  it('a customer of the same name in another store sees nothing either', async () => {
    const ann = service.client({ storeId: 2, sub: 'ann', role: 'customer' });
    expect((await ann.get('/api/rentals')).body.data).toEqual([]);
    expect((await ann.get(`/api/rentals/${theirs.rentalId}`)).status).toBe(404);
    expect((await ann.post(`/api/rentals/${theirs.rentalId}/cancel`)).status).toBe(404);
  });

  it('a sync neither sees nor mends what is wrong elsewhere', async () => {
    const drift = `UPDATE products SET quantity_available = 3, quantity_rented = 0 WHERE id = ${theirs.productId}`;
    await service.rows.run(drift);
    const { body } = await intruder.post('/api/products/sync-quantities');
    expect(body).toMatchObject({ total_products: 0, synced_products: 0, details: [] });
    const owner = service.client();
    const found = (await owner.post('/api/products/sync-quantities')).body;
    expect(found).toMatchObject({ total_products: 1, synced_products: 1 });
    const { run_id } = found;
    const runs = (await intruder.get('/api/products/sync-quantities/status')).body.data;
    expect(runs.map((run: { id: string }) => run.id)).not.toContain(run_id);
  });

  it('the same SKU may be had in both, and means each its own', async () => {
    const product = { sku: theirs.sku, name: 'mine', quantity: 9 };
    const { status, body } = await intruder.post('/api/products', product);
    expect(status).toBe(201);
    expect((await intruder.get(`/api/products/${theirs.sku}`)).body).toEqual(body);
    const owners = (await service.client().get(`/api/products/${theirs.sku}`)).body;
    expect(owners.id).toBe(theirs.productId);
  });
});
