import { type Results, type Summary, summarize } from './results.js';
import { type Scenario, serverTitle } from './scenarios.js';
import { verdictsOn } from './targets.js';

const HEAD = [
  'scenario',
  'server',
  'requests/s',
  'of bare',
  '× one tx',
  'of ref.',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'RSS end',
  'peak MB',
];

/** A table for a terminal, what was measured beside it, and what was reached. */
export function textReport(results: Results): string {
  const table = tableOf(results);
  const widths = HEAD.map((_, i) => Math.max(...table.map((row) => (row[i] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [results.title, '', ...lines, '', ...remarks(results), '', ...targetLines(results)].join(
    '\n',
  );
}

/** The same in Markdown, for the README. */
export function markdownReport(results: Results): string {
  const [head = [], ...rows] = tableOf(results);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  return [
    `**${results.title}**`,
    '',
    line(head),
    line(rule),
    ...rows.map(line),
    '',
    ...remarks(results).map((remark) => `- ${remark}`),
    '',
    ...targetLines(results).map((target) => `- ${target}`),
  ].join('\n');
}

function tableOf({ scenarios }: Results): string[][] {
  if (scenarios.length === 0) return [];
  return [HEAD, ...scenarios.flatMap(({ scenario, figures }) => rowsOf(scenario, figures))];
}

function rowsOf(scenario: Scenario, figures: Results['scenarios'][number]['figures']): string[][] {
  return scenario.servers.flatMap((name, i) => {
    const summary = summarize(figures, name);
    return summary
      ? [[i === 0 ? scenario.title : '', serverTitle(name, scenario), ...cells(summary)]]
      : [];
  });
}

function cells(summary: Summary): string[] {
  const ratio = (value: number | null) => (value === null ? '' : value.toFixed(2));
  return [
    Math.round(summary.requestsPerSecond).toLocaleString('en'),
    ratio(summary.ofBare),
    summary.timesTransaction === null ? '' : summary.timesTransaction.toFixed(1),
    ratio(summary.ofReference),
    summary.p50Ms.toFixed(2),
    summary.p99Ms.toFixed(1),
    summary.cpuUs === null ? '' : String(Math.round(summary.cpuUs)),
    String(Math.round(summary.endMb)),
    String(Math.round(summary.peakMb)),
  ];
}

function remarks({ start, sync, cleanups, reports, soak }: Results): string[] {
  const remarks: string[] = [];
  if (start) {
    remarks.push(
      `start to ready: ${Math.round(start.firstMs)} ms with the tables to make, ${Math.round(start.againMs)} ms without`,
    );
  }
  if (sync) {
    remarks.push(
      `sync, dry run over ${sync.products.toLocaleString('en')} products: ` +
        `${sync.aloneSeconds.toFixed(1)} s alone, ${sync.underLoadSeconds.toFixed(1)} s beside rentals, ` +
        `RSS ${Math.round(sync.peakMb)} MB; p99 of rentals ${sync.p99Ms.toFixed(1)} ms, ` +
        `meanwhile ${sync.p99MeanwhileMs.toFixed(1)} ms`,
    );
  }
  for (const cleanup of cleanups) {
    remarks.push(
      `${cleanup.holds.toLocaleString('en')} holds on ${cleanup.products.toLocaleString('en')} products ` +
        `fall due at once: all are ended after ${cleanup.seconds.toFixed(1)} s; p99 of rentals ` +
        `${cleanup.p99Ms.toFixed(1)} ms, meanwhile ${cleanup.p99MeanwhileMs.toFixed(1)} ms; rentals/s ` +
        `${Math.round(cleanup.rate).toLocaleString('en')}, meanwhile ` +
        `${Math.round(cleanup.rateMeanwhile).toLocaleString('en')}`,
    );
  }
  if (reports) {
    const each = Object.entries(reports.ms).map(([name, ms]) => `${name} ${Math.round(ms)} ms`);
    remarks.push(
      `reports on a year of ${reports.lines.toLocaleString('en')} lines: ${each.join(', ')}; ` +
        `added up once in ${reports.rollUpSeconds.toFixed(1)} s, with ${Math.round(reports.rollUpMb)} MB`,
    );
  }
  if (soak) {
    remarks.push(
      `${soak.seconds} s at ${Math.round(soak.requestsPerSecond).toLocaleString('en')} rentals/s: RSS ` +
        `${Math.round(soak.earlyMb)} MB in the second quarter, ${Math.round(soak.lateMb)} MB in the ` +
        `last one, ${Math.round(soak.peakMb)} MB at most`,
    );
  }
  return remarks;
}

/** The targets are for MariaDB. */
function targetLines(results: Results): string[] {
  if (results.kind !== 'mysql') return [];
  return verdictsOn(results).map(
    ({ reached, sentence }) => `${reached ? 'reached' : 'NOT REACHED'}: ${sentence}`,
  );
}
