import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { check } from '../helpers/checker.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, rentalOf } from '../helpers/recorder.js';

const PRODUCTS = 30;
const HOLDS_EACH = 40;
const KEPT_EACH = 5;
/** a lease outlives its holder by so much at most */
const LEASE_MS = 30_000;

/** Every 1.2 s, in small batches, so that a run has many. */
const SETTINGS = {
  RESERVATION_CLEANUP_INTERVAL: '0.02',
  RESERVATION_CLEANUP_BATCH_SIZE: '2',
};

describe.each(DATABASES)('the cleanup of holds, on three processes with %s', (kind) => {
  let database: TestDatabase;
  let rows: Database;
  let copies: ServiceProcess[];
  const recorder = createRecorder();
  const products: number[] = [];
  let lists = 0;

  beforeAll(async () => {
    database = await createDatabase(kind);
    rows = openDatabase(database.target, { poolMax: 2, queryTimeoutMs: 10_000 });
    copies = await Promise.all([1, 2, 3].map(() => startProcess(database.url, SETTINGS)));
    for (let i = 0; i < PRODUCTS; i++) {
      const body = { sku: `P${i}`, name: `P${i}`, quantity: 1000, publish: true };
      const made = await recorder.send(any(), { path: '/api/products', body });
      products.push(made?.body.id);
    }
  }, 60_000);
  afterAll(async () => {
    killAll();
    await Promise.all(copies.map(({ exited }) => exited));
    await rows.close();
    await database.drop();
  });

  const any = () => copies.at(-1)?.url ?? '';

  /** Holds units of each product in so many carts, until `expiresAt`. */
  async function hold(carts: number, expiresAt: string): Promise<void> {
    await Promise.all(
      products.map(async (variantId) => {
        const reservations = Array.from({ length: carts }, () => ({
          variantId,
          quantity: 2,
          reservationId: `cart ${++lists}`,
          expiresAt,
        }));
        const path = '/api/inventory/reserve';
        const answer = await recorder.send(any(), { path, body: { reservations } });
        expect(answer?.status).toBe(200);
      }),
    );
  }

  async function count(where: string): Promise<number> {
    const [row] = await rows.select(`SELECT COUNT(*) AS n FROM reservations WHERE ${where}`);
    return Number(row?.['n']);
  }
  const areHeld = () => count('active = 1');
  const areExpired = () => count("status = 'expired'");

  const endedBy = async ({ url }: ServiceProcess) => {
    const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
    return Number(/^availability_holds_ended_total\{outcome="expired"\} (\d+)/m.exec(text)?.[1]);
  };

  const kept = PRODUCTS * KEPT_EACH;
  const due = PRODUCTS * HOLDS_EACH;

  it('ends each hold that is due once, on one of them, and none that is not', async () => {
    await hold(KEPT_EACH, inMs(3_600_000));
    await hold(HOLDS_EACH, inMs(2_000));
    await eventually('all that are due are ended', async () => (await areHeld()) === kept, 30_000);
    expect(await areExpired()).toBe(due);
    const ended = await Promise.all(copies.map(endedBy));
    expect(ended.sort((a, b) => a - b)).toEqual([0, 0, due]);
    // The checker sees to it that each has one line, and none before it was due.
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  }, 60_000);

  it('is taken over where the process that runs it is killed half way', async () => {
    const before = await areExpired();
    await hold(HOLDS_EACH, inMs(2_000));
    const shares = await Promise.all(copies.map(endedBy));
    const at = shares.findIndex((share) => share > 0);
    const [runner] = copies.splice(at, 1);
    await eventually('some are ended', async () => (await areExpired()) > before + 20);
    runner?.kill('SIGKILL');
    await runner?.exited;
    const left = (await areHeld()) - kept;
    expect(left).toBeGreaterThan(0);
    // They are in nobody's way meanwhile: all but what is still held can be rented.
    const id = products[0] ?? 0;
    const taken = await recorder.send(any(), {
      path: '/api/rentals',
      body: rentalOf(id, 1000 - 2 * KEPT_EACH),
    });
    expect(taken?.status).toBe(201);
    await eventually(
      'another process ends the rest',
      async () => (await areHeld()) === kept,
      LEASE_MS + 15_000,
    );
    expect(await areExpired()).toBe(before + due);
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  }, 120_000);
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
