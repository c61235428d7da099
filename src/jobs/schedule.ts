import { createTask, parse, type ScheduledTask, schedule as scheduleByCron } from 'node-cron';
import type { Instant } from '../domain/instant.js';
import { DAY_MS } from '../domain/ledger-totals.js';
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

/** The first tick of a cron expression in UTC within a time, both its ends included; null: none. */
export function firstTick(cron: string, within: { from: Instant; to: Instant }): Instant | null {
  const { hour, minute, second } = parse(cron);
  const [hours, minutes, seconds] = [Math.min(...hour), Math.min(...minute), Math.min(...second)];
  const task = createTask(cron, () => undefined, { timezone: 'UTC' });
  try {
    // Each day that it ticks on it does so first at the same time.
    for (let day = Math.floor(within.from / DAY_MS); ; day++) {
      const tick = day * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
      if (tick > within.to) return null;
      if (tick >= within.from && task.match(new Date(tick))) return tick;
    }
  } finally {
    void task.destroy();
  }
}
