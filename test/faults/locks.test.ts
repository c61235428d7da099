import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import mysql, { type Connection } from 'mysql2/promise';
import { check } from '../helpers/checker.js';
import { DATABASES } from '../helpers/databases.js';
import { createRecorder, rentalOf, sleep } from '../helpers/recorder.js';
import { type Service, startService } from '../helpers/service.js';

let products = 0;

async function makeProduct(
  recorder: ReturnType<typeof createRecorder>,
  url: string,
  quantity: number,
): Promise<number> {
  const sku = `P${++products}`;
  const body = { sku, name: sku, quantity, publish: true };
  const made = await recorder.send(url, { path: '/api/products', body });
  expect(made?.status).toBe(201);
  return made?.body.id;
}

describe('locks that others hold', () => {
  const recorder = createRecorder();
  let service: Service;
  let other: Connection;
  let id = 0;
  const rent = (productId = id) =>
    recorder.send(service.url, { path: '/api/rentals', body: rentalOf(productId) });
  const retries = async (cause: string) => {
    const { body } = await service.client().get('/metrics');
    return Number(new RegExp(`retries_total{cause="${cause}"} (\\d+)`).exec(body)?.[1] ?? 0);
  };

  beforeAll(async () => {
    service = await startService('mysql', { MAILBOX_WAIT_SECONDS: '6', COMMIT_RETRIES: '2' });
    other = await mysql.createConnection(service.testDatabase.url);
  });
  beforeEach(async () => {
    id = await makeProduct(recorder, service.url, 100);
  });
  afterAll(async () => {
    await other.end();
    await service.stop();
  });

  it('are waited for, and a wait that runs out (1205) is tried again', async () => {
    await other.query('BEGIN');
    await other.query(`SELECT 1 FROM products WHERE id = ${id} FOR UPDATE`);
    const before = await retries('conflict');
    const rentals = Promise.all([rent(), rent(), rent()]);
    await sleep(3_400);
    await other.query('ROLLBACK');
    expect((await rentals).map((answer) => answer?.status)).toEqual([201, 201, 201]);
    expect(await retries('conflict')).toBeGreaterThan(before);
    expect(await check(service.testDatabase.url, recorder.exchanges)).toEqual([]);
  });

  it('that stay are a 503 with Retry-After, nothing is done, and all is well when they go', async () => {
    await other.query('BEGIN');
    await other.query(`SELECT 1 FROM products WHERE id = ${id} FOR UPDATE`);
    const answers = await Promise.all([rent(), rent()]);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: '1',
        body: { code: 'database_unavailable' },
      });
    }
    await other.query('ROLLBACK');
    expect(await rent()).toMatchObject({ status: 201, body: { quantity_available: 99 } });
    expect(await check(service.testDatabase.url, recorder.exchanges)).toEqual([]);
  });

  it('on one product do not hold up another', async () => {
    const free = await makeProduct(recorder, service.url, 1);
    await other.query('BEGIN');
    await other.query(`SELECT 1 FROM products WHERE id = ${id} FOR UPDATE`);
    const held = rent();
    await sleep(50);
    const started = performance.now();
    expect(await rent(free)).toMatchObject({ status: 201 });
    expect(performance.now() - started).toBeLessThan(1_000);
    await other.query('ROLLBACK');
    expect(await held).toMatchObject({ status: 201 });
  });

  it('in the opposite order (1213) roll a whole batch back, and it is run again', async () => {
    const first = id;
    const second = await makeProduct(recorder, service.url, 100);
    const before = await retries('conflict');
    // The other one has done more, so InnoDB chooses ours as the victim.
    await other.query('BEGIN');
    await other.query('CREATE TABLE IF NOT EXISTS ballast (n INT PRIMARY KEY)');
    await other.query('BEGIN');
    const rows = Array.from({ length: 500 }, (_, n) => `(${n})`).join(',');
    await other.query(`INSERT INTO ballast VALUES ${rows}`);
    await other.query(`SELECT 1 FROM products WHERE id = ${second} FOR UPDATE`);
    const rentals = Promise.all([rent(first), rent(second)]);
    await sleep(200);
    // Ours has locked the first and waits for the second; now the other wants the first.
    await other.query(`SELECT 1 FROM products WHERE id = ${first} FOR UPDATE`);
    await other.query('ROLLBACK');
    expect((await rentals).map((answer) => answer?.status)).toEqual([201, 201]);
    expect(await retries('conflict')).toBeGreaterThan(before);
    expect(await check(service.testDatabase.url, recorder.exchanges)).toEqual([]);
  });

  it('of two services that lock and clash all the time never leave half a batch', async () => {
    const second = await startService(service.testDatabase);
    const ids = [id, await makeProduct(recorder, service.url, 100)];
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, i) =>
        recorder.send(i % 2 === 0 ? service.url : second.url, {
          path: '/api/rentals',
          body: rentalOf(ids[i % 3 === 0 ? 0 : 1] ?? 0),
        }),
      ),
    );
    expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 201));
    await second.stop();
    expect(await check(service.testDatabase.url, recorder.exchanges)).toEqual([]);
  });
});

