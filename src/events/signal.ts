/** Somebody waits, for so long at most, until somebody else has something for it. */
export class Signal {
  #isGiven = false;
  #wake: (() => void) | null = null;

  /** Wakes who waits, or who waits next. */
  give(): void {
    this.#isGiven = true;
    this.#wake?.();
  }

  /** Resolves when the signal is given, at once where it was since the last wait, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#isGiven) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#isGiven = false;
  }
}
