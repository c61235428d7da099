import { EVENT_TYPES, type EventType, LINELESS_EVENT_TYPES } from '../domain/event.js';
import type { TellingLine } from '../domain/events-of-lines.js';
import type { Instant } from '../domain/instant.js';
import { MOVEMENT_KINDS } from '../domain/movement.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { list, tuples } from './sql.js';

/**
 * The outbox: in which order events are told. What they are stands in the ledger and in `events`;
 * here is only which line is which event. A page holds all that one round of the relay has found.
 */

/** Ids that were passed over, since they were not to be seen: of a transaction that is still open, or of none. */
export interface IdRange {
  readonly from: number;
  /** inclusive */
  readonly to: number;
}

/** How far the relay has come in one of the two tables that it reads. */
export interface Reading {
  /** the largest id that it has seen */
  readonly seen: number;
  /** those below it that it has not */
  readonly missing: readonly IdRange[];
}

/** Where the relay stands; it is written with each page. */
export interface RelayPosition {
  /** 0 where there is no page yet */
  readonly page: number;
  /** of the last event that was told */
  readonly sequence: number;
  readonly movements: Reading;
  readonly events: Reading;
}

/** A line of the ledger, or a row of `events`, and which events it is. */
export interface ToldSource {
  readonly from: 'movements' | 'events';
  readonly id: number;
  readonly storeId: number;
  readonly productId: number | null;
  /** in order; a line may be none */
  readonly types: readonly EventType[];
  /** whether the product was a draft after it */
  readonly isDraft: boolean;
  /** units, where it left the product low; else null */
  readonly lowStockThreshold: number | null;
}

/** One event in its place. */
export interface OutboxEntry extends Omit<ToldSource, 'types'> {
  readonly sequence: number;
  readonly type: EventType;
}

export interface OutboxPage extends RelayPosition {
  readonly told: readonly ToldSource[];
}

/** A line of the ledger that was not told yet. */
export interface UntoldLine extends TellingLine {
  readonly id: number;
  readonly storeId: number;
}

/** A row of `events` that was not told yet. */
export interface UntoldEvent {
  readonly id: number;
  readonly storeId: number;
  readonly type: EventType;
  readonly productId: number | null;
  readonly createdAt: Instant;
}

const LINE_COLUMNS =
  'id, store_id, product_id, kind, created_at, quantity_available, quantity_available_delta, ' +
  'rental_id, reservation_id';
const EVENT_COLUMNS = 'id, store_id, product_id, type, created_at';

/**
 * What was committed and not told: up to `limit` rows of each table behind those that were seen,
 * and whatever has turned up among the missing. All of one moment, since it is one statement: a
 * line is not there without those that were committed before it.
 */
export async function readUntold(
  connection: Connection,
  position: Pick<RelayPosition, 'movements' | 'events'>,
  options: { limit: number; lowStockThreshold: number },
): Promise<{ lines: UntoldLine[]; events: UntoldEvent[] }> {
  const { limit, lowStockThreshold } = options;
  const rows = await connection.select(
    "SELECT 'movements' AS source, m.id, m.store_id, m.product_id, m.kind, m.created_at, " +
      'm.quantity_available, m.quantity_available_delta, m.rental_id, ' +
      'CASE WHEN r.rental_id = m.rental_id THEN 1 ELSE 0 END AS ends_hold, ' +
      'p.availability_status, p.low_stock_threshold ' +
      `FROM (${unseen('movements', LINE_COLUMNS, position.movements, limit)}) AS m ` +
      'JOIN products p ON p.id = m.product_id ' +
      "LEFT JOIN reservations r ON m.kind = 'confirm' AND r.id = m.reservation_id " +
      "UNION ALL SELECT 'events', e.id, e.store_id, e.product_id, e.type, e.created_at, " +
      '0, 0, NULL, 0, NULL, NULL ' +
      `FROM (${unseen('events', EVENT_COLUMNS, position.events, limit)}) AS e`,
  );
  const byId = (a: { id: number }, b: { id: number }) => a.id - b.id;
  const isLine = (row: Row) => row['source'] === 'movements';
  const lines = rows.filter(isLine).map((row) => rowToLine(row, lowStockThreshold));
  const events = rows.filter((row) => !isLine(row)).map(rowToEvent);
  return { lines: lines.sort(byId), events: events.sort(byId) };
}

