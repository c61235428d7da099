/** A row of a file, with the line that it begins in; the first line is 1. */
export interface CsvRow {
  readonly line: number;
  readonly values: readonly string[];
  /** a quote is opened and not closed, or text stands behind one */
  readonly isBroken: boolean;
}

/**
 * Reads CSV: commas, values in quotes where need be, quotes inside them doubled. Lines without any
 * value are passed over. A quote that is never closed breaks its own line alone.
 */
export function parseCsv(text: string): CsvRow[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n');
  const rows: CsvRow[] = [];
  for (let i = 0; i < lines.length; ) {
    const { row, next } = readRow(lines, i);
    if (row.isBroken || row.values.some((value) => value !== '')) rows.push(row);
    i = next;
  }
  return rows;
}

/** A row from a line on, and the line that the next one begins in, both counted from 0. */
function readRow(lines: readonly string[], from: number): { row: CsvRow; next: number } {
  const line = from + 1;
  const text = lines[from] ?? '';
  // A value may go on in the next lines; where no quote closes it, only this line is lost.
  for (let end = from; end < lines.length; end++) {
    const read = readValues(lines.slice(from, end + 1).join('\n'));
    if (read === 'open') {
      if (end - from < QUOTED_LINES_MAX) continue;
      break;
    }
    if (read === 'broken') break;
    return { row: { line, values: read, isBroken: false }, next: end + 1 };
  }
  return { row: { line, values: text.split(','), isBroken: true }, next: from + 1 };
}

const QUOTED_LINES_MAX = 100;
const VALUE = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;

function readValues(text: string): string[] | 'open' | 'broken' {
  const values: string[] = [];
  VALUE.lastIndex = 0;
  for (;;) {
    const match = VALUE.exec(text);
    if (!match) {
      // An odd number of quotes: one of them is still open.
      return (text.match(/"/g)?.length ?? 0) % 2 === 1 ? 'open' : 'broken';
    }
    values.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? '').trim());
    if (match[3] === '') return values;
  }
}
