import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  DAY_MS,
  HOUR_MS,
  NOTHING,
  ProductFold,
  type ReportedLine,
  StoreSum,
  totalsAt,
} from '../../src/domain/ledger-totals.js';
import { type LedgerStep, ledgerOf, naiveTotals, stepArbitrary } from '../helpers/naive-totals.js';

const RULES = { lowAt: 2, openedPublished: true };
const DAYS = 6;

const ledgers = fc.array(stepArbitrary, { minLength: 1, maxLength: 60 });

/** The fold of a ledger, begun anew at each of these times from what it had come to. */
function folded(lines: readonly ReportedLine[], cuts: readonly number[], spanMs: number) {
  let opening = NOTHING;
  const rows = [];
  const increments = [];
  for (const cut of cuts) {
    const fold = new ProductFold(opening, { ...RULES, spanMs, cut });
    // Those that are in already are passed over, and those that are too late are told.
    for (const line of lines) fold.add(line);
    rows.push(...fold.rows());
    increments.push(...fold.increments());
    opening = totalsAt(opening, fold.rows(), cut);
  }
  return { rows, increments };
}

describe('what a ledger adds up to', () => {
  it('is what walking every line gives, at the end of any day, however often the fold is begun anew', () => {
    fc.assert(
      fc.property(
        ledgers,
        fc.uniqueArray(fc.integer({ min: 1, max: DAYS - 1 })),
        fc.constantFrom(HOUR_MS, DAY_MS),
        (steps: LedgerStep[], days, spanMs) => {
          const lines = ledgerOf(steps, { from: 0, to: DAYS * DAY_MS });
          const cuts = [...days.sort((a, b) => a - b), DAYS].map((day) => day * DAY_MS);
          const { rows } = folded(lines, cuts, spanMs);
          for (let at = 0; at <= DAYS * DAY_MS; at += spanMs) {
            expect(totalsAt(NOTHING, rows, at)).toMatchObject(naiveTotals(lines, at, RULES));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a store is the sum of its products, at the end of any day', () => {
    fc.assert(
      fc.property(fc.array(ledgers, { minLength: 1, maxLength: 4 }), (products) => {
        const sum = new StoreSum();
        const ledgersOfAll = products.map((steps) =>
          ledgerOf(steps, { from: 0, to: DAYS * DAY_MS }),
        );
        for (const lines of ledgersOfAll) {
          for (const one of folded(lines, [DAYS * DAY_MS], DAY_MS).increments) sum.add(one);
        }
        const rows = sum.rows(NOTHING);
        for (let day = 0; day <= DAYS; day++) {
          const { levels, integrals, flows } = totalsAt(NOTHING, rows, day * DAY_MS);
          const each = ledgersOfAll.map((lines) => naiveTotals(lines, day * DAY_MS, RULES));
          const total = (part: 'levels' | 'integrals' | 'flows', name: string) =>
            each.reduce((all, one) => all + (one[part][name as never] as number), 0);
          for (const [part, values] of Object.entries({ levels, integrals, flows })) {
            for (const [name, value] of Object.entries(values)) {
              const expected = total(part as 'levels', name);
              expect({ part, name, value }).toEqual({ part, name, value: expected });
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('counts a line that bears an earlier time than the one before it from that one on', () => {
    const [open, rent] = ledgerOf(
      [
        { kind: 'open', units: 2, gap: 0 },
        { kind: 'rent', units: 1, gap: 0.5 },
      ],
      { from: 0, to: DAY_MS },
    );
    if (!open || !rent) throw new Error('no lines');
    const fold = new ProductFold(NOTHING, { ...RULES, spanMs: DAY_MS, cut: DAY_MS });
    fold.add({ ...open, createdAt: HOUR_MS * 20 });
    fold.add({ ...rent, createdAt: HOUR_MS });
    expect(fold.rows()[0]?.integrals).toMatchObject({
      quantity: 2 * 4 * HOUR_MS,
      quantityRented: 4 * HOUR_MS,
    });
  });

  it('counts a rental of held and of free units as one', () => {
    const lines = ledgerOf(
      [
        { kind: 'open', units: 5, gap: 0 },
        { kind: 'reserve', units: 2, gap: 0 },
        { kind: 'confirm', units: 2, gap: 0 },
        { kind: 'rent', units: 1, gap: 0 },
      ],
      { from: 0, to: DAY_MS },
    ).map((line) => ({ ...line, rentalId: line.kind === 'reserve' ? null : 'one' }));
    const fold = new ProductFold(NOTHING, { ...RULES, spanMs: DAY_MS, cut: DAY_MS });
    for (const line of lines) fold.add(line);
    expect(fold.rows()[0]?.flows).toMatchObject({ rentals: 1, rentedUnits: 3, conversions: 1 });
  });
});