function unseen(table: string, columns: string, { seen, missing }: Reading, limit: number): string {
  const fresh = `SELECT * FROM (SELECT ${columns} FROM ${table} WHERE id > ${seen} ORDER BY id LIMIT ${limit}) AS fresh`;
  if (missing.length === 0) return fresh;
  const single = missing.filter(({ from, to }) => from === to).map(({ from }) => from);
  const conditions = missing
    .filter(({ from, to }) => from < to)
    .map(({ from, to }) => `id BETWEEN ${from} AND ${to}`);
  if (single.length > 0) conditions.push(`id IN (${single.join(',')})`);
  return `${fresh} UNION ALL SELECT ${columns} FROM ${table} WHERE ${conditions.join(' OR ')}`;
}

function rowToLine(row: Row, lowStockThreshold: number): UntoldLine {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: integer(row, 'product_id'),
    kind: oneOf(row, 'kind', MOVEMENT_KINDS),
    createdAt: instant(row, 'created_at'),
    quantityAvailable: integer(row, 'quantity_available'),
    availableDelta: integer(row, 'quantity_available_delta'),
    rentalId: nullable(text, row, 'rental_id'),
    endsHold: integer(row, 'ends_hold') === 1,
    isDraftNow: row['availability_status'] === 'draft',
    lowStockThreshold: nullable(integer, row, 'low_stock_threshold') ?? lowStockThreshold,
  };
}

