/** Time as the process sees it: for waits and durations only. What decides is the database's time. */
export interface Clock {
  /** ms, ascending, from an arbitrary start */
  monotonicMs(): number;
  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
