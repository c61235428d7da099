import type { Instant } from '../domain/instant.js';
import { instantTexts } from '../instant-texts.js';

export type Value = string | number | null;
/** Writes a value as an SQL literal of the database in use. */
export type Quote = (value: Value) => string;

const written = instantTexts((iso) => `${iso.slice(0, 10)} ${iso.slice(11, 23)}`);

/** A time as the tables hold it: `YYYY-MM-DD hh:mm:ss.mmm`, UTC. */
export function at(ms: Instant): string;
export function at(ms: Instant | null): string | null;
export function at(ms: Instant | null): string | null {
  return ms === null ? null : written(ms);
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

/**
 * Rows that one statement takes at most: with the widest rows there are, it stays well below the
 * 16 MB that a server's max_allowed_packet is by default.
 */
const STATEMENT_ROWS_MAX = 1_000;

/** SELECTs that are joined by UNION ALL at most: SQLite takes 500. */
export const UNION_MAX = 200;

/** Cuts rows into pieces, each of which fits into one statement. None at all are no piece. */
export function slices<T>(rows: readonly T[], max = STATEMENT_ROWS_MAX): (readonly T[])[] {
  if (rows.length === 0) return [];
  if (rows.length <= max) return [rows];
  const pieces: (readonly T[])[] = [];
  for (let from = 0; from < rows.length; from += max) pieces.push(rows.slice(from, from + max));
  return pieces;
}

function number(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${value}`);
  return String(value);
}
