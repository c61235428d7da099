import type { Command, Outcome } from '../domain/command.js';
import { HOUR_MS } from '../domain/ledger-totals.js';
import type { Reason } from '../domain/refusal.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { addRefusals, type RefusalCount, SHORTAGE_CODES } from '../persistence/refusals.js';

const COUNTERS_MAX = 10_000;
const FLUSH_MS = 5_000;

const byKey = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);

/**
 * Counts the requests that were refused for want of units. A refused command leaves no row, so they
 * are counted here and written every few seconds, beside the commands and never in their way. What
 * could not be written is lost, and said in the log: it is a statistic, and no promise.
 */
export class RefusalCounter {
  readonly #parts: { database: Database; log: Logger; now: () => number };
  #counts = new Map<string, RefusalCount>();
  #dropped = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: { database: Database; log: Logger; now?: () => number }) {
    this.#parts = { now: Date.now, ...parts };
  }

  /** Counts an answer, where it is a refusal of this kind and none that is repeated. */
  answered(command: Command, answer: { outcome: Outcome; replayed: boolean }): void {
    if (answer.outcome.ok || answer.replayed) return;
    const { refusal } = answer.outcome;
    const short = new Map<number, Reason>();
    if (refusal.lines) {
      const lines = 'lines' in command ? command.lines : [];
      for (const { index, reason } of refusal.lines) {
        const productId = lines[index]?.productId;
        // Each line of a product tells of their sum.
        if (productId !== undefined) short.set(productId, reason);
      }
    } else if ('productId' in command) short.set(command.productId, refusal);
    for (const [productId, reason] of short) this.#count(command.storeId, productId, reason);
  }

  #count(storeId: number, productId: number, reason: Reason): void {
    const code = SHORTAGE_CODES.find((known) => known === reason.code);
    if (code === undefined) return;
    const unitsShort = 'available' in reason ? reason.requested - reason.available : 0;
    const hour = Math.floor(this.#parts.now() / HOUR_MS);
    const key = `${storeId}:${productId}:${hour}:${code}`;
    const known = this.#counts.get(key);
    if (!known && this.#counts.size >= COUNTERS_MAX) {
      this.#dropped++;
      return;
    }
    this.#counts.set(key, {
      ...{ storeId, productId, hour, code },
      requests: (known?.requests ?? 0) + 1,
      unitsShort: (known?.unitsShort ?? 0) + unitsShort,
    });
  }

  /** Writes what was counted. Never throws. */
  flush(): Promise<void> {
    // In one order, so that copies which write at once do not wait for each other in a circle.
    const counts = [...this.#counts].sort(byKey).map(([, count]) => count);
    const dropped = this.#dropped;
    this.#counts = new Map();
    this.#dropped = 0;
    if (counts.length === 0) return this.#writing;
    const { database, log } = this.#parts;
    if (dropped > 0)
      log.warn({ requests: dropped }, 'refused requests were too many to be counted');
    this.#writing = this.#writing
      .then(() => addRefusals(database, counts))
      .catch((error: unknown) => {
        const requests = counts.reduce((sum, count) => sum + count.requests, 0);
        log.warn({ err: error, requests }, 'refused requests could not be counted');
      });
    return this.#writing;
  }

  /** Writes every few seconds. Returns what ends that, having written the rest. */
  start(): () => Promise<void> {
    const timer = setInterval(() => void this.flush(), FLUSH_MS);
    timer.unref();
    return async () => {
      clearInterval(timer);
      await this.flush();
    };
  }
}
