import { type Results, type Summary, summarize } from './results.js';

/** What the service is to reach on MariaDB. */
interface ScenarioTarget {
  readonly scenario: string;
  readonly figure: keyof Summary;
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const OF_BARE = 'of bare Koa';
const TIMES = 'times one transaction per request';
const OF_RENTALS = 'of creating a rental';
const OF_AVAILABILITY = 'of reading availability';

const TARGETS: readonly ScenarioTarget[] = [
  { scenario: 'hot', figure: 'ofBare', what: OF_BARE, atLeast: 0.4 },
  { scenario: 'hot', figure: 'timesTransaction', what: TIMES, atLeast: 10 },
  { scenario: 'hot', figure: 'p99Ms', what: 'ms p99', atMost: 50 },
  { scenario: 'hot-keys', figure: 'ofBare', what: OF_BARE, atLeast: 0.3 },
  { scenario: 'spread', figure: 'ofBare', what: OF_BARE, atLeast: 0.35 },
  { scenario: 'spread', figure: 'timesTransaction', what: TIMES, atLeast: 5 },
  { scenario: 'spread', figure: 'p99Ms', what: 'ms p99', atMost: 50 },
  { scenario: 'spread-keys', figure: 'ofBare', what: OF_BARE, atLeast: 0.27 },
  { scenario: 'hot-256', figure: 'ofBare', what: OF_BARE, atLeast: 0.5 },
  { scenario: 'read', figure: 'ofBare', what: OF_BARE, atLeast: 0.7 },
  {
    scenario: 'alone',
    figure: 'p50OfTransaction',
    what: 'times the p50 of one transaction per request',
    atMost: 1.5,
  },
  { scenario: 'reserve-hot', figure: 'ofReference', what: OF_RENTALS, atLeast: 0.9 },
  { scenario: 'reserve-spread', figure: 'ofReference', what: OF_RENTALS, atLeast: 0.9 },
  { scenario: 'cart-5', figure: 'ofReference', what: OF_RENTALS, atLeast: 0.3 },
  { scenario: 'stock', figure: 'ofReference', what: OF_AVAILABILITY, atLeast: 0.8 },
  { scenario: 'check', figure: 'ofReference', what: OF_AVAILABILITY, atLeast: 0.8 },
  { scenario: 'cart-list', figure: 'ofReference', what: OF_AVAILABILITY, atLeast: 0.8 },
];

const RSS_MAX_MB = 250;
/** "flat": the last quarter of the soak has at most so much more than the second one */
const GROWTH_MAX = 1.05;
const START_MAX_MS = 2_000;
const SYNC_MAX_SECONDS = 10;
const SYNC_RSS_MAX_MB = 300;
const SYNC_P99_GROWTH_MAX = 2;
const CLEANUP_P99_GROWTH_MAX = 2;
const REPORT_MAX_MS = 1_000;

export interface Verdict {
  readonly reached: boolean;
  /** what was to be reached, and what was */
  readonly sentence: string;
}

/** Compares what was measured with what is to be reached. */
export function verdictsOn(results: Results): Verdict[] {
  return [
    ...results.scenarios.flatMap((measured) => scenarioVerdicts(measured)),
    ...memoryVerdicts(results),
    ...startVerdicts(results),
    ...syncVerdicts(results),
    ...cleanupVerdicts(results),
    ...reportVerdicts(results),
    ...soakVerdicts(results),
  ];
}

function scenarioVerdicts({ scenario, figures }: Results['scenarios'][number]): Verdict[] {
  const summary = summarize(figures, 'service');
  return TARGETS.filter((target) => target.scenario === scenario.name).flatMap((target) => {
    const value = summary?.[target.figure] ?? null;
    return value === null ? [] : [verdict(`${scenario.title}: ${target.what}`, value, target)];
  });
}

function memoryVerdicts({ scenarios }: Results): Verdict[] {
  const peaks = scenarios.map(({ figures }) => figures.service?.memoryMb.peak ?? 0);
  if (peaks.length === 0) return [];
  return [verdict('RSS under load, at most: MB', Math.max(...peaks), { atMost: RSS_MAX_MB })];
}

function startVerdicts({ start }: Results): Verdict[] {
  if (!start) return [];
  return [
    verdict('start, migrating an empty database: ms', start.firstMs, { atMost: START_MAX_MS }),
    verdict('start: ms', start.againMs, { atMost: START_MAX_MS }),
  ];
}

function syncVerdicts({ sync }: Results): Verdict[] {
  if (!sync) return [];
  const what = `sync, dry run over ${sync.products} products`;
  return [
    verdict(`${what}: s`, sync.aloneSeconds, { atMost: SYNC_MAX_SECONDS }),
    verdict(`${what}, beside rentals: s`, sync.underLoadSeconds, { atMost: SYNC_MAX_SECONDS }),
    verdict(`${what}: MB of RSS`, sync.peakMb, { atMost: SYNC_RSS_MAX_MB }),
    verdict(
      'p99 of rentals meanwhile, times what it is without',
      sync.p99MeanwhileMs / sync.p99Ms,
      {
        atMost: SYNC_P99_GROWTH_MAX,
      },
    ),
  ];
}

function cleanupVerdicts({ cleanups }: Results): Verdict[] {
  return cleanups.map(({ holds, products, p99Ms, p99MeanwhileMs }) =>
    verdict(
      `p99 of rentals while ${holds} holds on ${products} products end, times what it is without`,
      p99MeanwhileMs / p99Ms,
      { atMost: CLEANUP_P99_GROWTH_MAX },
    ),
  );
}

function reportVerdicts({ reports }: Results): Verdict[] {
  if (!reports) return [];
  const slowest = Math.max(...Object.values(reports.ms));
  const what = `the slowest report on a year of ${reports.lines} lines: ms`;
  return [verdict(what, slowest, { atMost: REPORT_MAX_MS })];
}

function soakVerdicts({ soak }: Results): Verdict[] {
  if (!soak) return [];
  return [
    verdict(`RSS over ${soak.seconds} s, at most: MB`, soak.peakMb, { atMost: RSS_MAX_MB }),
    verdict('RSS in the last quarter, times that in the second', soak.lateMb / soak.earlyMb, {
      atMost: GROWTH_MAX,
    }),
  ];
}

function verdict(
  what: string,
  value: number,
  { atLeast, atMost }: { atLeast?: number; atMost?: number },
): Verdict {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const reached = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
  const shown = value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
  return { reached, sentence: `${what}: ${shown} (${bound})` };
}
