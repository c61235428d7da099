import { describe, expect, it } from '@jest/globals';
import { DAY_MS, HOUR_MS, NOTHING } from '../../src/domain/ledger-totals.js';
import { Habits, monthOf, periodOf, stockNeeds } from '../../src/domain/report-figures.js';
import { toCsv } from '../../src/http/reports/csv.js';
import { periodName } from '../../src/reports/kept.js';

const NOON = Date.parse('2026-11-21T12:00:00Z');
const day = (text: string) => Date.parse(text) / DAY_MS;

describe('a period', () => {
  it('is the last 30 days and today where nothing is said, cut off just now', () => {
    expect(periodOf({ from: null, to: null }, NOON)).toEqual({
      fromDay: day('2026-10-23'),
      toDay: day('2026-11-22'),
      from: Date.parse('2026-10-23'),
      to: NOON + 1,
    });
  });

  it.each([
    ['2026-11-22', null, 'from', 'must not lie in the future'],
    ['2026-11-01', '2026-11-01', 'to', 'must be later than from: the day itself is not in'],
    ['2020-01-01', '2026-11-01', 'to', 'must be at most 1100 days after from'],
  ])('from %s to %s is none', (from, to, field, message) => {
    const asked = { from: day(from), to: to === null ? null : day(to) };
    expect(periodOf(asked, NOON)).toEqual({ errors: [{ field, message }] });
  });

  it('may be the month before, also in January', () => {
    expect(monthOf(null, Date.parse('2026-01-15'))).toEqual({
      from: day('2025-12-01'),
      to: day('2026-01-01'),
    });
  });

  it.each([
    ['2026-11-21', 'reconciliation', '2026-W46'],
    ['2027-01-04', 'reconciliation', '2026-W53'],
    ['2026-01-05', 'reconciliation', '2026-W01'],
    ['2026-11-21', 'low_stock', '2026-11-21'],
    ['2026-01-01', 'stock_review', '2025-12'],
  ] as const)('on %s a report %s is about %s', (now, kind, expected) => {
    expect(periodName(kind, Date.parse(now))).toBe(expected);
  });
});

describe('stock advice', () => {
  const rentals = (units: number, hoursOut: number) => ({
    start: NOTHING,
    end: {
      ...NOTHING,
      flows: { ...NOTHING.flows, rentedUnits: units },
      integrals: { ...NOTHING.integrals, quantityRented: hoursOut * HOUR_MS },
    },
    leastFree: 0,
  });
  const hours = [
    { hour: 10, requests: 2, unitsShort: 3 },
    { hour: 11, requests: 1, unitsShort: 1 },
    { hour: 40, requests: 1, unitsShort: 2 },
    { hour: 41, requests: 1, unitsShort: 5 },
  ];

  it.each([
    ['an hour', 4, 4, 5],
    ['two hours', 4, 8, 7],
    ['two days', 1, 48, 11],
    ['an hour where nothing was rented', 0, 0, 5],
  ])('takes rentals to last %s', (_what, units, hoursOut, additionalUnits) => {
    expect(stockNeeds(hours, rentals(units, hoursOut))).toEqual({
      refusedRequests: 5,
      refusedUnits: 11,
      additionalUnits,
      neverNeeded: 0,
    });
  });
});

describe('habits', () => {
  const judge = (changes: readonly number[], quantity = 100) => {
    const habits = new Habits();
    const judged = changes.map((change) => habits.judge({ productId: 1, change, quantity }));
    return judged.map((habit) => habit !== null);
  };

  it('of a product that is corrected by a few units make a large correction unusual', () => {
    expect(judge([-1, 2, -1, 1, -2, 3, -40, 8, 9])).toEqual([
      ...[false, false, false, false, false, false],
      ...[true, false, true],
    ]);
  });

  it('of a product that is corrected by a lot do not', () => {
    expect(judge([-40, 30, 60, 50, -45, 70], 1000)).toEqual(Array(6).fill(false));
  });

  it('are unknown at first: then a tenth of the units owned is the limit', () => {
    expect(judge([-11, -12], 100)).toEqual([false, true]);
    expect(judge([1, 2], 3)).toEqual([false, true]);
  });
});

describe('CSV', () => {
  it('quotes what has to be, and takes the sting out of formulas', () => {
    const rows = [
      ['a,b', '=1+1', '+1', '-1', '@x', '\tx', 'say "no"', 'two\r\nlines', -1, null, true],
    ] as const;
    const columns = ['name', '=x'];
    expect(toCsv({ columns, rows })).toBe(
      "name,'=x\r\n" + `"a,b",'=1+1,'+1,'-1,'@x,'\tx,"say ""no""","two\r\nlines",-1,,true\r\n`,
    );
  });
});
