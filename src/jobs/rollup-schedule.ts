import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { purgeReports } from '../persistence/reports.js';
import { isBehind, rollUp } from './rollups.js';
import { schedule } from './schedule.js';

const LEASE = 'roll-up';
const LEASE_SECONDS = 120;
const EVERY_MINUTE = '* * * * *';

export interface RollUpSettings {
  readonly lowStockThreshold: number;
  readonly reportRetentionDays: number;
  /** when it is looked whether a day is over: a cron expression; tests are in a hurry */
  readonly cron?: string;
}

/**
 * Adds ledgers up by the day for the reports, on one copy of the service, soon after a day is well
 * over; after that it removes reports that are past their time. Stop it with the function it
 * returns.
 */
export function startRollUpSchedule(
  settings: RollUpSettings,
  parts: { database: Database; log: Logger },
): () => Promise<void> {
  const { database, log } = parts;
  const ours = leases(database, newId());
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const run = async () => {
    const goOn = async () => !stopped && (await ours.hold(LEASE, LEASE_SECONDS));
    if (!(await isBehind(database)) || !(await goOn())) return;
    const days = await rollUp(database, { ...settings, goOn });
    if (days === 0) return;
    log.info({ days }, 'ledgers are added up for reports');
    await purgeReports(database, settings.reportRetentionDays);
  };
  const task = schedule(
    settings.cron ?? EVERY_MINUTE,
    () => {
      running = run().catch((error: unknown) => {
        log.error({ err: error }, 'ledgers could not be added up; it goes on at the next tick');
      });
      return running;
    },
    { log },
  );
  return async () => {
    stopped = true;
    await task.destroy();
    await running;
    // Where the database is away the lease runs out by itself.
    await ours.release(LEASE).catch(() => undefined);
  };
}
