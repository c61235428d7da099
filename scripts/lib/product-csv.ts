import { parseFields } from '../../src/http/field-errors.js';
import { NewProductBody } from '../../src/http/products/schemas.js';
import { type BadLine, type CsvRow, inOrder, readCsv } from './csv.js';
import { ScriptError } from './script.js';

/** A product as a line of a file tells it, checked like the body of a request. */
export interface ProductLine {
  readonly line: number;
  readonly body: NewProductBody;
}

export interface ProductFile {
  readonly products: readonly ProductLine[];
  readonly bad: readonly BadLine[];
  /** columns that a product doesn't have, and that are left out */
  readonly unknownColumns: readonly string[];
}

const NEEDED = ['sku', 'name', 'quantity'] as const;
/** how the text of each column becomes a value; what does not fit is left to the schema */
const COLUMNS: ReadonlyMap<string, (text: string) => unknown> = new Map([
  ['sku', asText],
  ['name', asText],
  ['quantity', asNumber],
  ['publish', asFlag],
  ['parent_id', asText],
  ['low_stock_threshold', asNumber],
  ['price_amount', asNumber],
  ['price_currency', asText],
  ['supplier_email', asText],
]);

/** The columns that a product has, those that are needed first. */
export const PRODUCT_COLUMNS = [...COLUMNS.keys()];

/**
 * Reads products from a CSV file. Every line is checked by the same schema as a request, and no
 * SKU may stand in two lines. `publish` holds where a line does not say.
 * Throws a ScriptError where the file can't be read, or lacks a column that is needed.
 */
export function readProducts(bytes: Uint8Array, { publish }: { publish: boolean }): ProductFile {
  const { columns, rows, bad: unreadable } = readCsv(bytes);
  const missing = NEEDED.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new ScriptError(
      `The file has no column ${missing.join(', ')}; its first line must name its columns, with commas between them.`,
    );
  }
  const products: ProductLine[] = [];
  const bad = [...unreadable];
  const lineOfSku = new Map<string, number>();
  for (const row of rows) {
    const checked = checkProduct(row, publish);
    const first = 'body' in checked ? lineOfSku.get(checked.body.sku) : undefined;
    if ('reason' in checked) {
      bad.push({ line: row.line, reason: checked.reason });
    } else if (first !== undefined) {
      bad.push({
        line: row.line,
        reason: `sku ${checked.body.sku} stands in line ${first} already`,
      });
    } else {
      lineOfSku.set(checked.body.sku, row.line);
      products.push({ line: row.line, body: checked.body });
    }
  }
  const unknownColumns = columns.filter((name) => name !== '' && !COLUMNS.has(name));
  return { products, bad: inOrder(bad), unknownColumns };
}

function checkProduct(
  { values }: CsvRow,
  publish: boolean,
): { body: NewProductBody } | { reason: string } {
  const missing = NEEDED.filter((name) => !values.has(name));
  if (missing.length > 0) return { reason: missing.map((name) => `${name} is missing`).join('; ') };
  const fields: Record<string, unknown> = { publish };
  const wrong: string[] = [];
  for (const [column, text] of values) {
    const convert = COLUMNS.get(column);
    if (!convert) continue;
    const value = convert(text);
    fields[column] = value;
    if (convert === asNumber && typeof value !== 'number') {
      wrong.push(`${column} must be a whole number, not "${text}"`);
    }
    if (convert === asFlag && typeof value !== 'boolean') {
      wrong.push(`${column} must be true or false, not "${text}"`);
    }
  }
  if (wrong.length > 0) return { reason: wrong.join('; ') };
  const result = parseFields(NewProductBody, fields);
  if ('data' in result) return { body: result.data };
  return { reason: result.errors.map(({ field, message }) => `${field}: ${message}`).join('; ') };
}

function asText(text: string): string {
  return text;
}

function asNumber(text: string): unknown {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function asFlag(text: string): unknown {
  const word = text.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : text;
}
