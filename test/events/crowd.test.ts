import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { createDatabase, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Client, clientOf, tokenFor } from '../helpers/service.js';

const CLIENTS = 1_000;
const RENTALS_A_SECOND = 50;
const SECONDS = 8;

describe('1,000 clients of one product that is rented 50 times a second', () => {
  let database: TestDatabase;
  let service: ServiceProcess;
  let admin: Client;
  beforeAll(async () => {
    database = await createDatabase('mysql');
    service = await startProcess(database.url);
  });
  afterAll(async () => {
    killAll();
    await database.drop();
  });

  it('each get every event in order, and rentals go on', async () => {
    const token = await tokenFor();
    admin = clientOf(service.url, async () => token);
    const product = { sku: 'P', name: 'P', quantity: 100_000, publish: true };
    await admin.post('/api/products', product);
    await sleep(500);
    const alone = await rentSteadily(2);
    await sleep(500);
    const memoryBefore = service.memoryMiB();
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => countingClient(service.url, token)),
    );
    const memoryConnected = service.memoryMiB();
    const { rentals, p50, p99 } = await rentSteadily(SECONDS);
    const [first] = clients;
    await eventually(
      'all have all',
      async () => {
        const { created, last } = first ?? { created: 0, last: 0 };
        return created === rentals && clients.every((client) => client.last === last);
      },
      60_000,
    );
    console.log(
      `${CLIENTS} clients, ${rentals} rentals, ${first?.events} events for each: rentals p50 ${p50} ms, ` +
        `p99 ${p99} ms (without clients ${alone.p50} and ${alone.p99}); ` +
        `resident ${memoryBefore.toFixed(0)} → ${memoryConnected.toFixed(0)} (connected) → ` +
        `${service.memoryMiB().toFixed(0)} MiB`,
    );
    expect(clients.filter((client) => client.disorder > 0 || client.isClosed)).toEqual([]);
    expect(new Set(clients.map(({ events }) => events)).size).toBe(1);
    expect(service.memoryMiB()).toBeLessThan(800);
  }, 120_000);

  async function rentSteadily(seconds: number) {
    const times: number[] = [];
    const under: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let i = 0; i < seconds * RENTALS_A_SECOND; i++) {
      await sleep(startedMs + (i * 1000) / RENTALS_A_SECOND - performance.now());
      const sentMs = performance.now();
      under.push(
        admin.post('/api/rentals', { product_id: 'P' }).then(({ status }) => {
          expect(status).toBe(201);
          times.push(performance.now() - sentMs);
        }),
      );
    }
    await Promise.all(under);
    times.sort((a, b) => a - b);
    const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0);
    return { rentals: times.length, p50: at(0.5), p99: at(0.99) };
  }
});

/** A client that reads of each event only what it takes to know that none was missed. */
async function countingClient(url: string, token: string) {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/api/events`, {
    headers: { Authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const seen = { events: 0, created: 0, last: 0, disorder: 0, isClosed: false };
  ws.on('message', (data: Buffer) => {
    const [, id = '', type] = /^{"id":"(\d+)","type":"([a-z._]+)"/.exec(data.toString()) ?? [];
    if (seen.last !== 0 && Number(id) !== seen.last + 1) seen.disorder++;
    seen.last = Number(id);
    seen.events++;
    if (type === 'rental.created') seen.created++;
  });
  ws.on('close', () => {
    seen.isClosed = true;
  });
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  return seen;
}
