import { type Bench, enter } from './measure.js';
import { SCENARIOS } from './scenarios.js';
import { median } from './statistics.js';

/** Resident memory of the service over a long load, in MB. */
export interface SoakFigures {
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** medians of the second quarter and of the last one: the first is warming up */
  readonly earlyMb: number;
  readonly lateMb: number;
  readonly peakMb: number;
}

/** Rentals over 1,000 products at 64 connections, for so long. */
export async function measureSoak(bench: Bench, seconds: number): Promise<SoakFigures> {
  const scenario = SCENARIOS.find(({ name }) => name === 'spread');
  if (!scenario) throw new Error('there is no scenario "spread"');
  const contender = await enter(bench, 'service', { ...scenario, name: 'soak' });
  try {
    const startedMs = performance.now();
    const { requestsPerSecond } = await contender.send({ seconds });
    const samples = contender.server.memory.since(startedMs);
    await contender.end();
    const quarter = Math.floor(samples.length / 4);
    return {
      seconds,
      requestsPerSecond,
      earlyMb: median(samples.slice(quarter, 2 * quarter)),
      lateMb: median(samples.slice(-quarter)),
      peakMb: Math.max(...samples),
    };
  } finally {
    await contender.server.stop();
  }
}
