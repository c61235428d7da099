import { Presets, SingleBar } from 'cli-progress';
import type { Terminal } from './script.js';

/** Work shorter than this shows no bar, in ms. */
const SHORT_MS = 1_000;

/** What is left is reckoned from so many steps: answers come in bursts, so a few would mislead. */
const ETA_STEPS = 5_000;

/** How far a piece of work is, shown where somebody is looking and it takes long. */
export interface Progress {
  /** So much more is done. */
  add(count: number): void;
  /** Takes the bar away. */
  stop(): void;
}

/** Counts up to `total`. `what` is what is counted, in the plural. */
export function progressOf(terminal: Terminal, total: number, what: string): Progress {
  const { bars } = terminal;
  if (bars === null) return { add: () => {}, stop: () => {} };
  const startedMs = performance.now();
  const bar = new SingleBar(
    {
      stream: bars,
      format: `{bar} {percentage}% | {value} of {total} ${what} | {eta} s left`,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: ETA_STEPS,
    },
    Presets.shades_classic,
  );
  let done = 0;
  let shown = false;
  return {
    add(count) {
      done += count;
      if (!shown && performance.now() - startedMs < SHORT_MS) return;
      if (!shown) bar.start(total, done);
      else bar.update(done);
      shown = true;
    },
    stop() {
      if (shown) bar.stop();
    },
  };
}

/** The same where the total is not known: one line that is written anew. */
export function countingProgress(
  terminal: Terminal,
  sentence: (...counts: number[]) => string,
): { show(...counts: number[]): void; stop(): void } {
  const { bars } = terminal;
  const startedMs = performance.now();
  let shown = false;
  return {
    show(...counts) {
      if (bars === null || performance.now() - startedMs < SHORT_MS) return;
      bars.write(`\r${sentence(...counts)}`);
      shown = true;
    },
    stop() {
      if (shown) bars?.write('\r\u001b[K');
    },
  };
}
