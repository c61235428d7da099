import { type ScheduledTask, schedule as scheduleByCron } from 'node-cron';
import type { Logger } from '../log.js';

/**
 * A tick that comes so late (a process that was busy or asleep) is still run; shorter than leases
 * last, so that a copy that is late does not take what another has done.
 */
const LATE_MAX_MS = 10_000;
/** A missed tick is worth a warning where the next one is further away than this. */
const SOON_MS = 3_600_000;

/**
 * Runs `work` at the ticks of a cron expression, in local time or in the zone that is named. A tick
 * that comes while `work` still runs is left out. What is to be said of it is said in the log.
 */
export function schedule(
  cron: string,
  work: () => unknown,
  { log, timezone }: { log: Logger; timezone?: string },
): ScheduledTask {
  const task = scheduleByCron(cron, work, {
    noOverlap: true,
    missedExecutionTolerance: LATE_MAX_MS,
    logger: {
      info: (message) => log.debug(message),
      // Of a tick that is left out because the one before it still runs.
      warn: (message) => log.debug(message),
      error: (message, error) => log.error({ err: error ?? message }, 'a job failed'),
      debug: (message, error) => log.debug({ err: error }, String(message)),
    },
    ...(timezone === undefined ? {} : { timezone }),
  });
  task.on('execution:missed', ({ date }) => {
    const isMadeGoodSoon = (task.msToNext() ?? 0) < SOON_MS;
    log[isMadeGoodSoon ? 'debug' : 'warn'](
      { cron, due: date },
      'a job missed its time: the process was busy or asleep',
    );
  });
  return task;
}
