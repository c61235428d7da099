import { z } from 'zod';
import { withoutKind } from '../domain/carts.js';
import type { Instant } from '../domain/instant.js';
import { isoText } from '../instant-texts.js';

/** What requests and replies of several surfaces are made of. Lengths and ranges show in OpenAPI. */

export const UNITS_MAX = 1_000_000_000;
export const LINE_UNITS_MAX = 1_000_000;
export const LIST_LINES_MAX = 1_000;
const PAGE_ROWS_MAX = 200;
const PAGE_ROWS = 50;

// Control characters and lone surrogates are not text that a person chose.
const isLine = (value: string) => !/[\p{Cc}\p{Cs}]/u.test(value);
const isPrintable = (value: string) => isLine(value.replace(/[\t\n\r]/g, ''));
const isTrimmed = (value: string) => value.trim() === value;

/** One line of text of 1 to `max` characters, without white space at either end. */
export function line(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine(isLine, 'must not contain control characters')
    .refine(isTrimmed, 'must not begin or end with white space');
}

/** Free text of at most `max` characters. */
export function freeText(max: number) {
  return z.string().max(max).refine(isPrintable, 'must not contain control characters');
}

export const sku = line(100)
  .refine(
    (value) => !/^\d{1,10}$/.test(value),
    'must not consist of up to ten digits and nothing else: that would be read as an id',
  )
  .meta({ description: 'Unique in its store.', example: 'DRILL-18V' });

/** The id of a user or an order in the caller's own books: text, or a number that is kept as text. */
export const foreignId = z
  .union([line(200), z.int()])
  .transform(String)
  .meta({ description: 'Text of up to 200 characters; an integer is taken as text.' });

/** A product, by id (a number, or up to ten digits) or by SKU. */
export const productRef = z
  .union([z.int().min(1), line(100)])
  .transform(toProductRef)
  .meta({ description: "The product's id, or its SKU.", example: 1 });

/** The same, kept as the request said it, for a reply that repeats it. `toProductRef` reads it. */
export const productName = z
  .union([z.int().min(1), line(100)])
  .meta({ description: "The product's id, or its SKU.", example: 1 });

/** A product in a reply that repeats how the request named it. */
export const productNameReply = z
  .union([z.int(), z.string()])
  .meta({ description: 'As the request named it; else its id.' });

/** A product in a path or a query, where everything is text. */
export const productRefText = line(100)
  .transform(toProductRef)
  .meta({ description: "The product's id, or its SKU.", example: '1' });

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** The id of a rental or an API key in a path. What is no UUID names nothing, and so is not found. */
export const uuidText = line(100)
  .transform((value) => (z.guid().safeParse(value).success ? value.toLowerCase() : NIL_UUID))
  .meta({ example: '01966f0a-7c00-7000-8000-000000000000' });

/** What text or a number names: up to ten digits are an id, any other text is a SKU. */
export function toProductRef(value: string | number): string | number {
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
}

const CART_NAME_MAX = 200;

/** A cart, by the name that the caller gave it, or by whose it is: `user:` with the user's id. */
export const cartName = line('checkout:'.length + CART_NAME_MAX)
  .refine((name) => withoutKind(name).length <= CART_NAME_MAX, {
    error: `must have at most ${CART_NAME_MAX} characters, a \`user:\` or \`checkout:\` before them not counted`,
    when: ({ issues }) => issues.length === 0,
  })
  .meta({
    description: `A name of your own choice, or \`user:\` and a user's id; up to ${CART_NAME_MAX} characters, not counting a \`user:\` or \`checkout:\` before them. Upper and lower case differ.`,
    example: 'cart-123',
  });

/** Minutes, which may be a fraction: more than 0 and at most `max`. */
export function minutes(max: number) {
  return z.number().gt(0).max(max);
}

/** Minutes as whole milliseconds, one at least. */
export function toMs(minutes: number): number {
  return Math.max(1, Math.round(minutes * 60_000));
}

/** Units in one line of a request. */
export const lineUnits = z.int().min(1).max(LINE_UNITS_MAX);
/** Units that a hold or a rental has: those of several lines, or of several requests. */
export const takenUnits = z.int().min(1).max(UNITS_MAX);
/** Units of a product. */
export const units = z.int().min(0).max(UNITS_MAX);

const EARLIEST = Date.parse('1970-01-01T00:00:00Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** A time with its offset from UTC; milliseconds are kept, anything finer is cut off. */
export const instant = z.iso
  .datetime({ offset: true })
  .transform((value): Instant => Date.parse(value))
  .refine((ms) => ms >= EARLIEST && ms <= LATEST, 'must lie between the years 1970 and 9999')
  .meta({ description: 'ISO 8601 with offset.', example: '2026-11-21T10:00:00Z' });

export const timestamp = z.iso.datetime().meta({ description: 'UTC, with milliseconds.' });

/** A whole number in a query, where everything is text: digits and nothing else. */
export function queryInteger(range: { min: number; max: number; fallback: number }) {
  const { min, max, fallback } = range;
  return wholeNumberText(min, max)
    .default(fallback)
    .meta({ override: { type: 'integer', minimum: min, maximum: max, default: fallback } });
}

/** The same where nothing stands for one that is left out. */
export function optionalQueryInteger({ min, max }: { min: number; max: number }) {
  return wholeNumberText(min, max)
    .optional()
    .meta({ override: { type: 'integer', minimum: min, maximum: max } });
}

function wholeNumberText(min: number, max: number) {
  const wrong = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .refine((value) => /^\d{1,10}$/.test(value), wrong)
    .transform(Number)
    .refine((value) => value >= min && value <= max, wrong);
}

export const pageLimit = queryInteger({ min: 1, max: PAGE_ROWS_MAX, fallback: PAGE_ROWS }).meta({
  description: `Rows on a page, at most ${PAGE_ROWS_MAX}.`,
});

export const flag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .meta({ description: '`true` or `false`.' });

/** The place in a list where the next page begins: opaque to callers, the last row's id to us. */
export const cursorAfterId = cursor(/^[1-9]\d{0,15}$/).transform(Number);
export const cursorAfterUuid = cursor(/^[0-9a-f-]{36}$/);

function cursor(pattern: RegExp) {
  return z
    .string()
    .max(200)
    .transform((value) => Buffer.from(value, 'base64url').toString('utf8'))
    .refine((value) => pattern.test(value), 'is no cursor that this list gave')
    .meta({ description: 'The `next_cursor` of the page before.' });
}

export function toCursor(id: number | string): string {
  return Buffer.from(String(id)).toString('base64url');
}

/** A time as replies show it. */
export function iso(ms: Instant): string;
export function iso(ms: Instant | null): string | null;
export function iso(ms: Instant | null): string | null {
  return ms === null ? null : isoText(ms);
}
