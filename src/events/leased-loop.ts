import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { Signal } from './signal.js';

/** Work that one copy of the service does at a time, turn by turn. */
export interface LeasedLoop {
  /** There may be something to do. Cheap. */
  nudge(): void;
  /** Resolves when the turn under way is over, and the lease given back. */
  stop(): Promise<void>;
}

export interface LeasedWork {
  /** of the lease */
  readonly name: string;
  /** for which the lease lasts, in s: longer than a turn ever takes */
  readonly leaseSeconds: number;
  /** Does what there is to do; returns ms until it is looked again, where nobody nudges. */
  turn(): Promise<number>;
}

const AFTER_A_FAULT_MS = 1_000;

/** Runs turns while this copy has the lease. One that throws is logged, once in a row, and repeated. */
export function startLeasedLoop(
  work: LeasedWork,
  { database, log }: { database: Database; log: Logger },
): LeasedLoop {
  const { name, leaseSeconds } = work;
  const ours = leases(database, newId());
  const news = new Signal();
  const renewMs = (leaseSeconds * 1000) / 3;
  let stopped = false;
  let isOurs = false;
  let renewAtMs = 0;
  let isAway = false;

  const turn = async (): Promise<number> => {
    const nowMs = performance.now();
    if (!isOurs || nowMs >= renewAtMs) {
      isOurs = await ours.hold(name, leaseSeconds);
      renewAtMs = nowMs + renewMs;
    }
    const waitMs = isOurs ? await work.turn() : renewMs;
    isAway = false;
    return Math.min(waitMs, renewMs);
  };

  const run = async () => {
    while (!stopped) {
      let waitMs: number;
      try {
        waitMs = await turn();
      } catch (error) {
        isOurs = false;
        waitMs = AFTER_A_FAULT_MS;
        if (!isAway) log.warn({ err: error, job: name }, 'a job can not go on just now');
        isAway = true;
      }
      if (waitMs > 0 && !stopped) await news.wait(waitMs);
    }
  };
  const running = run();

  return {
    nudge() {
      if (isOurs) news.give();
    },
    async stop() {
      stopped = true;
      news.give();
      await running;
      // Where the database is away the lease runs out by itself.
      await ours.release(name).catch(() => undefined);
    },
  };
}
