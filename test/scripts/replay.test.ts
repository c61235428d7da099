import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { replay } from '../../scripts/lib/replay.js';
import { replayScript } from '../../scripts/lib/replay-script.js';
import { serviceClient } from '../../scripts/lib/service-client.js';
import { createDatabase, DATABASES } from '../helpers/databases.js';
import { type Service, startService, tokenFor } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

const QUIET = { environment: {}, print: () => {}, say: () => {}, bars: null };
const REPLAY_TIMEOUT_MS = 300_000;

describe.each(DATABASES)('the replay of samples/sakila on %s', (kind) => {
  let service: Service;

  beforeAll(async () => {
    service = await startService(kind);
  });
  afterAll(() => service.stop());

  /** Rows of which there should be none. */
  const none = async (sql: string) => expect(await service.rows.select(sql)).toEqual([]);

  it(
    'gives the known answer',
    async () => {
      const report = await replay(
        {
          url: service.url,
          token: await tokenFor({ role: 'service', sub: 'replay' }),
          folder: 'samples/sakila',
          concurrency: 64,
        },
        QUIET,
      );
      expect(report).toMatchObject({
        accepted: 16_044,
        refused: 0,
        completed: 15_861,
        out: 183,
        rentedOut: 1,
        lastUnitsOut: 2_359,
        requests: 31_905,
      });
    },
    REPLAY_TIMEOUT_MS,
  );

  it('is what the reports say', async () => {
    const admin = service.client();
    const summary = (await admin.get('/api/reports/summary')).body;
    expect(summary).toMatchObject({
      levels: { quantity: 4_581, quantityAvailable: 4_398, quantityRented: 183 },
      rentals: {
        begun: { count: 16_044, units: 16_044 },
        returned: { count: 15_861, units: 15_861 },
      },
      refused: { outOfStock: { requests: 0 }, insufficientStock: { requests: 0 } },
    });
    const most = (await admin.get('/api/reports/products?sort=mostRented&limit=2')).body.data;
    expect(most).toMatchObject([
      { name: 'Love Suicides', rentals: { begun: { units: 20 } } },
      { name: 'Idols Snatchers', rentals: { begun: { units: 20 } } },
    ]);
    const month = summary.to.slice(0, 7);
    const advice = (await admin.get(`/api/reports/stock-advice?month=${month}&limit=1000`)).body;
    const neverNeeded = advice.data.map((row: { neverNeeded: number }) => row.neverNeeded);
    expect(neverNeeded).toHaveLength(245);
    expect(neverNeeded.reduce((sum: number, units: number) => sum + units)).toBe(248);
  }, 60_000);

  it('keeps the law on every product', () =>
    none(
      'SELECT id FROM products WHERE quantity <> quantity_available + quantity_reserved + ' +
        'quantity_rented OR quantity_available < 0 OR quantity_reserved < 0 OR quantity_rented < 0',
    ));

  it('counts as rented what the active rentals say', () =>
    none(
      'SELECT p.id FROM products p LEFT JOIN (SELECT product_id, SUM(quantity) AS units FROM ' +
        "rentals WHERE status = 'active' GROUP BY product_id) r ON r.product_id = p.id " +
        'WHERE p.quantity_rented <> COALESCE(r.units, 0)',
    ));

  it('has counters that are the sums of the ledger', () =>
    none(
      'SELECT p.id FROM products p LEFT JOIN (SELECT product_id, ' +
        'SUM(quantity_delta) AS q, SUM(quantity_available_delta) AS a, ' +
        'SUM(quantity_reserved_delta) AS h, SUM(quantity_rented_delta) AS r ' +
        'FROM movements GROUP BY product_id) m ON m.product_id = p.id ' +
        'WHERE m.product_id IS NULL OR p.quantity <> m.q OR p.quantity_available <> m.a ' +
        'OR p.quantity_reserved <> m.h OR p.quantity_rented <> m.r',
    ));

  it('has a ledger whose every line follows from the one before it', async () => {
    const rows = await service.rows.select(
      'SELECT product_id, quantity_available_delta AS delta, quantity_available AS after_it ' +
        'FROM movements ORDER BY product_id, id',
    );
    const free = new Map<unknown, number>();
    const wrong = rows.filter(({ product_id: id, delta, after_it: after }) => {
      const expected = (free.get(id) ?? 0) + Number(delta);
      free.set(id, expected);
      return expected !== Number(after) || expected < 0;
    });
    expect(wrong).toEqual([]);
    expect(rows).toHaveLength(1_521 + 16_044 + 15_861);
  });

  it('shows each product in the status that its free units mean', () =>
    none(
      'SELECT id FROM products WHERE availability_status <> ' +
        "CASE WHEN quantity_available = 0 THEN 'rented_out' ELSE 'available' END",
    ));

  it('has one line for each rental that began and each that ended', () =>
    none(
      'SELECT r.id FROM rentals r LEFT JOIN (SELECT rental_id, COUNT(*) AS n, ' +
        "SUM(CASE WHEN kind = 'complete' THEN 1 ELSE 0 END) AS ends, " +
        'SUM(quantity_rented_delta) AS still_out FROM movements WHERE rental_id IS NOT NULL ' +
        'GROUP BY rental_id) m ON m.rental_id = r.id WHERE m.n IS NULL ' +
        "OR m.n <> (CASE WHEN r.status = 'completed' THEN 2 ELSE 1 END) OR m.ends <> m.n - 1 " +
        "OR m.still_out <> (CASE WHEN r.status = 'active' THEN r.quantity ELSE 0 END)",
    ));

  it('is refused where the products are there already, and changes nothing', async () => {
    const before = await service.rows.select('SELECT COUNT(*) AS n FROM movements');
    const again = runScript(replayScript, [
      'samples/sakila',
      '--url',
      service.url,
      '--token',
      await tokenFor(),
    ]);
    expect(await again).toMatchObject({
      code: 1,
      output: '',
      said: [
        "The store has 1521 of these products already, so the answer would not be the sample's: use a token of another store.",
      ],
    });
    expect(await service.rows.select('SELECT COUNT(*) AS n FROM movements')).toEqual(before);
  });
});

