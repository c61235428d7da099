import { z } from 'zod';

/** Money on the wire: a decimal number with at most two places. Inside it is whole hundredths. */

/** For one unit, or one line; room for currencies whose units are small. */
const AMOUNT_MAX = 1_000_000_000;

/**
 * An amount in a request. It is read by its decimal text, and never computed with as a fraction;
 * the result is in hundredths.
 */
export const money = z
  .unknown()
  .meta({ override: { type: 'number', minimum: 0, maximum: AMOUNT_MAX, examples: [299.99] } })
  .transform((value, context) => {
    const hundredths = toHundredths(value);
    if (hundredths !== null) return hundredths;
    const message = `must be a number from 0 to ${AMOUNT_MAX} with at most two decimal places`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ description: 'Money, with at most two decimal places.' });

/** An amount in a reply. */
export const moneyReply = z
  .number()
  .min(0)
  .meta({ description: 'Money, with at most two decimal places.', example: 299.99 });

/** The hundredths that a JSON number stands for; null where it is no amount. */
export function toHundredths(value: unknown): number | null {
  if (typeof value !== 'number') return null;
  const [, whole, places = ''] = /^(\d{1,10})(?:\.(\d{1,2}))?$/.exec(String(value)) ?? [];
  if (whole === undefined) return null;
  const hundredths = Number(`${whole}${places.padEnd(2, '0')}`);
  return hundredths <= AMOUNT_MAX * 100 ? hundredths : null;
}

/**
 * The number that shows so many hundredths, none below 0: exact to the hundredth up to 70 million
 * millions, where doubles end to tell hundredths apart.
 */
export function fromHundredths(hundredths: number | bigint): number {
  const digits = String(hundredths).padStart(3, '0');
  return Number(`${digits.slice(0, -2)}.${digits.slice(-2)}`);
}
