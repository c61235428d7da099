import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { check, type Told } from '../helpers/checker.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, rentalOf } from '../helpers/recorder.js';

const CLIENTS = 400;
const UNITS = 50;

describe.each(DATABASES)('many clients at once on %s', (kind) => {
  let database: TestDatabase;
  let copies: ServiceProcess[];
  const recorder = createRecorder();
  const one = () => copies[0]?.url ?? '';
  const any = (i: number) => copies[i % copies.length]?.url ?? '';

  beforeAll(async () => {
    database = await createDatabase(kind);
    copies = await Promise.all([startProcess(database.url), startProcess(database.url)]);
  });
  afterAll(async () => {
    killAll();
    await Promise.all(copies.map(({ exited }) => exited));
    await database.drop();
  });

  async function makeProduct(sku: string, quantity: number): Promise<number> {
    const made = await recorder.send(one(), {
      path: '/api/products',
      body: { sku, name: sku, quantity, publish: true },
    });
    expect(made?.status).toBe(201);
    return made?.body.id;
  }

  const statuses = (answers: readonly (Told | null)[]) => {
    const counts: Record<string, number> = {};
    for (const answer of answers) {
      const name = `${answer?.status} ${answer?.body.code ?? ''}`.trim();
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };

  it.each([
    ['one process', (_: number) => one()],
    ['two processes', any],
  ])(
    'lets exactly 50 of 400 clients of %s have the 50 units',
    async (name, choose) => {
      const id = await makeProduct(`fifty of ${name}`, UNITS);
      const answers = await Promise.all(
        Array.from({ length: CLIENTS }, (_, i) =>
          recorder.send(choose(i), { path: '/api/rentals', body: rentalOf(id) }),
        ),
      );
      expect(statuses(answers)).toEqual({ '201': UNITS, '409 out_of_stock': CLIENTS - UNITS });
      expect(await check(database.url, recorder.exchanges)).toEqual([]);
    },
    30_000,
  );

  it('carries one key that is sent twenty times at once out once, across processes', async () => {
    const id = await makeProduct('same key', 50);
    const requests = [
      { path: '/api/rentals', body: rentalOf(id, 2), key: 'one rental' },
      { path: '/api/products', body: { sku: 'twin', name: 'Twin', quantity: 1 }, key: 'a twin' },
      { path: '/api/rentals', body: rentalOf(id, 1000), key: 'too many' },
    ];
    for (const request of requests) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => recorder.send(any(i), request)),
      );
      expect(answers.filter((answer) => !answer?.replayed)).toHaveLength(1);
      expect(new Set(answers.map((answer) => JSON.stringify(answer?.body))).size).toBe(1);
    }
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  });

  it('gives a SKU to one of many who want it at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        recorder.send(any(i), {
          path: '/api/products',
          body: { sku: 'wanted', name: `Of ${i}`, quantity: 1 },
        }),
      ),
    );
    expect(statuses(answers)).toEqual({ '201': 1, '409 sku_taken': 19 });
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  });

  it('ends a rental once, whoever cancels or completes it at the same time', async () => {
    const id = await makeProduct('ended once', 5);
    const rental = await recorder.send(one(), { path: '/api/rentals', body: rentalOf(id, 5) });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        recorder.send(any(i), {
          path: `/api/rentals/${rental?.body.id}/${i % 3 === 0 ? 'cancel' : 'complete'}`,
        }),
      ),
    );
    expect(statuses(answers)).toEqual({ '200': 1, '409 invalid_transition': 19 });
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  });
});