describe('replay of a small folder', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'availability-history-'));
    write('products.csv', 'sku,name,quantity', 'A,A,1', 'B,B,2', 'D,D,0');
    write(
      'rentals.csv',
      'sku,user_id,starts_at,returned_at',
      // Out of order, and the second begins in the moment in which the first ends.
      'A,2,2020-01-02T00:00:00Z,2020-01-03T00:00:00Z',
      'A,1,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z',
      'B,1,2020-01-01T00:00:00Z,',
      // Nothing to give: refused, and so there is no return of it.
      'D,1,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = (name: string, ...lines: string[]) =>
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  const leftBehind = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('availability-replay-'));

  it('runs in a service of its own, and leaves nothing behind', async () => {
    const before = leftBehind();
    const { code, output, said } = await runScript(replayScript, [folder, '--concurrency', '2']);
    expect({ code, said }).toEqual({ code: 0, said: [] });
    const report = new Map(
      output.split('\n').map((line): [string, string] => {
        const [, name = '', value = ''] = /^(.*?)\s+([\d.,]+)$/.exec(line) ?? [];
        return [name, value];
      }),
    );
    expect(Object.fromEntries(report)).toMatchObject({
      accepted: '3',
      refused: '1',
      completed: '2',
      'out at the end': '1',
      'products rented out at the end': '1',
      'times a last unit went out': '2',
      requests: '6',
      'requests sent again': '0',
      'requests per second': expect.stringMatching(/\d/),
    });
    expect(leftBehind()).toEqual(before);
  });

  it.each(DATABASES)('runs on DATABASE_URL where that is asked for: %s', async (kind) => {
    const testDatabase = await createDatabase(kind);
    const service = await startService(testDatabase);
    try {
      const { code } = await runScript(replayScript, [folder, '--database', '--store', '9'], {
        DATABASE_URL: testDatabase.url,
      });
      expect(code).toBe(0);
      const { body } = await service.client({ storeId: 9 }).get('/api/products?sku=B');
      expect(body.data).toMatchObject([{ quantity: 2, quantity_rented: 1 }]);
    } finally {
      await service.stop();
      await testDatabase.drop();
    }
  });

  it('says what is wrong with a token', async () => {
    const service = await startService('sqlite');
    try {
      const argv = [folder, '--url', service.url, '--token', 'nonsense'];
      const { code, said } = await runScript(replayScript, argv);
      expect(code).toBe(1);
      expect(said[0]).toMatch(/^The service answered 401: /);
    } finally {
      await service.stop();
    }
  });

  it('names the lines of its files that can not be used', async () => {
    const spoilt = mkdtempSync(join(tmpdir(), 'availability-history-'));
    writeFileSync(join(spoilt, 'products.csv'), 'sku,name,quantity\nA,A,1\n');
    writeFileSync(
      join(spoilt, 'rentals.csv'),
      'sku,user_id,starts_at,returned_at\nZ,1,2020-01-01T00:00:00Z,\nA,1,yesterday,\n' +
        'A,1,2020-01-02T00:00:00Z,2020-01-02T00:00:00Z\n',
    );
    const { code, said } = await runScript(replayScript, [spoilt]);
    rmSync(spoilt, { recursive: true });
    expect(code).toBe(1);
    expect(said).toEqual([
      'rentals.csv line 2: sku: products.csv has no Z',
      expect.stringMatching(/^rentals.csv line 3: starts_at: /),
      'rentals.csv line 4: returned_at: must be after starts_at',
    ]);
  });
});

describe('a client that meets a service in trouble', () => {
  let server: Server;
  let url: string;
  const keys: unknown[] = [];
  const troubles: ('503' | 'cut' | '200')[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        keys.push(request.headers['idempotency-key']);
        const trouble = troubles.shift();
        if (trouble === 'cut') request.socket.destroy();
        else if (trouble === '503') response.writeHead(503, { 'Retry-After': '1' }).end('{}');
        else response.writeHead(200).end('{"done":true}');
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
  });

  it('sends the same request under the same key again, after the time that Retry-After asks for', async () => {
    troubles.push('503', 'cut', '200');
    const client = serviceClient({ url, token: 'x', connections: 1 });
    const startedMs = performance.now();
    const answer = await client.post('/x', { a: 1 }, 'key-1');
    client.close();
    expect(answer).toMatchObject({ status: 200, body: { done: true } });
    expect(keys).toEqual(['key-1', 'key-1', 'key-1']);
    expect(client.repeats).toBe(2);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
  });
});
