import type { Clock } from '../clock.js';
import type { Core } from '../core.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { schedule } from './schedule.js';

const LEASE = 'cleanup-reservations';
/**
 * s beyond an interval for which a copy keeps the lease, from its last round on: so the same copy
 * has the next run, and when it dies another one takes over soon after it missed one.
 */
const LEASE_SECONDS = 30;
const EVERY_SECOND = '* * * * * *';

/**
 * Ends holds that are due, over all stores, every so many minutes, on one copy of the service. The
 * time since the last run is looked at every second, so that any interval is possible. Stop it
 * with the function it returns.
 */
export function startCleanupSchedule(
  everyMinutes: number,
  parts: { core: Core; database: Database; clock: Clock; log: Logger },
): () => Promise<void> {
  const { core, database, clock, log } = parts;
  const ours = leases(database, newId());
  const intervalMs = everyMinutes * 60_000;
  const leaseSeconds = Math.ceil(intervalMs / 1000) + LEASE_SECONDS;
  let nextMs = clock.monotonicMs() + intervalMs;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const run = async () => {
    let renewMs = 0;
    const hold = async () => {
      if (stopped || clock.monotonicMs() < renewMs) return !stopped;
      renewMs = clock.monotonicMs() + (LEASE_SECONDS * 1000) / 6;
      return ours.hold(LEASE, leaseSeconds);
    };
    if (!(await hold())) return;
    const summary = await core.cleanup.run(null, { actor: 'cleanup:cron', goOn: hold });
    if (summary.errors > 0) log.error(summary, 'some holds that are due could not be ended');
    else if (summary.expired > 0) log.info(summary, 'holds that were due are ended');
  };
  const task = schedule(
    EVERY_SECOND,
    () => {
      if (clock.monotonicMs() < nextMs) return;
      nextMs = clock.monotonicMs() + intervalMs;
      running = running.then(run).catch((error: unknown) => {
        log.error({ err: error }, 'the cleanup of holds failed; it goes on at the next tick');
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
