import { schedule } from 'node-cron';
import type { Core } from '../core.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { listAbandonedRuns } from '../persistence/sync-runs.js';

const LEASE = 'sync-quantities';
/**
 * How long the lease of one tick is kept: longer than the clocks of copies differ, so that a tick
 * is taken once, and shorter than any schedule worth having.
 */
const TICK_SECONDS = 30;
const EVERY_MINUTE = '* * * * *';

/**
 * Runs sync over all stores on a schedule, on one copy of the service. A run whose process died is
 * carried on by another copy within minutes. Stop it with the function it returns.
 */
export function startSyncSchedule(
  cron: string,
  parts: { core: Core; database: Database; log: Logger },
): () => Promise<void> {
  const { core, database, log } = parts;
  const holder = newId();
  const ours = leases(database, holder);
  let running: Promise<void> = Promise.resolve();

  const start = async () => {
    if (!(await ours.hold(LEASE, TICK_SECONDS))) return;
    const { outcome } = await core.send({
      kind: 'start_sync',
      id: newId(),
      storeId: 0,
      actor: 'sync:cron',
      idempotency: null,
      run: {
        id: newId(),
        storeId: null,
        productId: null,
        startedBy: 'cron',
        dryRun: false,
        deep: false,
      },
    });
    if (outcome.ok) await finish(outcome.value.runId);
  };
  const carryOn = async () => {
    for (const run of await listAbandonedRuns(database)) await finish(run.id);
  };
  const finish = async (runId: string) => {
    const report = await core.sync.carryOut(runId);
    if (!report) return;
    const { totalProducts } = report.run;
    const summary = { run: runId, products: totalProducts, drifted: report.driftedProducts };
    if (report.driftedProducts === 0) log.info(summary, 'sync found no drift');
    else log.warn({ ...summary, details: report.details }, 'sync found drift, and repaired it');
  };
  const safely = (work: () => Promise<void>) => () => {
    running = running.then(work).catch((error: unknown) => {
      log.error({ err: error }, 'sync failed; it goes on at the next tick');
    });
    return running;
  };

  const tasks = [
    schedule(cron, safely(start), { noOverlap: true }),
    schedule(EVERY_MINUTE, safely(carryOn), { noOverlap: true }),
  ];
  return async () => {
    await Promise.all(tasks.map((task) => task.destroy()));
    await running;
  };
}
