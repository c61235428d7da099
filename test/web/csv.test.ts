import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCsv } from '../../web/src/csv.js';

const valuesOf = (text: string) => parseCsv(text).map(({ line, values }) => [line, ...values]);

describe('a CSV file in the browser', () => {
  it.each([
    [
      'a,b\n1,2',
      [
        [1, 'a', 'b'],
        [2, '1', '2'],
      ],
    ],
    [
      '\ufeffa,b\r\n1,2\r\n',
      [
        [1, 'a', 'b'],
        [2, '1', '2'],
      ],
    ],
    [
      'a\n\n,\n b ',
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    ['"a,b","c ""d"""', [[1, 'a,b', 'c "d"']]],
    [
      '"a\nb",c\nd,e',
      [
        [1, 'a\nb', 'c'],
        [3, 'd', 'e'],
      ],
    ],
    ['a,,c', [[1, 'a', '', 'c']]],
    ['', []],
  ])('%j', (text, rows) => {
    expect(valuesOf(text)).toEqual(rows);
  });

  it.each(['a\n"open,1\nb', 'a\nsome"where\nb', 'a\n"closed"x\nb'])(
    'a line with broken quotes is lost alone: %j',
    (text) => {
      expect(parseCsv(text).map(({ line, isBroken }) => [line, isBroken])).toEqual([
        [1, false],
        [2, true],
        [3, false],
      ]);
    },
  );

  it('gives back what was written, whatever it was', () => {
    const value = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é') });
    const row = fc.array(value, { minLength: 1, maxLength: 4 });
    const write = (rows: string[][]) =>
      rows.map((each) => each.map((v) => `"${v.replaceAll('"', '""')}"`).join(',')).join('\r\n');
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const kept = rows.filter((each) => each.some((each) => each !== ''));
        expect(parseCsv(write(rows)).map(({ values }) => values)).toEqual(kept);
      }),
    );
  });
});
