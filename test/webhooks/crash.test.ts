import { afterEach, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../src/persistence/database.js';
import { createDatabase, DATABASES } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { eventually, sleep, underLoad } from '../helpers/recorder.js';
import { clientOf, tokenFor } from '../helpers/service.js';
import { startReceiver, verify } from '../helpers/webhook-receiver.js';

const PRODUCTS = 4;
const KILLS = 3;
const SETTINGS = { WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_RETRY_SCHEDULE: '0.2,0.2,1,1,1,1' };

afterEach(killAll);

describe.each(DATABASES)('a service that is killed while it tells, on %s', (kind) => {
  it('loses no event, and each product’s come in order', async () => {
    const database = await createDatabase(kind);
    const receiver = await startReceiver();
    // Slow enough that something is always under way, and now and then it fails.
    let count = 0;
    receiver.behave('/hook', (_, response) => {
      const status = ++count % 7 === 0 ? 503 : 204;
      setTimeout(() => response.writeHead(status).end(), 5);
    });
    let service: ServiceProcess = await startProcess(database.url, SETTINGS);
    const client = () => clientOf(service.url, tokenFor);
    const { body: endpoint } = await client().post('/api/webhook-endpoints', {
      url: `${receiver.url}/hook`,
      events: ['rental.created'],
    });
    const products: number[] = [];
    for (let n = 0; n < PRODUCTS; n++) {
      const product = { sku: `P-${n}`, name: 'x', quantity: 100_000, publish: true };
      products.push((await client().post('/api/products', product)).body.id);
    }
    await underLoad(
      PRODUCTS,
      (loop) =>
        client()
          .post('/api/rentals', { product_id: products[loop] })
          .catch(() => sleep(50)),
      async () => {
        for (let n = 0; n < KILLS; n++) {
          await sleep(1_000);
          service.kill('SIGKILL');
          await service.exited;
          service = await startProcess(database.url, SETTINGS);
        }
        await sleep(500);
      },
    );

    const rows = openDatabase(database.target, { poolMax: 2, queryTimeoutMs: 10_000 });
    const rentals = await rows.select('SELECT id, product_id FROM rentals ORDER BY created_at, id');
    const told = () => new Set(receiver.received.map(({ event }) => String(event.data['id'])));
    await eventually('all are told', () => told().size >= rentals.length, 60_000);
    expect([...told()].sort()).toEqual(rentals.map((row) => String(row['id'])).sort());
    for (const received of receiver.received.slice(-20)) verify(endpoint.secret, received);

    for (const product of products) {
      const ofProduct = receiver.received.filter(
        ({ event }) => event.data['productId'] === product,
      );
      const firsts = [...new Set(ofProduct.map(({ id }) => Number(id)))];
      expect(firsts.length).toBeGreaterThan(10);
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    }
    service.kill('SIGTERM');
    await service.exited;
    await rows.close();
    await receiver.stop();
    await database.drop();
  }, 120_000);
});
