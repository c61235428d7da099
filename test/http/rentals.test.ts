import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)('rentals on %s', (kind) => {
  let service: Service;
  let admin: Client;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  it('takes units of a product, and says what is left', async () => {
    await admin.post('/api/products', { sku: 'A', name: 'A', quantity: 3, publish: true });
    const rental = await admin.post('/api/rentals', { product_id: 'A', quantity: 2, user_id: 7 });
    expect(rental.status).toBe(201);
    expect(rental.body).toMatchObject({
      user_id: '7',
      quantity: 2,
      status: 'active',
      quantity_available: 1,
      availability_status: 'available',
    });
  });
});