describe.each(DATABASES)('a batch on %s', (kind) => {
  const recorder = createRecorder();
  const edited: number[] = [];
  let service: Service;
  const rent = (productId: number, quantity = 1) =>
    recorder.send(service.url, { path: '/api/rentals', body: rentalOf(productId, quantity) });
  const found = () => check(service.testDatabase.url, recorder.exchanges, { edited });

  beforeAll(async () => {
    // One batch at a time, so that what waits goes together.
    service = await startService(kind, { COMMIT_CONCURRENCY: '1' });
  });
  afterAll(() => service.stop());

  it('with a command that the database will never take fails that one alone', async () => {
    const good = await makeProduct(recorder, service.url, 50);
    const bad = await makeProduct(recorder, service.url, 50);
    await service.rows.run(
      kind === 'mysql'
        ? `CREATE TRIGGER poison BEFORE INSERT ON rentals FOR EACH ROW
           BEGIN IF NEW.product_id = ${bad} AND NEW.quantity = 13 THEN
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poisoned'; END IF; END`
        : `CREATE TRIGGER poison BEFORE INSERT ON rentals
           WHEN NEW.product_id = ${bad} AND NEW.quantity = 13
           BEGIN SELECT RAISE(ABORT, 'poisoned'); END`,
    );
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => rent(good)),
      rent(bad, 13),
      ...Array.from({ length: 10 }, () => rent(bad)),
      rent(bad, 13),
      ...Array.from({ length: 10 }, () => rent(good)),
    ]);
    await service.rows.run('DROP TRIGGER poison');
    const statuses = answers.map((answer) => answer?.status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(30);
    expect([statuses[10], statuses[21]]).toEqual([500, 500]);
    expect(JSON.stringify(answers[10]?.body)).not.toContain('poisoned');
    expect(await found()).toEqual([]);
  });

  it('decides on what a row says that was edited from outside', async () => {
    const id = await makeProduct(recorder, service.url, 5);
    await rent(id, 2);
    edited.push(id);
    await service.rows.run(
      `UPDATE products SET quantity = 3, quantity_available = 1 WHERE id = ${id}`,
    );
    expect(await rent(id, 2)).toMatchObject({ status: 409, body: { available: 1 } });
    expect(await rent(id, 1)).toMatchObject({
      status: 201,
      body: { quantity_available: 0, availability_status: 'rented_out' },
    });
    // A status that was edited is read for what the counters say.
    await service.rows.run(
      `UPDATE products SET quantity = 4, quantity_available = 1 WHERE id = ${id}`,
    );
    expect(await rent(id, 1)).toMatchObject({ status: 201, body: { quantity_available: 0 } });
    expect(await found()).toEqual([]);
  });

  it.each([
    ['still owned', 5, { quantity: 5, quantity_available: 4 }],
    ['no longer owned', 1, { quantity: 3, quantity_available: 2 }],
  ])(
    'mends a row first that no longer covers rentals of units %s',
    async (_, owned, after) => {
      const id = await makeProduct(recorder, service.url, 5);
      const [two, other] = [await rent(id, 2), await rent(id, 1)];
      await service.rows.run(
        `UPDATE products SET quantity = ${owned}, quantity_available = ${owned}, quantity_rented = 0
       WHERE id = ${id}`,
      );
      const [rented, ended] = await Promise.all([
        rent(id, 1000),
        recorder.send(service.url, { path: `/api/rentals/${two?.body.id}/complete` }),
      ]);
      expect(rented?.status).toBe(409);
      expect(ended).toMatchObject({ status: 200, body: { status: 'completed' } });
      const { body } = await service.client().get(`/api/products/${id}`);
      expect(body).toMatchObject({ ...after, quantity_rented: 1 });
      await recorder.send(service.url, { path: `/api/rentals/${other?.body.id}/cancel` });
      const ledger = await service.client().get(`/api/products/${id}/movements`);
      const kinds = ledger.body.data.map(({ kind: name }: { kind: string }) => name).reverse();
      expect(kinds).toEqual(['open', 'rent', 'rent', 'sync', 'complete', 'cancel']);
      // The sums of the ledger hold again: this product needs no leniency.
      expect(await found()).toEqual([]);
    },
    30_000,
  );
});
