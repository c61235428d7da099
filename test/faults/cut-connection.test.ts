import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { check } from '../helpers/checker.js';
import { createDatabase, serverUrl, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, type Recorder, rentalOf, sleep } from '../helpers/recorder.js';
import { clientOf, tokenFor } from '../helpers/service.js';
import { startProxy, type TcpProxy, type Verdict } from '../helpers/tcp-proxy.js';

const QUERY_TIMEOUT = { QUERY_TIMEOUT_SECONDS: '2' };

describe('a connection to the database that is cut', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  /** behind the proxy */
  let cut: ServiceProcess;
  /** beside it, on the same database */
  let whole: ServiceProcess;
  const recorder: Recorder = createRecorder();
  let productId = 0;
  let products = 0;

  beforeAll(async () => {
    database = await createDatabase('mysql');
    const port = new URL(serverUrl()).port;
    proxy = await startProxy(Number(port));
    const url = database.url.replace(`:${port}`, `:${proxy.port}`);
    cut = await startProcess(url, QUERY_TIMEOUT);
    whole = await startProcess(database.url, QUERY_TIMEOUT);
  });
  beforeEach(async () => {
    const sku = `P${++products}`;
    const body = { sku, name: sku, quantity: 1000, publish: true };
    const made = await recorder.send(whole.url, { path: '/api/products', body });
    productId = made?.body.id;
  });
  afterEach(async () => {
    proxy.judge = () => 'pass';
    proxy.blackhole = false;
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
    // Nobody's fault here is a bug, and none of them ends the process.
    expect(recorder.exchanges.filter(({ answer }) => answer?.status === 500)).toEqual([]);
    expect(recorder.exchanges.filter(({ answer }) => answer === null)).toEqual([]);
  });
  afterAll(async () => {
    killAll();
    await proxy.close();
    await database.drop();
  });

  /** Gives the next statements that match a verdict, `times` of them. */
  function next(pattern: RegExp, verdict: Verdict, times = 1): { left: number } {
    const counter = { left: times };
    proxy.judge = (sql) => {
      if (counter.left === 0 || !pattern.test(sql)) return 'pass';
      counter.left--;
      return verdict;
    };
    return counter;
  }

  const rent = (service: ServiceProcess, key: string | null = null) =>
    recorder.send(service.url, { path: '/api/rentals', body: rentalOf(productId), key });

  const resolved = async (fate: string) => {
    const text = await (await fetch(`${cut.url}/metrics`)).text();
    const line = new RegExp(`commits_resolved_total{fate="${fate}"} (\\d+)`).exec(text);
    return Number(line?.[1] ?? 0);
  };

  it.each<[string, Verdict, string]>([
    ['was carried out and whose answer was lost', 'answer_lost', 'committed'],
    ['was carried out and whose answer never comes', 'answer_swallowed', 'committed'],
    ['arrives later, when it was looked up already', 'late', 'rolled_back'],
    ['never arrived, while the old session keeps its locks', 'cut', 'rolled_back'],
    ['never arrived, on a connection that is dead without a word', 'blackhole', 'rolled_back'],
  ])(
    'finds out about a COMMIT that %s, and answers as if nothing had been',
    async (_, verdict, fate) => {
      const before = await resolved(fate);
      const counter = next(/^COMMIT/, verdict);
      const answer = await rent(cut, `commit ${verdict}`);
      expect(counter.left).toBe(0);
      expect(answer).toMatchObject({ status: 201, replayed: false });
      expect(await resolved(fate)).toBe(before + 1);
      if (verdict === 'late') await sleep(700);
      expect(await rent(whole)).toMatchObject({ status: 201, body: { quantity_available: 998 } });
    },
    60_000,
  );

  it('looks a batch up that wrote no ledger line', async () => {
    const body = { name: 'Back end', role: 'service' };
    for (const verdict of ['answer_lost', 'cut'] as const) {
      next(/^COMMIT/, verdict);
      const made = await clientOf(cut.url, tokenFor).post('/api/api-keys', body);
      expect(made.status).toBe(201);
    }
    const keys = await clientOf(whole.url, tokenFor).get('/api/api-keys');
    expect(keys.body.data).toHaveLength(2);
  });

  it('answers everybody rightly while one COMMIT in three loses its answer or itself', async () => {
    let commits = 0;
    const fates: Verdict[] = ['answer_lost', 'pass', 'pass', 'cut', 'pass', 'pass', 'reset'];
    proxy.judge = (sql) =>
      /^COMMIT/.test(sql) ? (fates[commits++ % fates.length] ?? 'pass') : 'pass';
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await sleep(i * 20);
        return rent(i % 2 === 0 ? cut : whole, i % 4 === 0 ? `load ${i}` : null);
      }),
    );
    expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 201));
  });

  it('runs a batch again whose connection was reset while it held the lock', async () => {
    next(/^INSERT INTO movements/, 'reset', 2);
    expect(await rent(cut)).toMatchObject({ status: 201, body: { quantity_available: 999 } });
  });

  it('does not let a dead connection keep the lock', async () => {
    const counter = next(/^INSERT INTO movements/, 'blackhole');
    const started = performance.now();
    const first = rent(cut);
    await eventually('the lock is held', () => counter.left === 0);
    const second = await rent(whole);
    expect(second?.status).toBe(201);
    expect(await first).toMatchObject({ status: 201 });
    expect(performance.now() - started).toBeLessThan(9_000);
  });

  it('says 503 with Retry-After while nothing passes, and is back within seconds', async () => {
    proxy.blackhole = true;
    const answers = await Promise.all([rent(cut), rent(cut, 'dark'), rent(cut, 'dark')]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, retryAfter: expect.any(String) });
    }
    const asked = performance.now();
    expect((await fetch(`${cut.url}/readyz`)).status).toBe(503);
    expect(performance.now() - asked).toBeLessThan(1_200);
    expect((await fetch(`${cut.url}/healthz`)).status).toBe(200);
    proxy.blackhole = false;
    await eventually('back', async () => (await rent(cut))?.status === 201);
    await eventually('ready', async () => (await fetch(`${cut.url}/readyz`)).ok);
  }, 60_000);
});
