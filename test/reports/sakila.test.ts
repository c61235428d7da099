import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { replayScript } from '../../scripts/lib/replay-script.js';
import { syncQuantities } from '../../scripts/lib/sync-quantities.js';
import { groupBy } from '../../src/domain/group-by.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';
import { runScript, type ScriptRun } from '../helpers/terminal.js';

jest.setTimeout(120_000);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const readme = readFileSync('README.md', 'utf8').split('\n## Reports\n')[1] ?? '';
const told = (/```text\n(.*?)\n```/s.exec(readme)?.[1] ?? '').split('\n');

/** The sample's rows, column by column, by nothing but its commas. */
const rowsOf = (name: string) =>
  readFileSync(`samples/sakila/${name}`, 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));
const products = rowsOf('products.csv').map(([sku = '', name = '', quantity]) => ({
  sku,
  name,
  quantity: Number(quantity),
}));
const rentals = rowsOf('rentals.csv').map(([, sku = '', , begun = '', ended = '']) => ({
  sku,
  begun: Date.parse(begun),
  ended: ended === '' ? Number.POSITIVE_INFINITY : Date.parse(ended),
}));
const rentalsOf = groupBy(rentals, ({ sku }) => sku);

/** What there is of a span within a period. */
const within = (begun: number, ended: number, from: number, to: number) =>
  Math.max(0, Math.min(ended, to) - Math.max(begun, from));

/** How long in a period as many copies of a product were out as there are. */
function hoursWithout(sku: string, quantity: number, from: number, to: number): number {
  const ofIt = rentalsOf.get(sku) ?? [];
  const times = [...new Set(ofIt.flatMap(({ begun, ended }) => [begun, ended]))].sort(
    (a, b) => a - b,
  );
  let hours = 0;
  times.forEach((time, i) => {
    const out = ofIt.filter(({ begun, ended }) => begun <= time && time < ended).length;
    const next = times[i + 1] ?? Number.POSITIVE_INFINITY;
    if (out === quantity) hours += within(time, next, from, to) / HOUR_MS;
  });
  return hours;
}

const whole = (n: number) => Math.round(n).toLocaleString('en-US');
const percent = (n: number) => `${(n * 100).toFixed(1)} %`;
const owned = products.reduce((sum, { quantity }) => sum + quantity, 0);

describe('the figures of the Sakila sample in the README', () => {
  it('are what its rows add up to, period by period', () => {
    const lines = told.filter((line) => /^\d{4}-/.test(line));
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      const [period = '', ...cells] = line.split(/ {2,}/);
      const [first = '', last = ''] = period.split(' to ');
      const [from, to] = [Date.parse(first), Date.parse(last) + DAY_MS];
      const begun = rentals.filter((rental) => rental.begun >= from && rental.begun < to).length;
      const out = rentals.reduce((sum, one) => sum + within(one.begun, one.ended, from, to), 0);
      const without = products.reduce(
        (sum, { sku, quantity }) => sum + hoursWithout(sku, quantity, from, to),
        0,
      );
      expect([period, ...cells]).toEqual([
        period,
        whole(begun),
        percent(out / (owned * (to - from))),
        (begun / owned).toFixed(2),
        whole(without),
        percent(without / ((products.length * (to - from)) / HOUR_MS)),
      ]);
    }
  });

  it('name the busiest and the idlest that its rows have', () => {
    const [, from = '', last = ''] = /^(\S+) to (\S+)/m.exec(told[1] ?? '') ?? [];
    const to = Date.parse(last) + DAY_MS;
    const busiest = products
      .map(({ sku, name }) => {
        const ofIt = rentalsOf.get(sku) ?? [];
        const out = ofIt.reduce(
          (sum, { begun, ended }) => sum + within(begun, ended, Date.parse(from), to) / HOUR_MS,
          0,
        );
        return {
          out,
          said: `  ${sku} ${name}: ${whole(out)} unit-hours out, ${ofIt.length} rentals`,
        };
      })
      .sort((a, b) => b.out - a.out)
      .map(({ said }) => said);
    expect(told.slice(told.indexOf('busiest:'))).toEqual([
      'busiest:',
      ...busiest.slice(0, 3),
      'idlest:',
      ...busiest.slice(-3).reverse(),
    ]);
  });
});

describe.each(DATABASES)('replay --past of the Sakila sample on %s', (kind) => {
  let on: TestDatabase;
  let run: ScriptRun;
  const argv = ['samples/sakila', '--past', '--database'];

  beforeAll(async () => {
    on = await createDatabase(kind);
    run = await runScript(replayScript, argv, { DATABASE_URL: on.url });
  });
  afterAll(() => on.drop());

  it('prints what stands in the README, from the reports of the service', () => {
    expect(run).toMatchObject({ code: 0, output: told.join('\n'), said: [] });
  });

  it('leaves rows in which sync finds no drift', async () => {
    const sync = await runScript(syncQuantities, ['--dry-run', '--deep'], { DATABASE_URL: on.url });
    expect(sync).toMatchObject({ code: 0, output: expect.stringContaining('1521. Nothing') });
  });

  it('is refused where a service runs', async () => {
    const empty = await createDatabase(kind);
    const service = await startService(empty);
    const again = await runScript(replayScript, argv, { DATABASE_URL: empty.url });
    await service.stop();
    await empty.drop();
    expect(again).toMatchObject({ code: 1, output: '' });
    expect(again.said[0]).toMatch(
      /^The service still runs on this database.*Nothing was written\.$/,
    );
  });

  it('is refused where there is a ledger already', async () => {
    expect(await runScript(replayScript, argv, { DATABASE_URL: on.url })).toMatchObject({
      code: 1,
      output: '',
      said: ['The database has a ledger already; name one that is empty.'],
    });
  });
});
