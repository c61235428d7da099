import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.js';
import { startSyncSchedule } from '../../src/jobs/sync-schedule.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
import { integer } from '../../src/persistence/rows.js';
import { DATABASES } from '../helpers/databases.js';
import { eventually } from '../helpers/recorder.js';
import { type Service, startService, testConfig } from '../helpers/service.js';

const EVERY_SECOND = '* * * * * *';
const NEXT_YEAR = '0 0 1 1 *';
const log = createLogger('silent');

describe.each(DATABASES)('the schedule of sync on %s', (kind) => {
  let service: Service;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    service = await startService(kind);
    const admin = service.client();
    await admin.post('/api/products', { sku: 'A', name: 'A', quantity: 3, publish: true });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    await service.stop();
  });

  /** Another copy of the service, as far as this job is concerned. */
  async function startCopy(options: { cron: string; carryOnCron: string }) {
    const { core, close } = await openCore(
      testConfig({ DATABASE_URL: service.testDatabase.url }),
      log,
    );
    const stop = startSyncSchedule(
      { ...options, leaseSeconds: 3 },
      { core, database: service.rows, log },
    );
    stops.push(close);
    return stop;
  }
  const countRuns = async () => {
    const [row] = await service.rows.select(
      'SELECT COUNT(*) AS runs FROM sync_runs WHERE finished_at IS NOT NULL',
    );
    return row ? integer(row, 'runs') : 0;
  };
  const seconds = (s: number) => new Promise((resolve) => setTimeout(resolve, s * 1000));

  it('lets one copy run at each tick, and another when that one is gone', async () => {
    const copies = [
      await startCopy({ cron: EVERY_SECOND, carryOnCron: NEXT_YEAR }),
      await startCopy({ cron: EVERY_SECOND, carryOnCron: NEXT_YEAR }),
    ];
    const startedMs = performance.now();
    await seconds(3.5);
    await eventually('two runs', async () => (await countRuns()) >= 2);
    const together = await countRuns();
    // A run for each tick so far; twice as many if both copies took them.
    const ticks = 1 + Math.floor((performance.now() - startedMs) / 1000);
    expect(together).toBeLessThanOrEqual(ticks);

    await copies[0]?.();
    await eventually('another run', async () => (await countRuns()) > together + 1);
    await copies[1]?.();
  }, 60_000);

  it('carries a run on whose process died half way', async () => {
    const id = newId();
    await service.rows.run(
      `INSERT INTO sync_runs (id, started_by, dry_run, deep, total_products, last_product_id, holder, held_until, started_at) ` +
        `VALUES ('${id}', 'cron', 0, 0, 0, 0, '0', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
    );
    await service.rows.run('UPDATE products SET quantity = 2, quantity_available = 2');
    const stop = await startCopy({ cron: NEXT_YEAR, carryOnCron: EVERY_SECOND });
    await eventually('the run is finished', async () => (await countRuns()) === 1);
    await stop();
    const { body } = await service.client().get('/api/products/sync-quantities/status');
    expect(body.data).toEqual([
      expect.objectContaining({ id, status: 'finished', total_products: 1, synced_products: 1 }),
    ]);
  });
});
