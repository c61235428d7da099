import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseFields } from '../../src/http/field-errors.js';
import type { NewProductBody } from '../../src/http/products/schemas.js';
import { foreignId, instant, sku } from '../../src/http/schemas.js';
import { messageOf } from '../../src/system-error.js';
import { type BadLine, inOrder, readCsv } from './csv.js';
import { readProducts } from './product-csv.js';
import { ScriptError } from './script.js';

/** A rental of one unit, as it happened. */
export interface PastRental {
  /** line of the file */
  readonly line: number;
  readonly userId: string;
  /** ISO 8601, as the file has it */
  readonly startsAt: string;
}

/** Something that happened to a unit: it went out, or it came back. */
export interface RentalEvent {
  readonly type: 'rent' | 'return';
  readonly rental: PastRental;
  readonly atMs: number;
}

/** What happened to one product, in the order in which it happened. */
export interface ProductHistory {
  readonly product: NewProductBody;
  readonly events: readonly RentalEvent[];
}

const RentalLine = z.object({
  sku,
  user_id: foreignId,
  starts_at: instant,
  returned_at: instant.optional(),
});

const BAD_LINES_SHOWN = 10;

/**
 * Reads `products.csv` (as import-products takes it; all are published) and `rentals.csv` (`sku`,
 * `user_id`, `starts_at`, `returned_at`, empty where it never came back) of a folder, and puts what
 * happened to each product in order of time; at the same instant returns come before rentals.
 * Throws a ScriptError that names the file and the lines that can't be used.
 */
export function readHistory(folder: string): ProductHistory[] {
  const { products, bad } = readIn(folder, 'products.csv', (bytes) =>
    readProducts(bytes, { publish: true }),
  );
  throwIfBad('products.csv', bad);
  const events = new Map<string, RentalEvent[]>(products.map(({ body }) => [body.sku, []]));
  throwIfBad(
    'rentals.csv',
    readIn(folder, 'rentals.csv', (bytes) => collectEvents(bytes, events)),
  );
  return products.map(({ body }) => ({
    product: body,
    events: (events.get(body.sku) ?? []).sort(inOrderOfTime),
  }));
}

function inOrderOfTime(a: RentalEvent, b: RentalEvent): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  if (a.type !== b.type) return a.type === 'return' ? -1 : 1;
  return a.rental.line - b.rental.line;
}

function collectEvents(bytes: Uint8Array, events: ReadonlyMap<string, RentalEvent[]>): BadLine[] {
  const { rows, bad } = readCsv(bytes);
  const wrong = [...bad];
  for (const { line, values } of rows) {
    const result = parseFields(RentalLine, Object.fromEntries(values));
    if ('errors' in result) {
      wrong.push({
        line,
        reason: result.errors.map(({ field, message }) => `${field}: ${message}`).join('; '),
      });
      continue;
    }
    const { sku: name, user_id: userId, starts_at: startMs, returned_at: returnMs } = result.data;
    const ofProduct = events.get(name);
    if (!ofProduct) {
      wrong.push({ line, reason: `sku: products.csv has no ${name}` });
    } else if (returnMs !== undefined && returnMs <= startMs) {
      wrong.push({ line, reason: 'returned_at: must be after starts_at' });
    } else {
      const rental = { line, userId, startsAt: new Date(startMs).toISOString() };
      ofProduct.push({ type: 'rent', rental, atMs: startMs });
      if (returnMs !== undefined) ofProduct.push({ type: 'return', rental, atMs: returnMs });
    }
  }
  return wrong;
}

function readIn<T>(folder: string, name: string, read: (bytes: Uint8Array) => T): T {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(folder, name));
  } catch (error) {
    throw new ScriptError(`${name} can not be read: ${messageOf(error)}.`);
  }
  try {
    return read(bytes);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw new ScriptError(`${name}: ${error.message}`);
  }
}

function throwIfBad(name: string, bad: readonly BadLine[]): void {
  if (bad.length === 0) return;
  const shown = inOrder(bad).slice(0, BAD_LINES_SHOWN);
  const lines = shown.map(({ line, reason }) => `${name} line ${line}: ${reason}`);
  const more = bad.length - shown.length;
  if (more > 0) lines.push(`… and ${more} more`);
  throw new ScriptError(lines.join('\n'));
}
