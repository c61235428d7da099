import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { check } from '../helpers/checker.js';
import { createDatabase, serverUrl, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, rentalOf, sleep, underLoad } from '../helpers/recorder.js';
import { startProxy, type TcpProxy } from '../helpers/tcp-proxy.js';

const CLIENTS = 150;
const PRODUCTS = 20;
const MEMORY_MAX_MIB = 800;

describe('a slow database, two connections and too many clients', () => {
  const recorder = createRecorder();
  let database: TestDatabase;
  let proxy: TcpProxy;
  let service: ServiceProcess;

  beforeAll(async () => {
    database = await createDatabase('mysql');
    const port = new URL(serverUrl()).port;
    proxy = await startProxy(Number(port));
    service = await startProcess(database.url.replace(`:${port}`, `:${proxy.port}`), {
      DATABASE_POOL_MAX: '2',
      MAILBOX_MAX: '8',
      BATCH_MAX: '8',
      MAILBOX_WAIT_SECONDS: '2',
    });
  });
  afterAll(async () => {
    killAll();
    await proxy.close();
    await database.drop();
  });

  it('are refused with Retry-After, never hung or wrong, and it is over when they are', async () => {
    const ids: number[] = [];
    for (let i = 0; i < PRODUCTS; i++) {
      const made = await recorder.send(service.url, {
        path: '/api/products',
        body: { sku: `P${i}`, name: `Product ${i}`, quantity: 1_000_000, publish: true },
      });
      ids.push(made?.body.id);
    }
    let longestHealthMs = 0;
    let longestAnswerMs = 0;
    let memoryMiB = 0;
    proxy.delayMs = 200;
    await underLoad(
      CLIENTS,
      async (client) => {
        const started = performance.now();
        const answer = await recorder.send(service.url, {
          path: '/api/rentals',
          body: rentalOf(ids[client % PRODUCTS] ?? 0),
        });
        longestAnswerMs = Math.max(longestAnswerMs, performance.now() - started);
        if (answer?.status === 503) await sleep(100);
      },
      async () => {
        for (let i = 0; i < 60; i++) {
          const started = performance.now();
          expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
          longestHealthMs = Math.max(longestHealthMs, performance.now() - started);
          memoryMiB = Math.max(memoryMiB, service.memoryMiB());
          await sleep(100);
        }
      },
    );
    proxy.delayMs = 0;
    const answers = recorder.exchanges.map(({ answer }) => answer);
    const refused = answers.filter((answer) => answer?.status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((answer) => answer?.retryAfter === null)).toEqual([]);
    expect(answers.filter((answer) => answer?.status === 201).length).toBeGreaterThan(0);
    expect(answers.filter((answer) => answer?.status !== 201 && answer?.status !== 503)).toEqual(
      [],
    );
    expect(longestHealthMs).toBeLessThan(1_000);
    expect(longestAnswerMs).toBeLessThan(12_000);
    expect(memoryMiB).toBeLessThan(MEMORY_MAX_MIB);

    await eventually(
      'it answers at once again',
      async () => {
        const started = performance.now();
        const path = '/api/rentals';
        const answer = await recorder.send(service.url, { path, body: rentalOf(ids[0] ?? 0) });
        return answer?.status === 201 && performance.now() - started < 200;
      },
      5_000,
    );
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  }, 40_000);
});
