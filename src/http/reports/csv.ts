import type { Reply } from '../endpoint.js';

type Cell = string | number | boolean | null;

/** A table for CSV: a cell for each column, by name. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** CSV after RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe first. */
export function toCsv({ columns, rows }: Table): string {
  return [columns, ...rows].map((cells) => `${cells.map(toField).join(',')}\r\n`).join('');
}

function toField(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows of objects, with what lies deeper named by its path: `rentals.begun.count`. */
export function tableOf(rows: readonly object[], columnsOfNone: readonly string[] = []): Table {
  const flat = rows.map((row) => new Map(flatten('', row)));
  const columns = [...new Set(flat.flatMap((row) => [...row.keys()]))];
  return {
    columns: columns.length > 0 ? columns : columnsOfNone,
    rows: flat.map((row) => columns.map((column) => row.get(column) ?? null)),
  };
}

/** One object as two columns: a figure's name, and its value. */
export function figuresTable(figures: object): Table {
  return { columns: ['figure', 'value'], rows: flatten('', figures) };
}

function flatten(prefix: string, value: object): [string, Cell][] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (Array.isArray(member)) return [[path, member.join(' ')]];
    if (typeof member === 'object' && member !== null) return flatten(path, member);
    const isCell = typeof member === 'number' || typeof member === 'boolean' || member === null;
    return [[path, isCell ? member : String(member)]];
  });
}

export function csvReply(table: Table, headers: Record<string, string> = {}): Reply {
  return {
    status: 200,
    body: toCsv(table),
    headers: { 'Content-Type': 'text/csv; charset=utf-8', Vary: 'Accept', ...headers },
  };
}
