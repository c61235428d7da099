import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { check } from '../helpers/checker.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import {
  createRecorder,
  eventually,
  type Recorder,
  rentalOf,
  sleep,
  underLoad,
} from '../helpers/recorder.js';
import { type PrivateServer, startMariadb } from '../setup/mariadb.mjs';

const CLIENTS = 16;
const PRODUCTS = 5;

/** Products to rent from, and clients that rent and give back until told to stop. */
async function prepare(recorder: Recorder, url: string) {
  const ids: number[] = [];
  for (let i = 0; i < PRODUCTS; i++) {
    const made = await recorder.send(url, {
      path: '/api/products',
      body: { sku: `P${i}`, name: `Product ${i}`, quantity: 20, publish: true },
    });
    ids.push(made?.body.id);
  }
  let keys = 0;
  return async (client: number, at: () => string) => {
    const request = {
      path: '/api/rentals',
      body: rentalOf(ids[client % ids.length] ?? 0),
      key: client % 2 === 0 ? `key ${++keys}` : null,
    };
    let taken = await recorder.send(at(), request);
    // Who sent a key and got no answer sends it again.
    for (let again = 0; request.key !== null && isOpen(taken) && again < 5; again++) {
      await sleep(50);
      taken = await recorder.send(at(), request);
    }
    if (taken?.status === 201 && Math.random() < 0.7) {
      await recorder.send(at(), { path: `/api/rentals/${taken.body.id}/complete` });
    }
    if (taken === null) await sleep(20);
  };
}

const isOpen = (answer: { status: number } | null) => answer === null || answer.status === 503;

afterEach(killAll);

describe.each(DATABASES)('a kill -9 of the service on %s', (kind) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase(kind);
  });
  afterAll(() => database.drop());

  it('loses nothing that was answered, and leaves nothing half done, five times over', async () => {
    const recorder = createRecorder();
    let service = await startProcess(database.url);
    const work = await prepare(recorder, service.url);
    await underLoad(
      CLIENTS,
      (client) => work(client, () => service.url),
      async () => {
        for (let round = 0; round < 5; round++) {
          await sleep(100 + Math.random() * 400);
          service.kill('SIGKILL');
          await service.exited;
          service = await startProcess(database.url);
        }
        await sleep(200);
      },
    );
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
    expect(recorder.exchanges.filter(({ answer }) => answer === null).length).toBeGreaterThan(0);
    expect(recorder.exchanges.filter(({ answer }) => answer?.status === 500)).toEqual([]);
  }, 60_000);

  it('answers a key after the crash as it did before', async () => {
    const recorder = createRecorder();
    const before = await startProcess(database.url);
    const product = { sku: 'after', name: 'After', quantity: 3, publish: true };
    const made = await recorder.send(before.url, { path: '/api/products', body: product });
    const request = { path: '/api/rentals', body: rentalOf(made?.body.id), key: 'crash' };
    const first = await recorder.send(before.url, request);
    before.kill('SIGKILL');
    const after = await startProcess(database.url);
    const second = await recorder.send(after.url, request);
    expect(second).toEqual({ ...first, replayed: true });
  });
});

describe('a kill -9 of the database', () => {
  let server: PrivateServer;
  let service: ServiceProcess;
  const url = () => `${server.url}/killed`;

  beforeAll(async () => {
    server = await startMariadb();
    const connection = await mysql.createConnection(server.url);
    await connection.query('CREATE DATABASE killed CHARACTER SET utf8mb4');
    await connection.end();
    service = await startProcess(url());
  }, 60_000);
  afterAll(async () => {
    killAll();
    await server.stop();
  });

  it('is answered with 503 and Retry-After, and is over by itself when the database is back', async () => {
    const recorder = createRecorder();
    const work = await prepare(recorder, service.url);
    await underLoad(
      CLIENTS,
      (client) => work(client, () => service.url),
      async () => {
        for (let round = 0; round < 3; round++) {
          await sleep(200 + Math.random() * 300);
          server.kill();
          await sleep(300);
          const ready = await fetch(`${service.url}/readyz`);
          expect(ready.status).toBe(503);
          expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
          const read = await fetch(`${service.url}/api/products`, {
            headers: { Authorization: 'Bearer none' },
          });
          expect(read.status).toBe(401);
          await server.startAgain();
          await eventually('ready', async () => (await fetch(`${service.url}/readyz`)).ok);
        }
      },
    );
    const refused = recorder.exchanges.filter(({ answer }) => answer?.status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ answer }) => answer?.retryAfter !== null)).toBe(true);
    expect(recorder.exchanges.filter(({ answer }) => answer?.status === 500)).toEqual([]);
    // A service that stays up answers everybody.
    expect(recorder.exchanges.filter(({ answer }) => answer === null)).toEqual([]);
    expect(await check(url(), recorder.exchanges)).toEqual([]);
  }, 60_000);
});
