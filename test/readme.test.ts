import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { describeSettings } from '../src/config.js';
import { SIGNED_ENDPOINTS } from '../src/http/surfaces.js';
import { createMetrics } from '../src/metrics.js';
import { IDLE } from './helpers/gauges.js';
import { SURFACES } from './helpers/surfaces.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The rows of the table under a heading, cell by cell. */
function tableUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | ?\|$/g, '').trim()));
}

describe('the README', () => {
  it('lists every setting with its default and what it does', () => {
    const settings = describeSettings().map(({ name, fallback, doc }) => [
      `\`${name}\``,
      fallback === '' ? '' : `\`${fallback}\``,
      doc,
    ]);
    expect(tableUnder('Settings')).toEqual(settings);
  });

  it('lists every route of the API', () => {
    const listed = tableUnder('Routes')
      .flatMap(([routes = '']) => routes.match(/(GET|POST|PUT|PATCH|DELETE) [^`]+/g) ?? [])
      .filter((route) => route.includes(' /api/'));
    const routes = SURFACES.flatMap(({ endpoints }) => endpoints).map(
      ({ method, path }) => `${method.toUpperCase()} ${path}`,
    );
    for (const { path } of SIGNED_ENDPOINTS) routes.push(`POST ${path}`);
    expect(listed.sort()).toEqual(routes.sort());
  });

  it('lists every metric of its own, and no other', async () => {
    const { registry } = createMetrics(IDLE);
    const own = registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => /^(availability|http)_/.test(name));
    const listed = tableUnder('Metrics').flatMap(([names = '']) => names.match(/[a-z_]+/g) ?? []);
    expect(listed.filter((name) => /^(availability|http)_/.test(name)).sort()).toEqual(own.sort());
  });

  it('names only commands that there are', () => {
    const named = [...readme.matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map(([, name]) => name ?? '');
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});
