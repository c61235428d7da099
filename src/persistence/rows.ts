import type { Instant } from '../domain/instant.js';

/** A row as a driver gives it: nothing is known of its values until one of the readers here looked. */
export type Row = Readonly<Record<string, unknown>>;

class UnexpectedValue extends Error {
  constructor(row: Row, column: string, expected: string) {
    super(`column ${column} should hold ${expected}, not ${typeof row[column]}`);
    this.name = 'UnexpectedValue';
  }
}

/** Reads a whole number. Sums come back as text from MySQL. */
export function integer(row: Row, column: string): number {
  const value = row[column];
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new UnexpectedValue(row, column, 'a whole number');
  }
  return number;
}

/** Reads a number that may have a fraction, or be beyond what is exact. */
export function real(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new UnexpectedValue(row, column, 'a number');
  return value;
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new UnexpectedValue(row, column, 'text');
  return value;
}

/** Reads a time, which stands there as text in UTC with milliseconds. */
export function instant(row: Row, column: string): Instant {
  const value = row[column];
  if (typeof value !== 'string' || !INSTANT.test(value)) {
    throw new UnexpectedValue(row, column, 'a time');
  }
  // Every row has some, and `Date.parse` takes three times as long.
  return Date.UTC(
    twoDigits(value, 0) * 100 + twoDigits(value, 2),
    twoDigits(value, 5) - 1,
    twoDigits(value, 8),
    twoDigits(value, 11),
    twoDigits(value, 14),
    twoDigits(value, 17),
    twoDigits(value, 20) * 10 + digit(value, 22),
  );
}
const INSTANT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;
const digit = (value: string, place: number) => value.charCodeAt(place) - 48;
const twoDigits = (value: string, place: number) =>
  digit(value, place) * 10 + digit(value, place + 1);

/** Reads one of a closed list of words. */
export function oneOf<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = row[column];
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new UnexpectedValue(row, column, words.join(' or '));
  return word;
}

/** Reads a column that may be NULL with one of the readers above. */
export function nullable<T>(
  read: (row: Row, column: string) => T,
  row: Row,
  column: string,
): T | null {
  return row[column] === null || row[column] === undefined ? null : read(row, column);
}
