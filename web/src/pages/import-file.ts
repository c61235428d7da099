import { call } from '../api/client';
import { parseCsv } from '../csv';
import { toNumber } from '../ui/form';

/** A product as a line of a file tells it, not checked. */
export interface Candidate {
  readonly line: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/** What is in a file, and what is wrong with it. */
export interface Preview {
  readonly good: readonly Candidate[];
  readonly bad: readonly BadLine[];
  /** columns that a product does not have, and that are left out */
  readonly unknownColumns: readonly string[];
}

/** The file as a whole can't be taken. */
export class FileError extends Error {}

const AT_ONCE = 1_000;
const ROWS_MAX = 100_000;
const NEEDED = ['sku', 'name', 'quantity'];
const CONVERT: Readonly<Record<string, (text: string) => unknown>> = {
  sku: String,
  name: String,
  quantity: toNumber,
  publish: toFlag,
  parent_id: String,
  low_stock_threshold: toNumber,
  price_amount: toNumber,
  price_currency: String,
  supplier_email: String,
};
export const COLUMNS = Object.keys(CONVERT);

function toFlag(text: string): unknown {
  const word = text.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : text;
}

/**
 * Reads a file and lets the API say what is wrong with each of its lines; nothing is made. Throws a
 * FileError where nothing can be made of it.
 */
export async function preview(
  file: Blob,
  { publish }: { publish: boolean },
  onProgress: (checked: number, total: number) => void,
): Promise<Preview> {
  const { candidates, bad, unknownColumns } = read(await textOf(file), publish);
  const wrong = new Map<number, string[]>();
  const lineOfSku = new Map<unknown, number>();
  for (const { line, body } of candidates) {
    const first = lineOfSku.get(body['sku']);
    if (first === undefined) lineOfSku.set(body['sku'], line);
    else wrong.set(line, [`sku ${String(body['sku'])} stands in line ${first} already`]);
  }
  const toCheck = candidates.filter(({ line }) => !wrong.has(line));
  for (let from = 0; from < toCheck.length; from += AT_ONCE) {
    const some = toCheck.slice(from, from + AT_ONCE);
    const { errors } = await call<Checked>('POST', '/api/products/validate', {
      body: { products: some.map(({ body }) => body) },
    });
    for (const { index, field, message } of errors) {
      const line = some[index]?.line ?? 0;
      const isSentence = message.endsWith('.');
      const reason = isSentence ? message : `${field} ${message}`;
      wrong.set(line, [...(wrong.get(line) ?? []), reason]);
    }
    onProgress(Math.min(from + AT_ONCE, toCheck.length), toCheck.length);
  }
  return {
    good: toCheck.filter(({ line }) => !wrong.has(line)),
    bad: [
      ...bad,
      ...[...wrong].map(([line, reasons]) => ({ line, reason: reasons.join('; ') })),
    ].sort((a, b) => a.line - b.line),
    unknownColumns,
  };
}

interface Checked {
  readonly errors: readonly { index: number; field: string; message: string }[];
}

async function textOf(file: Blob): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new FileError('The file is not UTF-8 text.');
  }
}

function read(text: string, publish: boolean) {
  const [header, ...rows] = parseCsv(text);
  if (!header) throw new FileError('The file is empty.');
  const columns = header.values;
  const missing = NEEDED.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new FileError(
      `The file has no column ${missing.join(', ')}; its first line must name its columns.`,
    );
  }
  if (rows.length > ROWS_MAX) {
    throw new FileError(
      `The file has more than ${ROWS_MAX} lines: npm run import-products takes it.`,
    );
  }
  const candidates: Candidate[] = [];
  const bad: BadLine[] = [];
  for (const { line, values, isBroken } of rows) {
    if (isBroken) bad.push({ line, reason: 'its quotes are broken' });
    else if (values.length !== columns.length) {
      bad.push({
        line,
        reason: `it has ${values.length} values, and the file has ${columns.length} columns`,
      });
    } else candidates.push({ line, body: bodyOf(columns, values, publish) });
  }
  const unknownColumns = columns.filter((name) => name !== '' && !(name in CONVERT));
  return { candidates, bad, unknownColumns };
}

function bodyOf(columns: readonly string[], values: readonly string[], publish: boolean) {
  const body: Record<string, unknown> = { publish };
  columns.forEach((column, i) => {
    const value = values[i] ?? '';
    const convert = Object.hasOwn(CONVERT, column) ? CONVERT[column] : undefined;
    if (convert && value !== '') body[column] = convert(value);
  });
  return body;
}

interface Made {
  readonly data: readonly (
    | { readonly status: 201 }
    | { readonly status: 409; readonly error: { readonly detail: string } }
  )[];
}

/**
 * Makes the products, a thousand at once. A SKU that was taken meanwhile keeps none of the others
 * back. `key`: the same for each attempt, so that none is made twice.
 */
export async function importAll(
  candidates: readonly Candidate[],
  key: string,
  onProgress: (made: number) => void,
): Promise<{ made: number; bad: BadLine[] }> {
  const bad: BadLine[] = [];
  let made = 0;
  for (let from = 0; from < candidates.length; from += AT_ONCE) {
    const some = candidates.slice(from, from + AT_ONCE);
    const { data } = await call<Made>('POST', '/api/products/batch', {
      key: `${key}-${from}`,
      body: { products: some.map(({ body }) => body) },
    });
    data.forEach((outcome, i) => {
      if (outcome.status === 201) made++;
      else bad.push({ line: some[i]?.line ?? 0, reason: outcome.error.detail });
    });
    onProgress(made);
  }
  return { made, bad };
}
