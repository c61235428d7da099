import type { IdRange, Reading } from '../persistence/outbox.js';

/**
 * The ids that a reader has passed over. A transaction gives out ids when it inserts and shows them
 * when it commits, so one that is smaller may turn up later than one that is larger; others, of what
 * was rolled back, never do. After so long no transaction can be open any more.
 */
export class IdGaps {
  readonly #keptMs: number;
  /** ids of neighbouring rows are so far apart: more than 1 where several writers share them */
  readonly #stride: number;
  #seen: number;
  #missing: (IdRange & { readonly sinceMs: number })[];

  constructor(from: Reading, options: { nowMs: number; keptMs: number; stride: number }) {
    this.#keptMs = options.keptMs;
    this.#stride = options.stride;
    this.#seen = from.seen;
    this.#missing = from.missing.map((range) => ({ ...range, sinceMs: options.nowMs }));
  }

  get reading(): Reading {
    return { seen: this.#seen, missing: this.#missing.map(({ from, to }) => ({ from, to })) };
  }

  /** Takes note of ids that were seen, in ascending order. */
  saw(ids: readonly number[], nowMs: number): void {
    const late: number[] = [];
    for (const id of ids) {
      if (id <= this.#seen) {
        late.push(id);
        continue;
      }
      if (id - this.#seen > this.#stride) {
        this.#missing.push({ from: this.#seen + 1, to: id - 1, sinceMs: nowMs });
      }
      this.#seen = id;
    }
    if (late.length > 0) this.#found(late);
  }

  /** Gives up on what is missing for too long. */
  forget(nowMs: number): void {
    this.#missing = this.#missing.filter(({ sinceMs }) => nowMs - sinceMs < this.#keptMs);
  }

  #found(ids: readonly number[]): void {
    this.#missing = this.#missing.flatMap((range) => {
      const inside = ids.filter((id) => id >= range.from && id <= range.to);
      let from = range.from;
      const left = inside.flatMap((id) => {
        const before = { ...range, from, to: id - 1 };
        from = id + 1;
        return before.from <= before.to ? [before] : [];
      });
      return from <= range.to ? [...left, { ...range, from }] : left;
    });
  }
}
