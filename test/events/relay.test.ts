import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readPosition } from '../../src/persistence/outbox.js';
import { DATABASES } from '../helpers/databases.js';
import { listen } from '../helpers/event-listener.js';
import { expectAllTold, toldInOrder } from '../helpers/outbox.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const product = (sku: string) => ({ sku, name: sku, quantity: 1_000, publish: true });

describe.each(DATABASES)('the relay on %s', (kind) => {
  let service: Service;
  let admin: Client;
  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  it('tells every line once, in the order of the ledger for each product', async () => {
    for (const sku of ['A', 'B', 'C']) await admin.post('/api/products', product(sku));
    const rentals = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        admin.post('/api/rentals', { product_id: ['A', 'B', 'C'][i % 3] }),
      ),
    );
    await Promise.all(
      rentals
        .filter((_, i) => i % 2 === 0)
        .map(({ body }) => admin.post(`/api/rentals/${body.id}/complete`)),
    );
    await expectAllTold(service.rows);
    const told = await toldInOrder(service.rows);
    const count = (type: string) => told.filter((entry) => entry.type === type).length;
    expect(count('rental.created')).toBe(300);
    expect(count('rental.completed')).toBe(150);
  });

  it('tells more than it reads at once, and a commit that is larger still as one', async () => {
    const products = Array.from({ length: 1_000 }, (_, i) => product(`MANY-${kind}-${i}`));
    for (let list = 0; list < 5; list++) {
      await admin.post('/api/products/batch', {
        products: products.map((one) => ({ ...one, sku: `${one.sku}-${list}` })),
      });
    }
    await expectAllTold(service.rows);
  });
});

describe('the relay and other transactions', () => {
  let service: Service;
  let admin: Client;
  let late: number;
  beforeAll(async () => {
    service = await startService('mysql');
    admin = service.client();
    await admin.post('/api/products', product('PROMPT'));
    late = (await admin.post('/api/products', product('LATE'))).body.id;
    await expectAllTold(service.rows);
  });
  afterAll(() => service.stop());

  /** A line of the ledger, as a copy of the service would write it. */
  const line = (productId: number, command: string) =>
    'INSERT INTO movements (store_id, product_id, command_id, kind, quantity_delta, ' +
    'quantity_available_delta, quantity_reserved_delta, quantity_rented_delta, quantity, ' +
    'quantity_available, quantity_reserved, quantity_rented, reason, actor, created_at) ' +
    `VALUES (1, ${productId}, '${command}', 'restock', 1, 1, 0, 0, 1001, 1001, 0, 0, 'late', 'x', UTC_TIMESTAMP(3))`;

  it('a line that commits after one with a larger id gets its sequence too', async () => {
    const listener = await listen(service.url);
    const open = await service.rows.begin();
    await open.run(line(late, 'late'));
    await admin.post('/api/rentals', { product_id: 'PROMPT' });
    await eventually('the prompt one', () => listener.events.length === 2);
    const { movements } = await readPosition(service.rows);
    expect(movements.missing).toHaveLength(1);
    expect(movements.missing[0]?.to).toBeLessThan(movements.seen);

    await sleep(1_000);
    await open.commit();
    await eventually('the late one', () => listener.events.length === 3);
    expect(listener.events.map(({ type, data }) => [type, data['sku'] ?? null])).toEqual([
      ['rental.created', null],
      ['product.availability_changed', 'PROMPT'],
      ['product.availability_changed', 'LATE'],
    ]);
    expect((await readPosition(service.rows)).movements.missing).toEqual([]);
    await toldInOrder(service.rows);
    listener.close();
  });

  it('what is rolled back holds nothing up, and is not waited for', async () => {
    const listener = await listen(service.url);
    const open = await service.rows.begin();
    await open.run(line(late, 'never'));
    await open.run(line(late, 'never either'));
    await open.rollback();
    const before = performance.now();
    await admin.post('/api/rentals', { product_id: 'PROMPT' });
    await eventually('the rental', () => listener.events.length === 2);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect((await readPosition(service.rows)).movements.missing).toHaveLength(1);
    listener.close();
  });
});
