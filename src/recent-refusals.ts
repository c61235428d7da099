const MINUTE_MS = 60_000;
/** Stores whose refusals are remembered at once; those that refused nothing for longest go first. */
const STORES_MAX = 1_000;

/**
 * How many commands were refused in each of the last minutes, by store: of this copy of the service
 * alone, since a refusal leaves nothing in the tables. For somebody who looks on.
 */
export class RecentRefusals {
  readonly #minutes: number;
  readonly #now: () => number;
  readonly #stores = new Map<number, Map<number, number>>();

  constructor(minutes: number, now: () => number = Date.now) {
    this.#minutes = minutes;
    this.#now = now;
  }

  /** Counts a refusal in the present minute. */
  refused(storeId: number): void {
    const minute = this.#minute();
    const counts = this.#stores.get(storeId) ?? new Map<number, number>();
    counts.set(minute, (counts.get(minute) ?? 0) + 1);
    for (const old of counts.keys()) if (old <= minute - this.#minutes) counts.delete(old);
    this.#stores.delete(storeId);
    this.#stores.set(storeId, counts);
    if (this.#stores.size > STORES_MAX) {
      for (const first of this.#stores.keys()) {
        this.#stores.delete(first);
        break;
      }
    }
  }

  /** Refusals in the minute that an instant lies in; 0 where it is too long ago. */
  inMinuteOf(storeId: number, atMs: number): number {
    return this.#stores.get(storeId)?.get(Math.floor(atMs / MINUTE_MS)) ?? 0;
  }

  #minute(): number {
    return Math.floor(this.#now() / MINUTE_MS);
  }
}
