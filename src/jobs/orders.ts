import type { Core } from '../core.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { schedule } from './schedule.js';

const LEASE = 'orders';
/** renewed before each round of a run; when its holder dies, another copy takes over after that */
const LEASE_SECONDS = 30;

export interface OrderScheduleOptions {
  /** when orders that are over unpaid are looked for, and payments to be seen to: a cron expression */
  readonly attendCron: string;
  /** when the provider is asked for what no webhook said: a cron expression */
  readonly reconcileCron: string;
}

/** What a service uses; tests are in a hurry. */
export const ORDER_SCHEDULE: OrderScheduleOptions = {
  attendCron: '*/5 * * * * *',
  reconcileCron: '0 40 3 * * *',
};

/**
 * Sees to orders on a schedule, on one copy of the service at a time. Stop it with the function it
 * returns.
 */
export function startOrderSchedule(
  options: OrderScheduleOptions,
  parts: { core: Core; database: Database; log: Logger },
): () => Promise<void> {
  const { core, database, log } = parts;
  const { payments, orders } = core;
  const ours = leases(database, newId());
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  const hold = async () => !stopped && (await ours.hold(LEASE, LEASE_SECONDS));

  const attend = async () => {
    // Asked first, so that a service without orders takes no lease every few seconds.
    const [due, open] = [await orders.due(1), await orders.toAttend(1)];
    if (due.length + open.length === 0 || !(await hold())) return;
    const expired = await payments.expireDue(hold);
    const attended = await payments.attend(hold);
    if (expired + attended > 0) log.info({ expired, attended }, 'orders were seen to');
  };
  const reconcile = async () => {
    if (!(await hold())) return;
    const found = await payments.reconcile(hold);
    log.info({ found }, 'orders were compared with the payment provider');
  };
  const safely = (work: () => Promise<void>) => () => {
    running = running.then(work).catch((error: unknown) => {
      log.error({ err: error }, 'orders could not be seen to; it goes on at the next tick');
    });
    return running;
  };

  const tasks = [
    schedule(options.attendCron, safely(attend), { log }),
    schedule(options.reconcileCron, safely(reconcile), { log }),
  ];
  return async () => {
    stopped = true;
    await Promise.all(tasks.map((task) => task.destroy()));
    await running;
    // Where the database is away the lease runs out by itself.
    await ours.release(LEASE).catch(() => undefined);
  };
}
