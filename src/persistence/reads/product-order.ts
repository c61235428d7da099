import type { AvailabilityStatus } from '../../../machines/product.js';
import type { Database } from '../database.js';
import type { Dialect } from '../dialects.js';
import { toldAvailable, toldColumns } from '../products.js';
import { type Row, text } from '../rows.js';

/** By what a list of products is sorted; equal texts by id. Upper and lower case count as the same. */
export interface ProductOrder {
  readonly by: 'id' | 'sku' | 'name';
  readonly descending: boolean;
}

interface TextQuery {
  readonly storeId: number;
  readonly status: AvailabilityStatus | null;
  readonly sku: string | null;
  readonly parentId: number | null;
  readonly ids: readonly number[] | null;
  readonly search: string | null;
  readonly order: ProductOrder;
  readonly after: number | null;
  readonly limit: number;
}

/** A stretch of the list in the order of one column. */
interface Stretch {
  readonly column: 'search_sku' | 'search_name';
  readonly descending: boolean;
  /** conditions on the text of the column */
  readonly where: readonly string[];
}

/** No text that begins with another is above that with this character behind it. */
const HIGHEST = '\u{10ffff}';

/**
 * The rows of a page, and of one product behind it, in the order of a text. What is searched for is
 * first what has it at the beginning of its SKU, in order of SKU, and then what has it at the
 * beginning of its name, in order of name. Each stretch takes the first few of each status from the
 * index that has them in order, and then the first of these: a page costs the same wherever it is.
 */
export async function selectInTextOrder(database: Database, query: TextQuery): Promise<Row[]> {
  const place = query.after === null ? null : await findPlace(database, query, query.after);
  // The product that the last page ended with is of another store, or there is none.
  if (query.after !== null && place === null) return [];
  const stretches = stretchesOf(database, query);
  const from = place ? stretches.findIndex((stretch) => place.isIn(stretch)) : 0;
  const rows: Row[] = [];
  for (const [i, stretch] of stretches.entries()) {
    const missing = query.limit + 1 - rows.length;
    if (i < from || missing === 0) continue;
    const behind = place && i === from ? place : null;
    rows.push(
      ...(await selectStretch(database, { ...query, limit: missing }, { stretch, behind })),
    );
  }
  return rows;
}

function stretchesOf({ quote, dialect }: Database, { search, order }: TextQuery): Stretch[] {
  if (search === null) {
    const column = order.by === 'sku' ? 'search_sku' : 'search_name';
    return [{ column, descending: order.descending, where: [] }];
  }
  const from = `LOWER(${quote(search)})`;
  const begins = (column: string) =>
    `${column} >= ${from} AND ${column} < ${dialect.concat(from, quote(HIGHEST))}`;
  return [
    { column: 'search_sku', descending: false, where: [begins('search_sku')] },
    {
      column: 'search_name',
      descending: false,
      where: [begins('search_name'), `NOT (${begins('search_sku')})`],
    },
  ];
}

/** Where the last page ended. */
interface Place {
  readonly id: number;
  textIn(column: Stretch['column']): string;
  isIn(stretch: Stretch): boolean;
}

async function findPlace(
  database: Database,
  { storeId, search }: TextQuery,
  id: number,
): Promise<Place | null> {
  const { quote, dialect } = database;
  const from = `LOWER(${quote(search ?? '')})`;
  const [row] = await database.select(
    `SELECT search_sku, search_name, CASE WHEN search_sku >= ${from} ` +
      `AND search_sku < ${dialect.concat(from, quote(HIGHEST))} THEN 1 ELSE 0 END AS by_sku ` +
      `FROM products WHERE id = ${id} AND store_id = ${storeId}`,
  );
  if (!row) return null;
  const column = row['by_sku'] === 1 ? 'search_sku' : 'search_name';
  return {
    id,
    textIn: (named) => text(row, named),
    isIn: (stretch) => search === null || stretch.column === column,
  };
}

async function selectStretch(
  database: Database,
  query: TextQuery,
  { stretch, behind }: { stretch: Stretch; behind: Place | null },
): Promise<Row[]> {
  const { quote, dialect } = database;
  const { column, descending } = stretch;
  const down = descending ? ' DESC' : '';
  const conditions = [`store_id = ${query.storeId}`, ...stretch.where];
  if (query.sku !== null) conditions.push(`sku = ${quote(query.sku)}`);
  if (query.parentId !== null) conditions.push(`parent_id = ${query.parentId}`);
  if (query.ids !== null) conditions.push(`id IN (${query.ids.join(', ')})`);
  if (behind) {
    const last = quote(behind.textIn(column));
    const [further, beyond] = descending ? ['<=', '<'] : ['>=', '>'];
    // The first of the two is what the index is entered with.
    conditions.push(`${column} ${further} ${last}`);
    conditions.push(`(${column} ${beyond} ${last} OR id ${beyond} ${behind.id})`);
  }
  const branches = branchesOf(query.status, dialect).map(
    (branch, i) =>
      `SELECT * FROM (SELECT id, ${column} AS place FROM products ` +
      `WHERE ${[...conditions, branch].join(' AND ')} ` +
      `ORDER BY ${column}${down}, id${down} LIMIT ${query.limit}) AS those_${i}`,
  );
  return database.select(
    `SELECT ${toldColumns(dialect)} FROM (SELECT id AS found_id, place FROM (` +
      `${branches.join(' UNION ALL ')}) AS those ORDER BY place${down}, id${down} ` +
      `LIMIT ${query.limit}) AS found JOIN products ON products.id = found.found_id ` +
      `ORDER BY found.place${down}, found.found_id${down}`,
  );
}

/** Conditions that no product meets two of, each with one status in the table. */
function branchesOf(status: AvailabilityStatus | null, dialect: Dialect): string[] {
  const is = (stored: AvailabilityStatus) => `availability_status = '${stored}'`;
  const freed = `${toldAvailable(dialect)} > 0`;
  switch (status) {
    case null:
      return [is('draft'), is('available'), is('rented_out')];
    case 'draft':
      return [is('draft')];
    case 'available':
      // Only where a hold is due is a product told to be available that is not written down so.
      return [
        is('available'),
        `${is('rented_out')} AND next_hold_due_at <= ${dialect.now} AND ${freed}`,
      ];
    case 'rented_out':
      return [`${is('rented_out')} AND NOT ${freed}`];
  }
}
