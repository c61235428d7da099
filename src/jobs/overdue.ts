import type { Core } from '../core.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { listUntoldOverdue } from '../persistence/reads/overdue.js';
import { schedule } from './schedule.js';

const LEASE = 'overdue-rentals';
/** renewed before each round of a run; when its holder dies, another copy takes over after that */
const LEASE_SECONDS = 30;
const EVERY_MINUTE = '0 * * * * *';
const RENTALS_AT_ONCE = 200;

/**
 * Tells of rentals that are overdue, each once, over all stores, on one copy of the service. Stop it
 * with the function it returns; `cron` is given in tests only.
 */
export function startOverdueSchedule(
  parts: { core: Core; database: Database; log: Logger },
  cron = EVERY_MINUTE,
): () => Promise<void> {
  const { core, database, log } = parts;
  const ours = leases(database, newId());
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const run = async () => {
    const failed: string[] = [];
    while (!stopped && (await ours.hold(LEASE, LEASE_SECONDS))) {
      const rentals = await listUntoldOverdue(database, {
        limit: RENTALS_AT_ONCE,
        except: failed,
      });
      if (rentals.length === 0) return;
      const told = await Promise.allSettled(
        rentals.map(({ id: rentalId, storeId, productId }) =>
          core.send({
            kind: 'tell_overdue',
            id: newId(),
            storeId,
            actor: 'overdue:cron',
            idempotency: null,
            productId,
            rentalId,
          }),
        ),
      );
      // One that could not be told was logged where it failed; the next run tries it again.
      rentals.forEach(({ id }, at) => {
        const answer = told[at];
        const isTold = answer?.status === 'fulfilled' && answer.value.outcome.ok;
        if (!isTold) failed.push(id);
      });
      if (failed.length >= RENTALS_AT_ONCE) return;
    }
  };
  const task = schedule(
    cron,
    () => {
      running = running.then(run).catch((error: unknown) => {
        log.error(
          { err: error },
          'overdue rentals could not be told; tried again at the next tick',
        );
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
