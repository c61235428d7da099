import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { itWithPromtool, runPromtool } from '../helpers/promtool.js';
import { type Service, startService } from '../helpers/service.js';

interface Dashboard {
  readonly panels: readonly { title: string; targets?: readonly { expr: string }[] }[];
  readonly templating: { readonly list: readonly { definition: string }[] };
}

const alerts = readFileSync('ops/prometheus/alerts.yml', 'utf8');
const dashboard = JSON.parse(
  readFileSync('ops/grafana/dashboards/availability.json', 'utf8'),
) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
const variables = dashboard.templating.list.map(({ definition }) => definition);

/** What Prometheus itself adds to each series. */
const ADDED_LABELS = ['instance', 'job'];

describe('what is watched', () => {
  let service: Service;
  /** the labels of each series that /metrics shows, by its name */
  let shown: Map<string, Set<string>>;

  beforeAll(async () => {
    service = await startService('mysql');
    const client = service.client();
    await client.post('/api/products', { sku: 'SEEN', name: 'x', quantity: 1, publish: true });
    await client.post('/api/rentals', { product_id: 'SEEN' });
    shown = seriesIn(await (await fetch(`${service.url}/metrics`)).text());
  });
  afterAll(() => service.stop());

  it.each([
    ['the alert rules', () => [alerts]],
    ['the dashboard', () => [...queries, ...variables]],
  ])('is in /metrics, for all that %s ask for', (_, texts) => {
    const names = texts().flatMap(namesIn);
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  it.each([
    ['the alert rules', () => [alerts]],
    ['the dashboard', () => queries],
  ])('has each label that %s select by', (_, texts) => {
    const selected = texts().flatMap(selectorsIn);
    expect(selected.length).toBeGreaterThan(5);
    const unknown = selected.filter(
      ({ name, label }) => !ADDED_LABELS.includes(label) && !shown.get(name)?.has(label),
    );
    expect(unknown).toEqual([]);
  });

  itWithPromtool('is asked for in PromQL, by each panel', () => {
    const folder = mkdtempSync(join(tmpdir(), 'availability-queries-'));
    try {
      const file = join(folder, 'queries.json');
      // JSON is YAML, and a rule is the way to have a query looked at.
      const rules = queries.map((query, at) => ({
        record: `query_${at}`,
        expr: query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
      }));
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      runPromtool(['check', 'rules', file]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Names and labels of the series in Prometheus's text format. */
function seriesIn(text: string): Map<string, Set<string>> {
  const series = new Map<string, Set<string>>();
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    const known = series.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series;
}

/** What looks like a metric of this service in rules or a query. */
function namesIn(text: string): string[] {
  return text.match(/\b(?:availability|http|nodejs|process)_\w+/g) ?? [];
}

/** Each label in braces, with the metric before them. `up` is Prometheus's own. */
function selectorsIn(text: string): { name: string; label: string }[] {
  return [...text.matchAll(/\b(\w+)\{([^{}]*)\}/g)]
    .filter(([, name]) => name !== 'up')
    .flatMap(([, name = '', matchers = '']) =>
      [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => ({ name, label })),
    );
}
