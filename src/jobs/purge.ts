import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { purge } from '../persistence/purge.js';
import { purgeCustomers } from '../persistence/purge-customers.js';
import { schedule } from './schedule.js';

const EVERY_TEN_MINUTES = '*/10 * * * *';
const ROWS_AT_ONCE = 500;

/** Removes what is past its time, now and then. Stop it with the function it returns. */
export function startPurgeJob(
  database: Database,
  { log, eventRetentionDays }: { log: Logger; eventRetentionDays: number },
): () => Promise<void> {
  const what = { rowsMax: ROWS_AT_ONCE, eventRetentionHours: eventRetentionDays * 24 };
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  const run = async () => {
    try {
      while (!stopped && (await purge(database, what)));
      await purgeCustomers(database, { rowsMax: ROWS_AT_ONCE, goOn: () => !stopped });
    } catch (error) {
      log.warn({ err: error }, 'what is past its time could not be removed; tried again later');
    }
  };
  const task = schedule(
    EVERY_TEN_MINUTES,
    () => {
      running = run();
      return running;
    },
    { log },
  );
  return async () => {
    stopped = true;
    await task.destroy();
    await running;
  };
}
