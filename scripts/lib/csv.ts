import { CsvError, parse } from 'csv-parse/sync';
import { ScriptError } from './script.js';

/** One row of a file, by the names of its columns. A value that is empty is left out. */
export interface CsvRow {
  /** where it begins in the file; the first line is 1 */
  readonly line: number;
  readonly values: ReadonlyMap<string, string>;
}

/** A line that can't be taken, and why. */
export interface BadLine {
  readonly line: number;
  /** a phrase; it goes behind "line 7: " */
  readonly reason: string;
}

export interface CsvFile {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
  /** lines that are no row of this file's columns */
  readonly bad: readonly BadLine[];
}

/** A file in which more lines than this have broken quotes is no CSV file. */
const BROKEN_QUOTES_MAX = 1_000;

/**
 * Reads a CSV file: UTF-8, with or without a byte order mark; commas; the first line names the
 * columns; values may be quoted, with quotes inside doubled. Lines without any value are passed
 * over. A line with broken quotes is a bad line, and reading goes on with the next one.
 * Throws a ScriptError where nothing can be made of the file.
 */
export function readCsv(bytes: Uint8Array): CsvFile {
  const { records, bad } = readRecords(textOf(bytes).replace(/\r\n?/g, '\n').split('\n'));
  const [header, ...rest] = records;
  const broken = bad[0];
  if (broken && (!header || broken.line < header.line)) {
    throw new ScriptError(`The line of column names can not be read: ${broken.reason}.`);
  }
  if (!header) throw new ScriptError('The file is empty.');
  const columns = columnsOf(header);
  const rows: CsvRow[] = [];
  for (const { line, values } of rest) {
    if (values.length === columns.length) rows.push({ line, values: named(columns, values) });
    else bad.push({ line, reason: miscounted(values.length, columns.length) });
  }
  return { columns, rows, bad };
}

/** Lines in the order of the file. */
export function inOrder(bad: readonly BadLine[]): BadLine[] {
  return [...bad].sort((a, b) => a.line - b.line);
}

function textOf(bytes: Uint8Array): string {
  try {
    // Takes a byte order mark away.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ScriptError('The file is not UTF-8 text.');
  }
}

interface CsvRecord {
  readonly line: number;
  readonly values: readonly string[];
}

function readRecords(lines: readonly string[]): { records: CsvRecord[]; bad: BadLine[] } {
  const records: CsvRecord[] = [];
  const bad: BadLine[] = [];
  let from = 0;
  while (from < lines.length) {
    const { found, broken } = readFrom(lines, from);
    for (const record of found) records.push(record);
    if (!broken) break;
    bad.push(broken);
    if (bad.length > BROKEN_QUOTES_MAX) {
      throw new ScriptError(
        `More than ${BROKEN_QUOTES_MAX} lines have broken quotes: this is no CSV file.`,
      );
    }
    from = broken.line;
  }
  return { records, bad };
}

/** Reads up to the end, or to the first line whose quotes are broken. */
function readFrom(
  lines: readonly string[],
  from: number,
): { found: CsvRecord[]; broken: BadLine | null } {
  const found: CsvRecord[] = [];
  let ended = from;
  try {
    parse(lines.slice(from).join('\n'), {
      record_delimiter: '\n',
      relax_column_count: true,
      trim: true,
      on_record(values: string[], context) {
        const line = ended + 1;
        ended = from + context.lines;
        if (values.some((value) => value !== '')) found.push({ line, values });
        return null;
      },
    });
    return { found, broken: null };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { found, broken: { line: ended + 1, reason: brokenBy(error) } };
  }
}

function brokenBy(error: CsvError): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed';
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a value with a quote in it must be quoted, and the quote in it doubled';
    default:
      return error.message;
  }
}

function columnsOf({ values }: CsvRecord): readonly string[] {
  const twice = values.find((name, i) => name !== '' && values.indexOf(name) !== i);
  if (twice !== undefined) throw new ScriptError(`The file has two columns named "${twice}".`);
  return values;
}

function named(columns: readonly string[], values: readonly string[]): Map<string, string> {
  const row = new Map<string, string>();
  columns.forEach((column, i) => {
    const value = values[i] ?? '';
    if (value !== '') row.set(column, value);
  });
  return row;
}

function miscounted(values: number, columns: number): string {
  return `it has ${values} ${values === 1 ? 'value' : 'values'}, and the file has ${columns} columns`;
}
