import type { CleanupFigures } from './cleanup.js';
import type { DatabaseKind } from './databases.js';
import type { Figures, ScenarioFigures } from './measure.js';
import type { ReportFigures } from './reports.js';
import type { Scenario, ServerName } from './scenarios.js';
import type { SoakFigures } from './soak.js';
import type { StartFigures } from './start.js';
import { median } from './statistics.js';
import type { SyncFigures } from './sync.js';

/** All that was measured on one database; what was not asked for is null. */
export interface Results {
  readonly kind: DatabaseKind;
  readonly title: string;
  readonly scenarios: readonly { scenario: Scenario; figures: ScenarioFigures }[];
  readonly start: StartFigures | null;
  readonly sync: SyncFigures | null;
  readonly cleanups: readonly CleanupFigures[];
  readonly reports: ReportFigures | null;
  readonly soak: SoakFigures | null;
}

/** One server in one scenario: medians over the rounds. */
export interface Summary {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** requests/s as a part of bare Koa's in the same round */
  readonly ofBare: number | null;
  /** requests/s as a multiple of those of one transaction per request in the same round */
  readonly timesTransaction: number | null;
  /** requests/s as a part of the reference's in the same round */
  readonly ofReference: number | null;
  /** p50 as a multiple of that of one transaction per request in the same round */
  readonly p50OfTransaction: number | null;
  /** processor time of the server for each request, in µs; null where it can't be told */
  readonly cpuUs: number | null;
  readonly endMb: number;
  readonly peakMb: number;
}

export function summarize(figures: ScenarioFigures, name: ServerName): Summary | null {
  const own = figures[name];
  if (!own) return null;
  const { bare, transaction, reference } = figures;
  return {
    requestsPerSecond: median(own.rounds.map((round) => round.requestsPerSecond)),
    p50Ms: median(own.rounds.map((round) => round.p50Ms)),
    p99Ms: median(own.rounds.map((round) => round.p99Ms)),
    ofBare: ratio(own, bare, 'requestsPerSecond'),
    timesTransaction: ratio(own, transaction, 'requestsPerSecond'),
    ofReference: name === 'reference' ? null : ratio(own, reference, 'requestsPerSecond'),
    p50OfTransaction: ratio(own, transaction, 'p50Ms'),
    cpuUs: own.rounds.some(({ cpuUs }) => cpuUs === null)
      ? null
      : median(own.rounds.map(({ cpuUs }) => cpuUs ?? 0)),
    endMb: own.memoryMb.end,
    peakMb: own.memoryMb.peak,
  };
}

/** The median of the rounds' ratios: a round's servers ran one right after the other. */
function ratio(
  own: Figures,
  other: Figures | undefined,
  figure: 'requestsPerSecond' | 'p50Ms',
): number | null {
  if (!other) return null;
  return median(own.rounds.map((round, i) => round[figure] / (other.rounds[i]?.[figure] ?? 0)));
}
