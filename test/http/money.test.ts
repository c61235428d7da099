import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cartTotals } from '../../src/domain/cart-item.js';
import { fromHundredths, toHundredths } from '../../src/http/money.js';

const MAX = 100_000_000_000;
const amount = fc.oneof(fc.integer({ min: 0, max: MAX }), fc.integer({ min: 0, max: 100_000 }));
/** `29999` as `299.99` */
const written = (hundredths: number) =>
  `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;

describe('money', () => {
  it('is read from JSON to the hundredth, and written as it was', () => {
    fc.assert(
      fc.property(amount, (hundredths) => {
        const number: unknown = JSON.parse(written(hundredths));
        expect(toHundredths(number)).toBe(hundredths);
        expect(fromHundredths(hundredths)).toBe(number);
      }),
    );
  });

  it.each([
    ['299.99', 29_999],
    ['50.00', 5_000],
    ['0.1', 10],
    ['1e2', 10_000],
    ['2.9999e2', 29_999],
    ['-0', 0],
    ['1000000000', MAX],
  ])('takes %s', (json, hundredths) => {
    expect(toHundredths(JSON.parse(json))).toBe(hundredths);
  });

  it('is no number with more places, below 0 or beyond a billion, and nothing but a number', () => {
    const fraction = fc
      .tuple(amount, fc.integer({ min: 1, max: 9 }))
      .map(([hundredths, third]) => Number(`${written(hundredths)}${third}`));
    const outside = fc.oneof(
      fc.double({ max: -0.001 }),
      fc.double({ min: 1_000_000_000.01 }),
      fc.constantFrom(0.1 + 0.2, 1e-7, Number.NaN, Number.POSITIVE_INFINITY),
    );
    const other = fc.anything().filter((value) => typeof value !== 'number');
    fc.assert(
      fc.property(fc.oneof(fraction, outside, other), (value) => {
        expect(toHundredths(value)).toBeNull();
      }),
    );
  });

  it('of a cart adds up without a hundredth lost, as long as a number can show it', () => {
    const line = fc.record({
      quantity: fc.integer({ min: 1, max: 1_000 }),
      priceAmount: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
      shippingAmount: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 1_000 }), (lines) => {
        const price = lines.reduce(
          (sum, { quantity, priceAmount }) => sum + BigInt(quantity) * BigInt(priceAmount ?? 0),
          0n,
        );
        const shown = fromHundredths(cartTotals(lines).price);
        expect(shown.toFixed(2).replace('.', '')).toBe(String(price).padStart(3, '0'));
      }),
    );
  });

  it('of three lines at 0.1 is 0.3', () => {
    const line = { quantity: 1, priceAmount: 10, shippingAmount: 20 };
    const { price, shipping } = cartTotals([line, line, line]);
    expect([fromHundredths(price), fromHundredths(shipping)]).toEqual([0.3, 0.6]);
  });
});
