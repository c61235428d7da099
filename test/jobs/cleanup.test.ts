import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { newId } from '../../src/ids.js';
import { type CleanupObserver, createCleanups } from '../../src/jobs/cleanup.js';
import { startCleanupSchedule } from '../../src/jobs/cleanup-schedule.js';
import { createLogger } from '../../src/log.js';
import { type OpenCore, openCore } from '../../src/open-core.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { leases } from '../../src/persistence/leases.js';
import { integer, text } from '../../src/persistence/rows.js';
import { create, keyed, line, rent, reserve, startCleanup } from '../helpers/commands.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { eventually } from '../helpers/recorder.js';
import { testConfig } from '../helpers/service.js';

const log = createLogger('silent');
const BATCH_SIZE = 3;
const HOUR_MS = 3_600_000;
const KEY = 'k'.repeat(64);

describe.each(DATABASES)('the cleanup of holds on %s', (kind) => {
  let testDatabase: TestDatabase;
  let opened: OpenCore;
  let rows: Database;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    testDatabase = await createDatabase(kind);
    const config = testConfig({
      DATABASE_URL: testDatabase.url,
      RESERVATION_CLEANUP_BATCH_SIZE: String(BATCH_SIZE),
    });
    opened = await openCore(config, log);
    for (const storeId of [1, 2]) await opened.ensureStore(storeId);
    rows = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    await opened.close();
    await rows.close();
    await testDatabase.drop();
  });

  const send: OpenCore['core']['send'] = (command) => opened.core.send(command);

  /** A product with these holds, in units, of which the first `due` are due. */
  async function heldProduct(storeId: number, units: number[], due: number): Promise<number> {
    const sku = newId();
    const made = create([{ sku, quantity: 100, publish: true }], { id: newId(), storeId });
    await send(made);
    const product = await opened.core.products.find(storeId, sku);
    const productId = product?.id ?? 0;
    const lines = units.map((quantity, n) =>
      line(quantity, {
        productId,
        cartId: `cart ${n}`,
        reservationId: newId(),
        expiry: { lastsMs: n < due ? 1 : HOUR_MS },
      }),
    );
    await send(reserve('set', lines, { id: newId(), storeId }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    return productId;
  }
  const statuses = async (productId: number) => {
    const found = await rows.select(
      `SELECT status, COUNT(*) AS holds FROM reservations WHERE product_id = ${productId} GROUP BY status`,
    );
    return Object.fromEntries(found.map((row) => [text(row, 'status'), integer(row, 'holds')]));
  };
  const cleanupsOn = (observer: CleanupObserver, sendIt = send) =>
    createCleanups(sendIt, { database: rows, batchSize: BATCH_SIZE, observer });

  it('ends all that is due in all stores, in batches of the size, and counts what it did', async () => {
    const mine = await heldProduct(1, [1, 2, 3, 4, 5, 6, 7, 9], 7);
    const theirs = await heldProduct(2, [5, 1], 1);
    const ended: unknown[] = [];
    const progress: number[] = [];
    const cleanups = cleanupsOn({
      ended: ({ batches, errors }) => ended.push({ batches, errors }),
    });
    const onProgress = ({ expired }: { expired: number }) => progress.push(expired);
    const summary = await cleanups.run(null, { actor: 'cleanup:test', onProgress });
    expect(summary).toEqual({ expired: 8, released: 28 + 5, errors: 0 });
    // one of each product, since a round is one batch; then three, and the last three
    expect(ended).toEqual([{ batches: 4, errors: 0 }]);
    expect(progress).toEqual([2, 5, 8]);
    expect(await statuses(mine)).toEqual({ expired: 7, reserved: 1 });
    expect(await statuses(theirs)).toEqual({ expired: 1, reserved: 1 });
    const [line] = (await opened.core.listMovements({ productId: theirs, before: null, limit: 1 }))
      .rows;
    expect(line).toMatchObject({
      kind: 'expire',
      actor: 'cleanup:test',
      reason: 'expired',
      delta: { quantityAvailable: 5, quantityReserved: -5 },
    });
    const product = await opened.core.products.find(1, mine);
    expect(product).toMatchObject({ quantityAvailable: 91, quantityReserved: 9 });
    expect(product?.nextHoldDueAt).toBeGreaterThan(Date.now());
    expect(await cleanups.run(null)).toEqual({ expired: 0, released: 0, errors: 0 });
  });

  it('ends what is due in one store where one is named', async () => {
    const mine = await heldProduct(1, [1], 1);
    const theirs = await heldProduct(2, [1], 1);
    const summary = await opened.core.cleanup.run(2);
    expect(summary).toEqual({ expired: 1, released: 1, errors: 0 });
    expect(await statuses(mine)).toEqual({ reserved: 1 });
    expect(await statuses(theirs)).toEqual({ expired: 1 });
  });

  it('counts a product that fails as an error, and goes on with the others', async () => {
    const failing = await heldProduct(1, [1, 1], 2);
    const others = [await heldProduct(1, [1], 1), await heldProduct(2, [2], 1)];
    const failingSend: typeof send = (command) => {
      if (command.kind === 'expire' && command.productId === failing) {
        return Promise.reject(new Error('this one fails'));
      }
      return send(command);
    };
    const summary = await cleanupsOn({ ended() {} }, failingSend).run(null);
    expect(summary).toEqual({ expired: 2, released: 3, errors: 1 });
    for (const id of others) expect(await statuses(id)).toEqual({ expired: 1 });
    expect(await statuses(failing)).toEqual({ reserved: 2 });
    // It blocks nobody meanwhile.
    const all = rent(100, { id: newId(), rentalId: newId(), productId: failing });
    expect((await send(all)).outcome.ok).toBe(true);
  });

  it('stops between batches where it is told to', async () => {
    const id = await heldProduct(1, [1, 1, 1, 1, 1], 5);
    let rounds = 0;
    const summary = await opened.core.cleanup.run(null, { goOn: () => rounds++ < 1 });
    expect(summary).toMatchObject({ expired: BATCH_SIZE });
    expect(await statuses(id)).toEqual({ expired: BATCH_SIZE, reserved: 2 });
  });

  it('passes over a product whose hint has nothing behind it', async () => {
    const id = await heldProduct(1, [1], 0);
    await rows.run(
      `UPDATE products SET next_hold_due_at = '2020-01-01 00:00:00.000' WHERE id = ${id}`,
    );
    expect(await opened.core.cleanup.run(null)).toEqual({ expired: 0, released: 0, errors: 0 });
    const product = await opened.core.products.find(1, id);
    expect(product).toMatchObject({ quantityReserved: 1, version: 2 });
    expect(product?.nextHoldDueAt).toBeGreaterThan(Date.now());
  });

  it('is carried out once for a key, and a repeat is answered with its summary', async () => {
    await heldProduct(1, [1, 2], 2);
    const runId = newId();
    const begin = () => send(startCleanup({ id: newId(), runId, ...keyed(KEY, 'r'.repeat(64)) }));
    const begun = async () => {
      const { outcome } = await begin();
      if (!outcome.ok) throw new Error('it did not begin');
      return outcome.value;
    };
    const carryOut = async (cleanup?: Awaited<ReturnType<typeof begun>>) =>
      opened.core.cleanup.carryOut({
        actor: 'admin',
        cleanup: cleanup ?? (await begun()),
        storeId: 1,
        keyHash: KEY,
      });
    const early = await begun();
    const held = leases(rows, newId());
    await held.hold(`cleanup:${runId}`, 60);
    expect(await carryOut()).toBeNull();
    await held.release(`cleanup:${runId}`);
    const summary = { expired: 2, released: 3, errors: 0 };
    expect(await Promise.all([carryOut(), carryOut()])).toEqual([summary, summary]);
    await heldProduct(1, [4], 1);
    expect(await carryOut()).toEqual(summary);
    // Nor does one begin again who was told that it had begun before it was done.
    expect(await carryOut(early)).toEqual(summary);
    expect(await carryOut()).toEqual(summary);
  });

  describe('on its schedule', () => {
    const seconds = (s: number) => new Promise((resolve) => setTimeout(resolve, s * 1000));
    const start = (everyMinutes: number, core: OpenCore['core']) => {
      const stop = startCleanupSchedule(everyMinutes, {
        core,
        database: rows,
        clock: systemClock,
        log,
      });
      stops.push(stop);
      return stop;
    };
    /** The same core, with a note of who ran. */
    const noted = (name: string, runs: string[]): OpenCore['core'] => ({
      ...opened.core,
      cleanup: {
        ...opened.core.cleanup,
        run: (storeId, options) => {
          runs.push(name);
          return opened.core.cleanup.run(storeId, options);
        },
      },
    });

    it('runs every so many minutes, fractions too, on one copy; on another when that one stops', async () => {
      const runs: string[] = [];
      const copies: Record<string, () => Promise<void>> = {
        first: start(0.02, noted('first', runs)),
        second: start(0.02, noted('second', runs)),
      };
      const id = await heldProduct(1, [1], 1);
      const startedMs = performance.now();
      await seconds(4.5);
      await eventually('two runs', () => runs.length >= 2);
      expect(await statuses(id)).toEqual({ expired: 1 });
      expect(new Set(runs).size).toBe(1);
      expect(runs.length).toBeLessThanOrEqual(1 + (performance.now() - startedMs) / 1_200);

      const [ran = ''] = runs;
      await copies[ran]?.();
      await eventually('the other copy runs', () => runs.at(-1) !== ran);
    });

    it('keeps its lease from one run to the next, however long that is', async () => {
      start(0.05, opened.core);
      const isHeldFor30s = async () => {
        const found = await rows.select(
          `SELECT 1 FROM job_leases WHERE name = 'cleanup-reservations' AND held_until > ${rows.dialect.inSeconds(30)}`,
        );
        return found.length > 0;
      };
      for (let n = 0; n < 80 && !(await isHeldFor30s()); n++) await seconds(0.1);
      expect(await isHeldFor30s()).toBe(true);
      expect(await leases(rows, newId()).hold('cleanup-reservations', 1)).toBe(false);
    });
  });
});
