import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DAY_MS } from '../../src/domain/ledger-totals.js';
import { figuresOf } from '../../src/domain/report-figures.js';
import { rollUp } from '../../src/jobs/rollups.js';
import { readRolledUp } from '../../src/persistence/ledger-totals.js';
import { createReports } from '../../src/reports/reports.js';
import { DATABASES } from '../helpers/databases.js';
import { type Line, ledgerOf, naiveTotals, stepArbitrary } from '../helpers/naive-totals.js';
import { insertLedgers } from '../helpers/past-ledger.js';
import { type Service, startService } from '../helpers/service.js';

const SEED = 20_261_121;
const DAYS = 70;
const LOW = 10;
const RULES = { lowAt: LOW, openedPublished: true };

describe.each(DATABASES)('reports on a ledger of the past on %s', (kind) => {
  let service: Service;
  let today: number;
  /** product → its ledger; the last product is another store's */
  const ledgers = new Map<number, Line[]>();

  beforeAll(async () => {
    service = await startService(kind, { LOW_STOCK_THRESHOLD: String(LOW) });
    const now = Date.now() - 1000;
    today = Math.floor(now / DAY_MS);
    const samples = fc.sample(fc.array(stepArbitrary, { minLength: 40, maxLength: 160 }), {
      seed: SEED,
      numRuns: 9,
    });
    samples.forEach((steps, i) => {
      const productId = i + 1;
      // One is about the days before, one about lately, the others about all of it.
      const [from, to] = i === 0 ? [DAYS, 40] : i === 1 ? [1, 0] : [DAYS - 1 - i, 0];
      ledgers.set(
        productId,
        ledgerOf(
          steps.map((step) => ({ ...step, gap: step.gap / 8 })),
          {
            from: (today - from) * DAY_MS,
            to: to === 0 ? now : (today - to) * DAY_MS,
            productId,
            storeId: i === 8 ? 2 : 1,
          },
        ),
      );
    });
    await insertLedgers(
      service.rows,
      [...ledgers].map(([id, lines]) => ({
        ...{ id, lines, storeId: id === 9 ? 2 : 1 },
        supplierEmail: `s${id % 2}@example.com`,
      })),
    );
  });
  afterAll(() => service.stop());

  const reports = () => createReports(service.rows, { lowStockThreshold: LOW });
  const PERIODS: [fromDaysAgo: number, toDaysAgo: number][] = [
    [DAYS + 5, 30],
    [DAYS, 0],
    [45, 3],
    [30, 29],
    [2, 0],
    [1, 1],
  ];
  const asked = ([from, to]: [number, number]) => ({ from: today - from, to: today - to + 1 });
  /** What walking every line gives of some products between two instants. */
  const naive = (productIds: readonly number[], from: number, to: number) => {
    const sum = (at: number) => {
      const each = productIds.map((id) => naiveTotals(ledgers.get(id) ?? [], at, RULES));
      const add = <T extends Record<string, number>>(parts: T[]): T =>
        parts.reduce(
          (a, b) =>
            Object.fromEntries(Object.keys(a).map((k) => [k, (a[k] ?? 0) + (b[k] ?? 0)])) as T,
        );
      return {
        at,
        begunAt: Math.min(...each.map((one) => one.begunAt)),
        levels: add(each.map((one) => one.levels)),
        integrals: add(each.map((one) => one.integrals)),
        flows: add(each.map((one) => one.flows)),
      };
    };
    return figuresOf(sum(from), sum(to));
  };
  const ofStore = [1, 2, 3, 4, 5, 6, 7, 8];

  /** Compares what is reported with what walking every line gives. */
  async function isRight() {
    for (const period of PERIODS) {
      const found = await reports().summary(1, asked(period));
      expect(found).toMatchObject(naive(ofStore, found.from, found.to));
      const { rows, from, to } = await reports().products(1, asked(period), {
        ...{ sort: 'busiest', offset: 0, limit: 100 },
      });
      expect(rows.map(({ productId }) => productId).sort()).toEqual(ofStore);
      for (const row of rows) expect(row).toMatchObject(naive([row.productId], from, to));
      const out = rows.map(({ unitHours }) => unitHours.quantityRented);
      expect(out).toEqual([...out].sort((a, b) => b - a));
    }
    const theirs = await reports().summary(2, asked([DAYS, 0]));
    expect(theirs).toMatchObject(naive([9], theirs.from, theirs.to));
    for (const productId of [null, 3]) {
      for (const period of PERIODS) {
        const { points, from, to, stepSeconds } = await reports().levels(
          1,
          asked(period),
          productId,
        );
        expect(points.length).toBeLessThanOrEqual(400);
        expect(points[0]?.at).toBe(from);
        const some = [0, Math.floor(points.length / 2), points.length - 1];
        for (const point of some.map((i) => points[i])) {
          if (!point) throw new Error('no point');
          const { at, ...averages } = point;
          const end = Math.min(at + stepSeconds * 1000, to);
          const which = productId === null ? ofStore : [productId];
          expect(naive(which, at, end).averageLevels).toEqual(averages);
        }
      }
    }
  }

  it('are right before anything is added up', isRight, 60_000);

  it('are right after the days that are over are added up, in one go or cut off half way', async () => {
    let pages = 2;
    const goOn = () => pages-- > 0;
    expect(await rollUp(service.rows, { lowStockThreshold: LOW, goOn })).toBeLessThan(DAYS);
    await isRight();
    expect(await rollUp(service.rows, { lowStockThreshold: LOW })).toBeGreaterThan(0);
    await isRight();
    const { day } = await readRolledUp(service.rows);
    expect(day).toBeGreaterThanOrEqual(today - 2);
    expect(await rollUp(service.rows, { lowStockThreshold: LOW })).toBe(0);
  }, 120_000);

  it('are the same where a run was made twice over', async () => {
    const before = await service.rows.select('SELECT * FROM store_days ORDER BY store_id, day');
    await service.rows.run('DELETE FROM rollups');
    await rollUp(service.rows, { lowStockThreshold: LOW });
    const after = await service.rows.select('SELECT * FROM store_days ORDER BY store_id, day');
    expect(after).toEqual(before);
    await isRight();
  }, 60_000);

  it('come page by page, in one order', async () => {
    const all = await reports().products(1, asked([40, 0]), {
      ...{ sort: 'idlest', offset: 0, limit: 100 },
    });
    const pages = await Promise.all(
      [0, 3, 6].map((offset) =>
        reports().products(1, asked([40, 0]), { sort: 'idlest', offset, limit: 3 }),
      ),
    );
    const ids = (page: { rows: readonly { productId: number }[] }) =>
      page.rows.map(({ productId }) => productId);
    expect(pages.flatMap(ids)).toEqual(ids(all));
    expect(pages.map(({ hasMore }) => hasMore)).toEqual([true, all.rows.length > 6, false]);
  });

  it('tell how long suppliers took', async () => {
    const { rows, from, to } = await reports().suppliers(1, asked([DAYS, 0]));
    for (const supplier of ['s0@example.com', 's1@example.com']) {
      const theirs = ofStore.filter((id) => `s${id % 2}@example.com` === supplier);
      const totals = theirs.map((id) => {
        const [start, end] = [from, to].map((at) => naiveTotals(ledgers.get(id) ?? [], at, RULES));
        return {
          notices: (end?.flows.lowNotices ?? 0) - (start?.flows.lowNotices ?? 0),
          answered: (end?.flows.lowAnswers ?? 0) - (start?.flows.lowAnswers ?? 0),
          waitMs: (end?.flows.lowWaitMs ?? 0) - (start?.flows.lowWaitMs ?? 0),
        };
      });
      const sum = (of: 'notices' | 'answered' | 'waitMs') =>
        totals.reduce((all, one) => all + one[of], 0);
      const found = rows.find(({ supplierEmail }) => supplierEmail === supplier);
      expect(sum('answered')).toBeGreaterThan(0);
      expect(found).toMatchObject({
        products: theirs.length,
        notices: sum('notices'),
        answered: sum('answered'),
        averageHours: Math.round((sum('waitMs') / sum('answered') / 3_600_000) * 1e4) / 1e4,
      });
    }
  });

  it('say how many units were never needed', async () => {
    const month = new Date((today - 45) * DAY_MS);
    const asked = { year: month.getUTCFullYear(), month: month.getUTCMonth() + 1 };
    const { rows, from, to } = await reports().stockAdvice(1, asked, { offset: 0, limit: 100 });
    for (const id of ofStore) {
      const lines = ledgers.get(id) ?? [];
      const before = lines.findLast(({ createdAt }) => createdAt < from);
      const within = lines.filter(({ createdAt }) => createdAt >= from && createdAt < to);
      const free = [...(before ? [before] : []), ...within].map((l) => l.after.quantityAvailable);
      const [start, end] = [from, to].map((at) => naiveTotals(lines, at, RULES));
      const wasPublished = (end?.integrals.published ?? 0) > (start?.integrals.published ?? 0);
      const least = wasPublished && free.length > 0 ? Math.min(...free) : 0;
      const found = rows.find(({ productId }) => productId === id);
      expect({ id, least: found?.neverNeeded ?? 0 }).toEqual({ id, least });
    }
  });
});
