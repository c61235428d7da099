import { describe, expect, it } from '@jest/globals';
import { instant, integer, nullable, oneOf, type Row, text } from '../../src/persistence/rows.js';
import { at, list, tuples, type Value } from '../../src/persistence/sql.js';

const quote = (value: Value) => (value === null ? 'NULL' : `'${value}'`);

describe('values read from a row', () => {
  const row: Row = {
    number: 3,
    sum: '9007199254740991',
    beyond: '9007199254740993',
    fraction: 1.5,
    blank: '',
    word: 'draft',
    time: '2026-01-02 03:04:05.678',
    date: new Date(0),
    nothing: null,
  };

  it('are what the column should hold', () => {
    expect(integer(row, 'number')).toBe(3);
    expect(integer(row, 'sum')).toBe(Number.MAX_SAFE_INTEGER);
    expect(text(row, 'word')).toBe('draft');
    expect(oneOf(row, 'word', ['draft', 'available'])).toBe('draft');
    expect(instant(row, 'time')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    const last = { time: '1999-12-31 23:59:59.999' };
    expect(instant(last, 'time')).toBe(Date.parse('1999-12-31T23:59:59.999Z'));
    expect(nullable(integer, row, 'nothing')).toBeNull();
    expect(nullable(integer, row, 'number')).toBe(3);
  });

  it.each([
    ['a number that can not be held exactly', () => integer(row, 'beyond')],
    ['a fraction', () => integer(row, 'fraction')],
    ['blank text as a number', () => integer(row, 'blank')],
    ['NULL as a number', () => integer(row, 'nothing')],
    ['a column that is not there', () => text(row, 'absent')],
    ['a word that is none of those', () => oneOf(row, 'word', ['active'])],
    ['text as a time', () => instant(row, 'word')],
    ['a time without its milliseconds', () => instant({ at: '2026-01-02 03:04:05' }, 'at')],
    ['a Date as a time', () => instant(row, 'date')],
  ])('are refused where they are not: %s', (_, read) => {
    expect(read).toThrow(/^column \w+ should hold/);
  });
});

describe('values written into SQL', () => {
  it('are times in UTC with milliseconds', () => {
    const ms = Date.UTC(2026, 11, 31, 23, 59, 59, 7);
    expect(at(ms)).toBe('2026-12-31 23:59:59.007');
    expect(at(ms)).toBe(at(ms));
    expect(at(ms + 1)).toBe('2026-12-31 23:59:59.008');
    // More than are remembered, and then the first one again.
    for (let n = 1; n <= 1_000; n++) expect(Date.parse(`${at(ms + n)}Z`)).toBe(ms + n);
    expect(at(ms)).toBe('2026-12-31 23:59:59.007');
    expect(at(null)).toBeNull();
  });

  it('are lists and rows', () => {
    expect(list(quote, [1, 'a', null])).toBe("(1,'a',NULL)");
    expect(
      tuples(quote, [
        [1, 'a'],
        [2, null],
      ]),
    ).toBe("(1,'a'),(2,NULL)");
  });

  it('are never numbers that are not whole', () => {
    for (const number of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => list(quote, [number])).toThrow(TypeError);
    }
  });
});
