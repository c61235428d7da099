import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupReservations } from '../../scripts/lib/cleanup-reservations.js';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

describe.each(DATABASES)('npm run cleanup-reservations on %s', (kind) => {
  let service: Service;
  const run = () => runScript(cleanupReservations, [], { DATABASE_URL: service.testDatabase.url });

  beforeAll(async () => {
    service = await startService(kind);
  });
  afterAll(() => service.stop());

  async function hold(client: Client, cartId: string, expiresInMinutes: number) {
    const reservation = { cartId, resellerProductId: 'A', quantity: 2, expiresInMinutes };
    return (await client.post('/api/reservations', reservation)).body.id;
  }
  const lines = async (client: Client) =>
    (await client.get('/api/audit?action=RESERVATION_RELEASED')).body.data;

  it('ends what is due in all stores, and nothing else; a second run finds nothing', async () => {
    const clients = [1, 2].map((storeId) => service.client({ storeId }));
    for (const client of clients) {
      await client.post('/api/products', { sku: 'A', name: 'A', quantity: 9, publish: true });
      await hold(client, 'left', 1e-6);
      await hold(client, 'wanted', 15);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));

    const first = await run();
    expect(first).toMatchObject({
      code: 0,
      output: 'Reservations ended: 2. Units freed: 4.',
      said: [],
    });
    expect(await run()).toMatchObject({
      code: 0,
      output: 'Reservations ended: 0. Units freed: 0.',
    });
    for (const client of clients) {
      expect(await lines(client)).toMatchObject([
        {
          cartId: 'left',
          actor: 'cleanup:script',
          reason: 'expired',
          after: { status: 'expired' },
        },
      ]);
      expect((await client.get('/api/reservations/cart/wanted')).body.data).toHaveLength(1);
    }
  });

  it('exits with 1 where a product could not be done, and does the others', async () => {
    const [one, two] = [service.client(), service.client({ storeId: 2 })];
    await hold(one, 'stuck', 1e-6);
    await hold(two, 'loose', 1e-6);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const spoil = (version: number) =>
      service.rows.run(`UPDATE products SET version = ${version} WHERE store_id = 1`);
    // More than a number can say exactly: the row can't be read.
    await spoil(2 ** 60);
    const { code, output, said } = await run();
    await spoil(1);
    expect({ code, output, said }).toEqual({
      code: 1,
      output: 'Reservations ended: 1. Units freed: 2.',
      said: ['Products that could not be done: 1. They are tried again next time.'],
    });
    expect(await run()).toMatchObject({
      code: 0,
      output: 'Reservations ended: 1. Units freed: 2.',
    });
  });
});
