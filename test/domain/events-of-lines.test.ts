import { describe, expect, it } from '@jest/globals';
import { eventsOfLines, type TellingLine } from '../../src/domain/events-of-lines.js';

/** A line of product 1 in commit 1, after which 20 units are free, as they were before. */
function line(given: Partial<TellingLine> & Pick<TellingLine, 'kind'>): TellingLine {
  return {
    productId: 1,
    createdAt: 1,
    quantityAvailable: 20,
    availableDelta: 0,
    rentalId: null,
    endsHold: false,
    isDraftNow: false,
    lowStockThreshold: 5,
    ...given,
  };
}
/** A line that leaves so many units free, and took so many, or (below 0) gave them back. */
const took = (kind: TellingLine['kind'], units: number, left: number, given = {}) =>
  line({ kind, quantityAvailable: left, availableDelta: -units, ...given });
const types = (...lines: TellingLine[]) => eventsOfLines(lines).map((told) => told.types);

const CHANGED = 'product.availability_changed';

describe('the events that a line of the ledger is', () => {
  it.each<[string, TellingLine, string[]]>([
    ['a rental', took('rent', 1, 19), ['rental.created', CHANGED]],
    ['a return', took('complete', -1, 20), ['rental.completed', CHANGED]],
    ['a cancellation', took('cancel', -1, 20), ['rental.cancelled', CHANGED]],
    ['a hold', took('reserve', 1, 19), ['reservation.created', CHANGED]],
    ['more held', took('change_hold', 1, 19), ['reservation.updated', CHANGED]],
    ['longer held', line({ kind: 'extend' }), ['reservation.updated']],
    ['a release', took('release', -1, 20), ['reservation.released', CHANGED]],
    ['an expiry', took('expire', -1, 20), ['reservation.expired', CHANGED]],
    [
      'a hold confirmed',
      line({ kind: 'confirm', endsHold: true, rentalId: 'r' }),
      ['reservation.confirmed', 'rental.created'],
    ],
    [
      'a part of a hold sold',
      line({ kind: 'confirm', rentalId: 'r' }),
      ['reservation.updated', 'rental.created'],
    ],
    ['a name changed', line({ kind: 'update' }), []],
    ['units owned changed', took('update', 3, 17), [CHANGED]],
    ['a restock', took('restock', -3, 20), [CHANGED]],
    ['a repair', took('sync', 1, 19), [CHANGED]],
    ['a repair of the ledger alone', line({ kind: 'sync' }), []],
    ['a product published with units', took('open', -20, 20), [CHANGED]],
    ['a product published without', took('open', 0, 0), [CHANGED]],
    ['an empty draft', took('open', 0, 0, { isDraftNow: true }), []],
    ['a publication', line({ kind: 'publish' }), [CHANGED]],
    ['its end', line({ kind: 'unpublish', isDraftNow: true }), [CHANGED]],
  ])('%s', (_what, one, expected) => {
    expect(types(one)).toEqual([expected]);
  });

  it.each<[string, number, number, string[]]>([
    ['to the threshold', 1, 5, ['product.low_stock']],
    ['below the threshold, from below', 1, 4, []],
    ['to nothing', 1, 0, ['product.out_of_stock']],
    ['past the threshold to nothing', 6, 0, ['product.low_stock', 'product.out_of_stock']],
    ['up from nothing', -1, 1, ['product.back_in_stock']],
    ['up past the threshold', -1, 6, []],
  ])('a crossing %s is told once', (_what, units, left, expected) => {
    expect(types(took('adjust', units, left))).toEqual([[...expected, CHANGED]]);
  });

  it('crossings of a draft are nobody’s business', () => {
    expect(types(took('adjust', 20, 0, { isDraftNow: true }))).toEqual([[CHANGED]]);
  });

  it('what a commit made of the free units is told by its last line, once, and net', () => {
    expect(types(took('rent', 1, 19), took('rent', 1, 18), took('rent', 1, 17))).toEqual([
      ['rental.created'],
      ['rental.created'],
      ['rental.created', CHANGED],
    ]);
    // A hold that was due makes room: nothing was out of stock, nothing came back.
    expect(types(took('expire', -1, 1), took('rent', 1, 0))).toEqual([
      ['reservation.expired'],
      ['rental.created'],
    ]);
  });

  it('commits and products are told apart', () => {
    const [first, second] = [took('rent', 1, 19), took('rent', 1, 18, { createdAt: 2 })];
    const other = took('rent', 1, 7, { productId: 2 });
    expect(types(first, other, second)).toEqual([0, 1, 2].map(() => ['rental.created', CHANGED]));
  });

  it('a rental of a hold and of free units besides is one rental', () => {
    expect(
      types(
        line({ kind: 'confirm', endsHold: true, rentalId: 'r' }),
        took('rent', 1, 19, { rentalId: 'r' }),
        took('rent', 1, 18, { rentalId: 'other' }),
      ),
    ).toEqual([['reservation.confirmed', 'rental.created'], [], ['rental.created', CHANGED]]);
  });

  it('whether it was a draft is what it was then', () => {
    const lines = [
      took('adjust', 1, 0, { isDraftNow: true }),
      line({ kind: 'publish', quantityAvailable: 0, isDraftNow: true, createdAt: 2 }),
      took('restock', -1, 1, { isDraftNow: true, createdAt: 3 }),
      line({ kind: 'unpublish', quantityAvailable: 1, isDraftNow: true, createdAt: 4 }),
    ];
    expect(eventsOfLines(lines).map(({ isDraft }) => isDraft)).toEqual([true, false, false, true]);
    expect(types(...lines)[2]).toEqual(['product.back_in_stock', CHANGED]);
  });
});
