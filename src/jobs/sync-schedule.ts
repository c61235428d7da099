import type { Core } from '../core.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { listAbandonedRuns } from '../persistence/sync-runs.js';
import { schedule } from './schedule.js';

const LEASE = 'sync-quantities';

export interface SyncScheduleOptions {
  /** when a run begins: a cron expression */
  readonly cron: string;
  /**
   * s for which the copy that took a tick keeps the lease: longer than the clocks of copies
   * differ, so that a tick is taken once. When it dies, another has the next tick after that.
   */
  readonly leaseSeconds: number;
  /** when runs whose process died are looked for: a cron expression */
  readonly carryOnCron: string;
}

/** What a service uses; tests are in a hurry. */
export const SYNC_SCHEDULE = { leaseSeconds: 30, carryOnCron: '* * * * *' } as const;

/**
 * Runs sync over all stores on a schedule, on one copy of the service. A run whose process died is
 * carried on by another copy within minutes. Stop it with the function it returns.
 */
export function startSyncSchedule(
  options: SyncScheduleOptions,
  parts: { core: Core; database: Database; log: Logger },
): () => Promise<void> {
  const { core, database, log } = parts;
  const holder = newId();
  const ours = leases(database, holder);
  let running: Promise<void> = Promise.resolve();

  const start = async () => {
    if (!(await ours.hold(LEASE, options.leaseSeconds))) return;
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
    schedule(options.cron, safely(start), { log }),
    schedule(options.carryOnCron, safely(carryOn), { log }),
  ];
  return async () => {
    await Promise.all(tasks.map((task) => task.destroy()));
    await running;
    // Where the database is away the lease runs out by itself.
    await ours.release(LEASE).catch(() => undefined);
  };
}
