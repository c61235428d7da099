import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { type EventListener, listen } from '../helpers/event-listener.js';
import { expectAllTold } from '../helpers/outbox.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, sleep, underLoad } from '../helpers/recorder.js';
import { itWithRedis, type RedisServer, startRedis } from '../helpers/redis.js';
import { type Client, clientOf, tokenFor } from '../helpers/service.js';

const SKUS = ['A', 'B', 'C'];

describe.each(DATABASES)('two copies on %s', (kind) => {
  let database: TestDatabase;
  let rows: Database;
  beforeEach(async () => {
    database = await createDatabase(kind);
    rows = openDatabase(database.target, { poolMax: 2, queryTimeoutMs: 10_000 });
  });
  afterEach(async () => {
    killAll();
    await rows.close();
    await database.drop();
  });

  it('when the one whose relay it is dies, the other goes on, and nothing is missed', async () => {
    const first = await startProcess(database.url);
    const admin = clientOf(first.url, () => tokenFor());
    for (const sku of SKUS) {
      await admin.post('/api/products', { sku, name: sku, quantity: 100_000, publish: true });
    }
    await eventually('its relay is at work', async () => (await eventsOf(first)) > 0);
    const second = await startProcess(database.url);
    const recorder = createRecorder();
    const copies = [first, second];
    const listener = await listen(second.url, { query: 'since=0' });

    await underLoad(
      8,
      (loop) =>
        recorder.send(copies[loop % copies.length]?.url ?? second.url, {
          path: '/api/rentals',
          body: { product_id: SKUS[loop % SKUS.length] },
        }),
      async () => {
        await sleep(1_500);
        first.kill('SIGKILL');
        await first.exited;
        copies.shift();
        await sleep(1_500);
      },
    );
    const told = await expectAllTold(rows);
    const rented = recorder.exchanges.filter(({ answer }) => answer?.status === 201).length;
    const created = told.filter(({ type }) => type === 'rental.created').length;
    expect(created).toBeGreaterThanOrEqual(rented);
    expect(rented).toBeGreaterThan(50);
    expect(await eventsOf(second)).toBeGreaterThan(0);

    await eventually('the client has them all', () => listener.events.length === told.length);
    expect(listener.events.map(({ id }) => Number(id))).toEqual(told.map((e) => e.sequence));
    listener.close();
  }, 60_000);
});

describe('two copies with Redis between them', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let copies: ServiceProcess[];
  let admin: Client;
  let listeners: EventListener[];
  beforeAll(async () => {
    if (process.env['REDIS_SERVER'] === undefined) return;
    database = await createDatabase('mysql');
    redis = await startRedis();
    const settings = { REDIS_URL: redis.url };
    copies = [
      await startProcess(database.url, settings),
      await startProcess(database.url, settings),
    ];
    admin = clientOf(copies[0]?.url ?? '', () => tokenFor());
    const product = { sku: 'P', name: 'P', quantity: 100_000, publish: true };
    await admin.post('/api/products', product);
    listeners = await Promise.all(
      copies.map(({ url }) => listen(url, { query: 'types=rental.created' })),
    );
  });
  afterAll(async () => {
    killAll();
    redis?.kill();
    await database?.drop();
  });

  const rentMany = async (count: number) => {
    const before = listeners.map(({ events }) => events.length);
    for (let i = 0; i < count; i++) await admin.post('/api/rentals', { product_id: 'P' });
    await eventually('both heard', () =>
      listeners.every(({ events }, at) => events.length === (before[at] ?? 0) + count),
    );
    const [one, other] = listeners.map(({ events }) => events.map(({ id }) => Number(id)));
    expect(one).toEqual(other);
    expect(one).toEqual([...new Set(one)].sort((a, b) => a - b));
  };
  const warnings = () =>
    copies.map(({ log }) => log.filter(({ level }) => ['warn', 'error'].includes(level)).length);

  itWithRedis(
    'the clients of each hear what the other tells',
    async () => {
      await sleep(1_500);
      await rentMany(30);
      expect(await redis.published()).toBeGreaterThan(0);
      expect(warnings()).toEqual([0, 0]);
    },
    60_000,
  );

  itWithRedis(
    'and hear it still when Redis dies, said once, and when it comes back',
    async () => {
      redis.kill();
      await rentMany(30);
      await sleep(2_000);
      await rentMany(30);
      for (const count of warnings()) expect(count).toBeLessThanOrEqual(2);
      await redis.startAgain();
      await sleep(3_000);
      await rentMany(30);
      for (const { log } of copies) {
        expect(log.some(({ msg }) => msg === 'Redis is there again')).toBe(true);
      }
    },
    40_000,
  );

  itWithRedis(
    'and hear it still when Redis hangs, said once, and through it again when it goes on',
    async () => {
      const saidBefore = warnings();
      redis.hang();
      await rentMany(30);
      await sleep(3_000);
      await rentMany(30);
      const said = warnings().map((count, copy) => count - (saidBefore[copy] ?? 0));
      for (const count of said) expect(count).toBeLessThanOrEqual(2);
      expect(Math.max(...said)).toBeGreaterThan(0);

      // A copy that begins meanwhile serves, and one that ends does not wait for it.
      const third = await startProcess(database.url, { REDIS_URL: redis.url });
      const listener = await listen(third.url, { query: 'types=rental.created' });
      await rentMany(3);
      await eventually('it hears them too', () => listener.events.length === 3);
      const stoppedAt = performance.now();
      third.kill('SIGTERM');
      expect(await third.exited).toBe(0);
      expect(performance.now() - stoppedAt).toBeLessThan(10_000);
      listener.close();

      redis.goOn();
      await sleep(3_000);
      const published = await redis.published();
      await rentMany(30);
      await eventually('it is carried by Redis', async () => (await redis.published()) > published);
    },
    60_000,
  );
});

/** How many events the relay of a copy has told. */
async function eventsOf({ url }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^availability_events_total (\d+)/m.exec(text)?.[1] ?? 0);
}