function rowToEvent(row: Row): UntoldEvent {
  return {
    id: integer(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: nullable(integer, row, 'product_id'),
    type: oneOf(row, 'kind', LINELESS_EVENT_TYPES),
    createdAt: instant(row, 'created_at'),
  };
}

/**
 * Where the relay stands by what it last wrote. Where it never wrote anything, that is at the end of
 * what there is by now: what was before the first relay is not told.
 */
export async function readPosition(connection: Connection): Promise<RelayPosition> {
  const [row] = await connection.select(
    'SELECT page, last_sequence, movements_seen, events_seen, missing FROM outbox ' +
      'ORDER BY page DESC LIMIT 1',
  );
  if (!row) {
    const [last] = await connection.select(
      'SELECT (SELECT COALESCE(MAX(id), 0) FROM movements) AS movements, ' +
        '(SELECT COALESCE(MAX(id), 0) FROM events) AS events',
    );
    const end = (table: string) => ({ seen: last ? integer(last, table) : 0, missing: [] });
    return { page: 0, sequence: 0, movements: end('movements'), events: end('events') };
  }
  const missing = readMissing(text(row, 'missing'));
  return {
    page: integer(row, 'page'),
    sequence: integer(row, 'last_sequence'),
    movements: { seen: integer(row, 'movements_seen'), missing: missing.movements },
    events: { seen: integer(row, 'events_seen'), missing: missing.events },
  };
}

/** How far apart the ids of neighbouring rows are, where one writer gives them. */
export async function readIdStride(connection: Connection): Promise<number> {
  const [row] = await connection.select(`SELECT ${connection.dialect.idStride} AS stride`);
  return row ? integer(row, 'stride') : 1;
}

/** Writes a page. Throws a DatabaseFault `clash` where somebody else has written it. */
export async function insertPage(connection: Connection, page: OutboxPage): Promise<void> {
  const { quote, dialect } = connection;
  const values = tuples(quote, [
    [
      page.page,
      page.sequence,
      JSON.stringify(page.told.map(writeSource)),
      page.movements.seen,
      page.events.seen,
      JSON.stringify({ movements: page.movements.missing, events: page.events.missing }),
    ],
  ]);
  await connection.run(
    'INSERT INTO outbox (page, last_sequence, told, movements_seen, events_seen, missing, created_at) ' +
      `VALUES ${values.slice(0, -1)}, ${dialect.now})`,
  );
}

/** The sequence of the last event that was told. */
export async function readLastSequence(connection: Connection): Promise<number> {
  const [row] = await connection.select(
    'SELECT last_sequence FROM outbox ORDER BY page DESC LIMIT 1',
  );
  return row ? integer(row, 'last_sequence') : 0;
}

/**
 * Events after a sequence, in order and without a hole, from so many pages at most. null: what came
 * right after it is no longer kept, or it was never given.
 */
export async function readEntries(
  connection: Connection,
  after: number,
  pagesMax: number,
): Promise<{ entries: OutboxEntry[]; last: number } | null> {
  const rows = await connection.select(
    `SELECT last_sequence, told FROM outbox WHERE last_sequence > ${after} ` +
      `ORDER BY last_sequence, page LIMIT ${pagesMax}`,
  );
  if (rows.length === 0) {
    const last = await readLastSequence(connection);
    return after > last ? null : { entries: [], last: after };
  }
  const entries: OutboxEntry[] = [];
  let last = after;
  for (const row of rows) {
    const lastOfPage = integer(row, 'last_sequence');
    const page = entriesOf(readSources(text(row, 'told')), lastOfPage);
    if ((page[0]?.sequence ?? lastOfPage + 1) > last + 1) return null;
    for (const entry of page) if (entry.sequence > after) entries.push(entry);
    last = lastOfPage;
  }
  return { entries, last };
}

/** The events of a page whose last one has this sequence. */
export function entriesOf(told: readonly ToldSource[], lastSequence: number): OutboxEntry[] {
  let sequence = lastSequence - told.reduce((total, { types }) => total + types.length, 0);
  return told.flatMap(({ types, ...source }) =>
    types.map((type) => ({ ...source, type, sequence: ++sequence })),
  );
}

/** How far the relay is behind: lines that it has not seen, and for how long the first one waits. */
export async function readLag(connection: Connection): Promise<{ lines: number; seconds: number }> {
  const position = await readPosition(connection);
  const { now } = connection.dialect;
  let [lines, seconds] = [0, 0];
  for (const table of ['movements', 'events'] as const) {
    const { seen } = position[table];
    // Ids are nearly dense, and counting a long backlog would take long.
    const [row] = await connection.select(
      `SELECT ${now} AS now, created_at, ` +
        `(SELECT MAX(id) FROM ${table}) - ${seen} AS behind FROM ${table} ` +
        `WHERE id > ${seen} ORDER BY id LIMIT 1`,
    );
    if (!row) continue;
    lines += integer(row, 'behind');
    seconds = Math.max(seconds, (instant(row, 'now') - instant(row, 'created_at')) / 1000);
  }
  return { lines, seconds };
}

/** How far somebody has come who must miss nothing; at the end, where it was never here before. */
export async function openCursor(connection: Connection, name: string): Promise<number> {
  const { quote, dialect } = connection;
  const last = await readLastSequence(connection);
  await connection.run(
    `${dialect.insertIgnore} INTO event_cursors (name, sequence) VALUES ${list(quote, [name, last])}`,
  );
  const [row] = await connection.select(
    `SELECT sequence FROM event_cursors WHERE name = ${quote(name)}`,
  );
  return row ? integer(row, 'sequence') : last;
}

/** Moves a cursor on, never back: a process that is late does not undo what another has done. */
export async function saveCursor(
  connection: Connection,
  name: string,
  sequence: number,
): Promise<void> {
  await connection.run(
    `UPDATE event_cursors SET sequence = ${sequence} ` +
      `WHERE name = ${connection.quote(name)} AND sequence < ${sequence}`,
  );
}

/** How a type is written on a page. Never change a letter: pages are kept. */
const LETTERS: Readonly<Record<EventType, string>> = {
  'product.availability_changed': 'a',
  'product.low_stock': 'l',
  'product.out_of_stock': 'o',
  'product.back_in_stock': 'b',
  'rental.created': 'r',
  'rental.cancelled': 'c',
  'rental.completed': 'd',
  'rental.overdue': 'u',
  'reservation.created': 'h',
  'reservation.updated': 'm',
  'reservation.confirmed': 'k',
  'reservation.released': 'f',
  'reservation.expired': 'x',
  'order.confirmed': 'C',
  'order.failed': 'F',
  'order.cancelled': 'X',
  'order.expired': 'E',
  'order.refund_required': 'R',
  'drift.found': 'D',
  'webhook_endpoint.disabled': 'W',
};
const TYPES = new Map(EVENT_TYPES.map((type) => [LETTERS[type], type]));
const DRAFT = '-';

/** A source on a page: its id (negative: of `events`), store, product, letters, threshold. */
type Written = [id: number, store: number, product: number, letters: string, threshold?: number];

function writeSource(source: ToldSource): Written {
  const { id, storeId, productId, types, isDraft, lowStockThreshold } = source;
  const written: Written = [
    source.from === 'movements' ? id : -id,
    storeId,
    productId ?? 0,
    types.map((type) => LETTERS[type]).join('') + (isDraft ? DRAFT : ''),
  ];
  if (lowStockThreshold !== null) written.push(lowStockThreshold);
  return written;
}

function readSources(told: string): ToldSource[] {
  // Written by insertPage, and by nothing else.
  return (JSON.parse(told) as Written[]).map(([id, storeId, product, letters, threshold]) => ({
    from: id > 0 ? 'movements' : 'events',
    id: Math.abs(id),
    storeId,
    productId: product === 0 ? null : product,
    types: [...letters].flatMap((letter) => TYPES.get(letter) ?? []),
    isDraft: letters.endsWith(DRAFT),
    lowStockThreshold: threshold ?? null,
  }));
}

const readMissing = (missing: string) =>
  // Written by insertPage, and by nothing else.
  JSON.parse(missing) as { movements: IdRange[]; events: IdRange[] };
