import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DAY_MS } from '../../src/domain/ledger-totals.js';
import { startReportSchedule } from '../../src/jobs/report-schedule.js';
import { startRollUpSchedule } from '../../src/jobs/rollup-schedule.js';
import { createLogger } from '../../src/log.js';
import { integer } from '../../src/persistence/rows.js';
import { RefusalCounter } from '../../src/reports/refusal-counter.js';
import { rent } from '../helpers/commands.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { ledgerOf } from '../helpers/naive-totals.js';
import { insertLedgers } from '../helpers/past-ledger.js';
import { eventually } from '../helpers/recorder.js';
import { type Service, startService } from '../helpers/service.js';

/** What the jobs of the service itself would make is not what is asked. */
const OFF = { REPORT_DAILY_CRON: 'off', REPORT_WEEKLY_CRON: 'off', REPORT_MONTHLY_CRON: 'off' };
const EVERY_SECOND = '* * * * * *';
const log = createLogger('silent');
const seconds = (s: number) => new Promise((resolve) => setTimeout(resolve, s * 1000));

describe.each(DATABASES)('the jobs of reports on %s', (kind) => {
  let on: TestDatabase;
  let service: Service;

  beforeEach(async () => {
    on = await createDatabase(kind);
    service = await startService(on, OFF);
  });
  afterEach(async () => {
    await service.stop();
    await on.drop();
  });
  const count = async (sql: string) => {
    const [row] = await service.rows.select(`SELECT COUNT(*) AS n FROM ${sql}`);
    return row ? integer(row, 'n') : 0;
  };

  it('make each report once for each store, however many copies and ticks there are', async () => {
    for (const storeId of [1, 2]) await service.client({ storeId }).get('/api/products');
    const calendar = {
      reportDailyCron: EVERY_SECOND,
      reportWeeklyCron: null,
      reportMonthlyCron: EVERY_SECOND,
    };
    const parts = { core: service.app.core, database: service.rows, log };
    const stops = [startReportSchedule(calendar, parts), startReportSchedule(calendar, parts)];
    await seconds(3.5);
    for (const stop of stops) await stop();
    const rows = await service.rows.select('SELECT store_id, kind FROM reports');
    const made = rows.map((row) => `${row['store_id']} ${row['kind']}`).sort();
    expect(made).toEqual(['1 low_stock', '1 stock_review', '2 low_stock', '2 stock_review']);
  });

  it('make a report that was missed, for the stores that were there at its time', async () => {
    for (const storeId of [1, 2]) await service.client({ storeId }).get('/api/products');
    await service.rows.run("UPDATE stores SET created_at = '2020-01-01 00:00:00' WHERE id = 1");
    const calendar = {
      // Today at 0:00, on the first of the month, and never.
      reportDailyCron: '0 0 * * *',
      reportWeeklyCron: null,
      reportMonthlyCron: '0 0 1 * *',
    };
    const parts = { core: service.app.core, database: service.rows, log };
    const stops = [startReportSchedule(calendar, parts), startReportSchedule(calendar, parts)];
    await eventually('two reports are kept', async () => (await count('reports')) === 2);
    for (const stop of stops) await stop();
    const rows = await service.rows.select('SELECT store_id, kind FROM reports');
    const made = rows.map((row) => `${row['store_id']} ${row['kind']}`).sort();
    expect(made).toEqual(['1 low_stock', '1 stock_review']);
  });

  it('add up the days that are over, and remove what is past its time', async () => {
    const today = Math.floor(Date.now() / DAY_MS);
    const steps = Array.from({ length: 30 }, () => ({ kind: 'rent', units: 1, gap: 0.2 }) as const);
    const [from, to] = [today - 9, today - 2].map((day) => day * DAY_MS);
    await insertLedgers(service.rows, [
      { id: 1, storeId: 1, lines: ledgerOf(steps, { from: from ?? 0, to: to ?? 0 }) },
    ]);
    await service.rows.run(
      "INSERT INTO refusals (store_id, hour, product_id, code, requests, units_short) VALUES (1, 1, 1, 'out_of_stock', 1, 1)",
    );
    const settings = { lowStockThreshold: 1, reportRetentionDays: 30, cron: EVERY_SECOND };
    const stop = startRollUpSchedule(settings, { database: service.rows, log });
    await seconds(2.5);
    await stop();
    expect(await count('product_days')).toBeGreaterThan(2);
    expect(await count(`rollups WHERE day >= ${today - 2}`)).toBe(1);
    expect(await count('refusals')).toBe(0);
  });

  it('write the refusals down that were counted when a copy stops, and add to what is there', async () => {
    for (let run = 0; run < 2; run++) {
      const client = service.client();
      await client.post('/api/products', { sku: 'A', name: 'A', quantity: 1, publish: true });
      await client.post('/api/rentals', { product_id: 'A', quantity: 3 });
      await service.stop();
      service = await startService(on, OFF);
    }
    const rows = await service.rows.select(
      'SELECT SUM(requests) AS n, SUM(units_short) AS u FROM refusals',
    );
    expect(rows.map((row) => [integer(row, 'n'), integer(row, 'u')])).toEqual([[2, 4]]);
  });

  it('lose refusals that can not be written, and nothing else', async () => {
    await service.rows.run('DROP TABLE refusals');
    const warned: unknown[] = [];
    const counter = new RefusalCounter({
      database: service.rows,
      log: Object.assign(Object.create(log), { warn: (facts: unknown) => warned.push(facts) }),
    });
    const refusal = { code: 'out_of_stock', available: 0, requested: 2 } as const;
    counter.answered(rent(2), { outcome: { ok: false, refusal }, replayed: false });
    await counter.flush();
    expect(warned).toEqual([{ err: expect.any(Error), requests: 1 }]);
    await counter.flush();
    expect(warned).toHaveLength(1);
  });
});
