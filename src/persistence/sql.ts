import type { Instant } from '../domain/instant.js';

export type Value = string | number | null;
/** Writes a value as an SQL literal of the database in use. */
export type Quote = (value: Value) => string;

let lastMs: Instant | undefined;
let lastText = '';

/** A time as the tables hold it: `YYYY-MM-DD hh:mm:ss.mmm`, UTC. */
export function at(ms: Instant): string;
export function at(ms: Instant | null): string | null;
export function at(ms: Instant | null): string | null {
  if (ms === null) return null;
  // A batch writes one time into hundreds of rows.
  if (ms !== lastMs) {
    const iso = new Date(ms).toISOString();
    lastText = `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
    lastMs = ms;
  }
  return lastText;
}

/** `(1, 'a'), (2, 'b')`: rows of values for an INSERT. */
export function tuples(quote: Quote, rows: readonly (readonly Value[])[]): string {
  return rows.map((row) => list(quote, row)).join(',');
}

/** `(1, 2, 3)`: a list of values for an IN. It must not be empty. */
export function list(quote: Quote, values: readonly Value[]): string {
  let sql = '(';
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null;
    if (i > 0) sql += ',';
    sql += typeof value === 'number' ? number(value) : quote(value);
  }
  return `${sql})`;
}

function number(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${value}`);
  return String(value);
}
