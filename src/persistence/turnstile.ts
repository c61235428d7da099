import { DatabaseFault } from './faults.js';

interface Waiting {
  readonly enter: () => void;
  readonly timer: NodeJS.Timeout;
}

/** Lets so many through at once; the others wait their turn in order, and not for ever. */
export class Turnstile {
  readonly #max: number;
  readonly #waitMaxMs: number;
  readonly #waiting = new Set<Waiting>();
  #inside = 0;

  constructor(max: number, waitMaxMs: number) {
    this.#max = max;
    this.#waitMaxMs = waitMaxMs;
  }

  /** Throws a DatabaseFault `overloaded` where its turn did not come in time. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#max) await this.#turn();
    else this.#inside++;
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new DatabaseFault('overloaded', 'too many statements wait for a connection'));
      }, this.#waitMaxMs);
      const waiting = { enter: resolve, timer };
      this.#waiting.add(waiting);
    });
  }

  /** The place goes to whoever waits for one, so nobody can slip in between. */
  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#inside--;
      return;
    }
    this.#waiting.delete(next);
    clearTimeout(next.timer);
    next.enter();
  }
}
