import * as namespace from '@appthreat/sqlite3';
import mysql from 'mysql2/promise';

/**
 * An independent witness. It shares no code with the service: it opens its own connection, knows
 * the tables and the rules from the documents alone, and holds the rows against what clients were
 * answered. The invariants I1 to I6, I8 and I11 of the reliability notes are what it checks.
 */

/** A request that a client sent, and what it was told. */
export interface Exchange {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  /** every rental asked for bears an `order_id` that is its logical request's own */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** its Idempotency-Key */
  readonly key: string | null;
  readonly storeId: number;
  readonly sub: string;
  /** null: the client doesn't know, since the connection broke or nobody answered in time */
  readonly answer: Told | null;
}

export interface Told {
  readonly status: number;
  readonly body: Body;
  readonly replayed: boolean;
  readonly retryAfter: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies have any shape, and the checker looks closely
type Body = any;

export interface CheckOptions {
  /**
   * ids of products whose rows a test edited by hand: their counters may differ from their ledger
   * until they are synced, so for them only the law and the rentals are checked
   */
  readonly edited?: readonly number[];
}

/** Returns what is wrong, one sentence each; nothing is wrong where the list is empty. */
export async function check(
  databaseUrl: string,
  exchanges: readonly Exchange[],
  options: CheckOptions = {},
): Promise<string[]> {
  const tables = await readTables(databaseUrl);
  const edited = new Set(options.edited ?? []);
  const violations = [
    ...productsObeyTheLaw(tables),
    ...ledgersAddUp(tables, edited),
    ...ledgersReplay(tables, edited),
    ...rentalsHaveTheirLines(tables),
    ...storesAreApart(tables),
    ...answersAreInTheDatabase(tables, exchanges, edited),
    ...keysHaveOneEffect(exchanges),
    ...rowsHaveTheirRequests(tables, exchanges),
  ];
  return violations;
}

interface Counters {
  readonly quantity: number;
  readonly quantity_available: number;
  readonly quantity_reserved: number;
  readonly quantity_rented: number;
}

interface ProductRow extends Counters {
  readonly id: number;
  readonly store_id: number;
  readonly sku: string;
  readonly availability_status: string;
  readonly version: number;
}

interface RentalRow {
  readonly id: string;
  readonly store_id: number;
  readonly product_id: number;
  readonly user_id: string | null;
  readonly quantity: number;
  readonly status: string;
  readonly order_id: string | null;
  readonly completed_at: unknown;
  readonly cancelled_at: unknown;
}

interface LineRow extends Counters {
  readonly id: number;
  readonly store_id: number;
  readonly product_id: number;
  readonly command_id: string;
  readonly kind: string;
  readonly quantity_delta: number;
  readonly quantity_available_delta: number;
  readonly quantity_reserved_delta: number;
  readonly quantity_rented_delta: number;
  readonly rental_id: string | null;
}

interface Tables {
  readonly products: ReadonlyMap<number, ProductRow>;
  readonly rentals: ReadonlyMap<string, RentalRow>;
  /** each product's lines in the order of the ledger */
  readonly ledgers: ReadonlyMap<number, readonly LineRow[]>;
}

const COUNTERS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
] as const;

/** I1 and I2: the four counters, and the status that they stand for. */
function* productsObeyTheLaw({ products, rentals }: Tables): Generator<string> {
  const out = new Map<number, number>();
  for (const rental of rentals.values()) {
    if (rental.status !== 'active') continue;
    out.set(rental.product_id, (out.get(rental.product_id) ?? 0) + rental.quantity);
  }
  for (const product of products.values()) {
    const name = `product ${product.id}`;
    yield* lawOf(product, name);
    const rented = out.get(product.id) ?? 0;
    if (rented > product.quantity) {
      yield `${name} owns ${product.quantity} and ${rented} are out: oversold`;
    }
    if (product.quantity_rented !== rented) {
      yield `${name} says ${product.quantity_rented} rented, its active rentals say ${rented}`;
    }
    if (product.quantity_reserved !== 0) yield `${name} has units reserved by nobody`;
    const published = product.quantity_available > 0 ? 'available' : 'rented_out';
    if (product.availability_status !== 'draft' && product.availability_status !== published) {
      yield `${name} is ${product.availability_status} with ${product.quantity_available} free`;
    }
  }
}

function* lawOf(counters: Counters, name: string): Generator<string> {
  const { quantity, quantity_available: free, quantity_reserved, quantity_rented } = counters;
  if (quantity !== free + quantity_reserved + quantity_rented) {
    yield `${name}: ${quantity} is not ${free} + ${quantity_reserved} + ${quantity_rented}`;
  }
  for (const counter of COUNTERS) {
    if (counters[counter] < 0) yield `${name}: ${counter} is below zero`;
  }
}

/** I1 and I2: at every line no oversell, each line continues the one before, the sums are the row. */
function* ledgersAddUp({ products, ledgers }: Tables, edited: Set<number>): Generator<string> {
  for (const product of products.values()) {
    const lines = ledgers.get(product.id) ?? [];
    if (lines[0]?.kind !== 'open') yield `the ledger of product ${product.id} has no opening`;
    const sums = { quantity: 0, quantity_available: 0, quantity_reserved: 0, quantity_rented: 0 };
    for (const line of lines) {
      const name = `line ${line.id} (${line.kind}) of product ${product.id}`;
      yield* lawOf(line, name);
      if (line.quantity_rented + line.quantity_reserved > line.quantity) yield `${name}: oversold`;
      for (const counter of COUNTERS) {
        sums[counter] += line[`${counter}_delta`];
        if (sums[counter] === line[counter] || edited.has(product.id)) continue;
        yield `${name}: ${counter} is ${line[counter]}, the sums say ${sums[counter]}`;
        sums[counter] = line[counter];
      }
    }
    if (edited.has(product.id)) continue;
    for (const counter of COUNTERS) {
      if (sums[counter] === product[counter]) continue;
      yield `product ${product.id}: ${counter} is ${product[counter]}, its ledger says ${sums[counter]}`;
    }
    if (product.version !== lines.length) {
      yield `product ${product.id} has version ${product.version} after ${lines.length} lines`;
    }
  }
}

/** I6 and I11: the ledger, carried out again by rules written down here a second time. */
function* ledgersReplay(tables: Tables, edited: Set<number>): Generator<string> {
  for (const product of tables.products.values()) {
    if (edited.has(product.id)) continue;
    const lines = tables.ledgers.get(product.id) ?? [];
    const turns = lines.filter(({ kind }) => kind === 'publish' || kind === 'unpublish');
    // Whether it was opened as a draft follows from the first time that it changed.
    const first = turns[0]?.kind;
    const endsAsDraft = product.availability_status === 'draft';
    let draft = first === undefined ? endsAsDraft : first === 'publish';
    const state = { owned: 0, free: 0, out: new Map<string, number>(), over: new Set<string>() };
    for (const line of lines) {
      const problem = replayLine(line, state, draft, tables.rentals);
      if (problem) yield `line ${line.id} (${line.kind}) of product ${product.id}: ${problem}`;
      if (line.kind === 'publish') draft = false;
      if (line.kind === 'unpublish') draft = true;
      state.owned = line.quantity;
      state.free = line.quantity_available;
    }
    if (draft !== endsAsDraft)
      yield `product ${product.id} should ${draft ? '' : 'not '}be a draft`;
  }
}

interface Replayed {
  owned: number;
  free: number;
  readonly out: Map<string, number>;
  readonly over: Set<string>;
}

function replayLine(
  line: LineRow,
  state: Replayed,
  draft: boolean,
  rentals: Tables['rentals'],
): string | null {
  const changes = [
    line.quantity_delta,
    line.quantity_available_delta,
    line.quantity_reserved_delta,
    line.quantity_rented_delta,
  ];
  const moved = (...expected: number[]) =>
    expected.every((units, i) => units === changes[i])
      ? null
      : `it moved ${changes.join(', ')} and should have moved ${expected.join(', ')}`;
  switch (line.kind) {
    case 'open':
      return state.owned === 0 ? moved(line.quantity, line.quantity, 0, 0) : 'it was open already';
    case 'publish':
      return draft ? moved(0, 0, 0, 0) : 'it was published already';
    case 'unpublish':
      return draft ? 'it was a draft already' : moved(0, 0, 0, 0);
    case 'update': {
      const change = line.quantity - state.owned;
      return state.free + change < 0 ? 'it takes units that are out' : moved(change, change, 0, 0);
    }
    case 'rent': {
      const units = rentals.get(line.rental_id ?? '')?.quantity;
      if (units === undefined || line.rental_id === null) return 'it has no rental';
      if (draft) return 'a draft was rented';
      if (units > state.free) return `${units} were rented of ${state.free}`;
      if (state.out.has(line.rental_id)) return 'the rental was out already';
      state.out.set(line.rental_id, units);
      return moved(0, -units, 0, units);
    }
    case 'cancel':
    case 'complete': {
      const units = state.out.get(line.rental_id ?? '');
      if (units === undefined || line.rental_id === null) return 'its rental was not out';
      if (state.over.has(line.rental_id)) return 'its rental was over already';
      state.over.add(line.rental_id);
      return moved(0, units, 0, -units);
    }
    case 'sync':
      return null;
    default:
      return 'there is no such kind of line';
  }
}

/** I6: each rental has one line that began it and, where it is over, one that ended it. */
function* rentalsHaveTheirLines({ rentals, ledgers }: Tables): Generator<string> {
  const begun = new Map<string, number>();
  const ended = new Map<string, string[]>();
  for (const line of [...ledgers.values()].flat()) {
    if (line.rental_id === null) continue;
    const rental = rentals.get(line.rental_id);
    if (rental?.product_id !== line.product_id) {
      yield `line ${line.id} names a rental that product ${line.product_id} doesn't have`;
    }
    if (line.kind === 'rent') begun.set(line.rental_id, (begun.get(line.rental_id) ?? 0) + 1);
    else ended.set(line.rental_id, [...(ended.get(line.rental_id) ?? []), line.kind]);
  }
  const endings: Record<string, string> = { completed: 'complete', cancelled: 'cancel' };
  for (const rental of rentals.values()) {
    const name = `rental ${rental.id} (${rental.status})`;
    if (begun.get(rental.id) !== 1) yield `${name} was begun by ${begun.get(rental.id) ?? 0} lines`;
    const kinds = (ended.get(rental.id) ?? []).join(', ');
    if (kinds !== (endings[rental.status] ?? '')) yield `${name} was ended by "${kinds}"`;
    if ((rental.completed_at !== null) !== (rental.status === 'completed')) {
      yield `${name} has the wrong completed_at`;
    }
    if ((rental.cancelled_at !== null) !== (rental.status === 'cancelled')) {
      yield `${name} has the wrong cancelled_at`;
    }
  }
}

/** I8: what belongs to a product belongs to its store. */
function* storesAreApart({ products, rentals, ledgers }: Tables): Generator<string> {
  for (const row of [...rentals.values(), ...[...ledgers.values()].flat()]) {
    if (products.get(row.product_id)?.store_id !== row.store_id) {
      yield `row ${row.id} of store ${row.store_id} belongs to a product of another store`;
    }
  }
}

const isDone = ({ answer }: Exchange) =>
  answer !== null && answer.status >= 200 && answer.status < 300;

/** Whether the service left it open what became of the request. */
const isUnknown = ({ answer }: Exchange) =>
  answer === null || (answer.status === 503 && /not known/.test(String(answer.body?.detail)));

/** I3 and I11: what a client was told with a 2xx is what the rows and the ledger say. */
function* answersAreInTheDatabase(
  tables: Tables,
  exchanges: readonly Exchange[],
  edited: Set<number>,
): Generator<string> {
  const rentLines = new Map<string, LineRow>();
  for (const line of [...tables.ledgers.values()].flat()) {
    if (line.kind === 'rent' && line.rental_id !== null) rentLines.set(line.rental_id, line);
  }
  for (const exchange of exchanges.filter(isDone)) {
    const told = exchange.answer?.body;
    const name = `${exchange.method} ${exchange.path} -> ${exchange.answer?.status} ${told?.id}`;
    if (exchange.path === '/api/rentals') {
      const row = tables.rentals.get(told.id);
      if (!row) {
        yield `${name}: the rental is not in the database`;
        continue;
      }
      for (const field of ['product_id', 'quantity', 'user_id', 'order_id', 'store_id'] as const) {
        if (row[field] !== told[field]) yield `${name}: ${field} is ${row[field]} in the database`;
      }
      const left = rentLines.get(told.id)?.quantity_available;
      if (left !== told.quantity_available) {
        yield `${name}: ${told.quantity_available} left was told, the ledger says ${left}`;
      }
    } else if (exchange.path.startsWith('/api/rentals/')) {
      const row = tables.rentals.get(told.id);
      if (row?.status !== told.status) yield `${name}: the rental is ${row?.status ?? 'not there'}`;
    } else {
      const answers = Array.isArray(told.data) ? told.data : [{ status: 201, product: told }];
      for (const { product } of answers) {
        if (product) yield* productIsAsTold(tables, product, name, edited);
      }
    }
  }
}

/** The version in an answer is the number of the ledger line that it was given after. */
function* productIsAsTold(
  tables: Tables,
  told: Body,
  name: string,
  edited: Set<number>,
): Generator<string> {
  const row = tables.products.get(told.id);
  if (row?.sku !== told.sku || row?.store_id !== told.store_id) {
    yield `${name}: the product is not in the database`;
    return;
  }
  if (edited.has(told.id)) return;
  const line = tables.ledgers.get(told.id)?.[told.version - 1];
  for (const counter of COUNTERS) {
    if (line?.[counter] !== told[counter]) {
      yield `${name}: ${counter} ${told[counter]} was told, line ${told.version} says ${line?.[counter]}`;
    }
  }
}

/** I4: who sends a key again is told the same again. */
function* keysHaveOneEffect(exchanges: readonly Exchange[]): Generator<string> {
  const first = new Map<string, { request: string; told: string }>();
  for (const exchange of exchanges) {
    const { answer, key } = exchange;
    const isRemembered =
      answer && (isDone(exchange) || answer.status === 409 || answer.status === 412);
    if (key === null || !isRemembered) continue;
    const id = JSON.stringify([exchange.storeId, exchange.sub, key]);
    const request = JSON.stringify([exchange.method, exchange.path, exchange.body]);
    const told = JSON.stringify([answer.status, answer.body]);
    const known = first.get(id);
    if (!known) first.set(id, { request, told });
    else if (known.request !== request) yield `key ${id} was taken for two different requests`;
    else if (known.told !== told) yield `key ${id} was answered ${known.told} and ${told}`;
  }
  const fresh = new Map<string, number>();
  for (const exchange of exchanges) {
    if (exchange.key === null || !isDone(exchange) || exchange.answer?.replayed) continue;
    const id = JSON.stringify([exchange.storeId, exchange.sub, exchange.key]);
    fresh.set(id, (fresh.get(id) ?? 0) + 1);
  }
  for (const [id, times] of fresh) if (times > 1) yield `key ${id} was carried out ${times} times`;
}

/**
 * I4 and I5: nothing is in the database that nobody asked for, that was refused, or more often
 * than it was asked for. A key makes any number of requests one.
 */
function* rowsHaveTheirRequests(
  { products, rentals, ledgers }: Tables,
  exchanges: readonly Exchange[],
): Generator<string> {
  const allowed = new Map<string, Set<string>>();
  exchanges.forEach((exchange, i) => {
    if (!isUnknown(exchange) && !isDone(exchange)) return;
    if (exchange.answer?.replayed && exchange.key === null) return;
    const once = exchange.key === null ? `#${i}` : JSON.stringify([exchange.sub, exchange.key]);
    for (const effect of effectsOf(exchange)) {
      const known = allowed.get(effect);
      if (known) known.add(once);
      else allowed.set(effect, new Set([once]));
    }
  });
  const found = new Map<string, number>();
  const count = (effect: string) => found.set(effect, (found.get(effect) ?? 0) + 1);
  for (const { store_id, sku } of products.values()) count(`product ${store_id} ${sku}`);
  for (const { store_id, order_id } of rentals.values()) count(`rental ${store_id} ${order_id}`);
  for (const line of [...ledgers.values()].flat()) {
    if (line.kind === 'cancel' || line.kind === 'complete') count(`${line.kind} ${line.rental_id}`);
    if (['update', 'publish', 'unpublish'].includes(line.kind)) {
      count(`${line.kind} ${line.product_id}`);
    }
  }
  for (const [effect, times] of found) {
    const asked = allowed.get(effect)?.size ?? 0;
    if (times > asked) yield `"${effect}" is there ${times} times and was asked for ${asked} times`;
  }
}

function effectsOf({ method, path, body, storeId }: Exchange): string[] {
  const [, , , id, action] = path.split('/');
  if (path === '/api/products') return [`product ${storeId} ${body?.['sku']}`];
  if (path === '/api/products/batch') {
    const list = body?.['products'] as readonly { sku: string }[];
    return list.map(({ sku }) => `product ${storeId} ${sku}`);
  }
  if (path === '/api/rentals') return [`rental ${storeId} ${body?.['order_id'] ?? null}`];
  if (method === 'PATCH') return [`update ${id}`];
  return [`${action} ${id}`];
}

type Row = Record<string, unknown>;

async function readTables(databaseUrl: string): Promise<Tables> {
  const select = await open(databaseUrl);
  try {
    const products = await select('SELECT * FROM products ORDER BY id');
    const rentals = await select('SELECT * FROM rentals ORDER BY id');
    const lines = await select('SELECT * FROM movements ORDER BY id');
    const ledgers = new Map<number, LineRow[]>();
    for (const line of lines as unknown as LineRow[]) {
      const known = ledgers.get(line.product_id);
      if (known) known.push(line);
      else ledgers.set(line.product_id, [line]);
    }
    return {
      products: new Map((products as unknown as ProductRow[]).map((row) => [row.id, row])),
      rentals: new Map((rentals as unknown as RentalRow[]).map((row) => [row.id, row])),
      ledgers,
    };
  } finally {
    await select.close();
  }
}

type Select = ((sql: string) => Promise<Row[]>) & { close(): Promise<void> };

async function open(databaseUrl: string): Promise<Select> {
  if (databaseUrl.startsWith('sqlite:')) return openSqlite(databaseUrl.slice('sqlite:'.length));
  const connection = await mysql.createConnection(databaseUrl);
  const select = async (sql: string) => {
    const [rows] = await connection.query(sql);
    return rows as Row[];
  };
  return Object.assign(select, { close: () => connection.end() });
}

async function openSqlite(file: string): Promise<Select> {
  const sqlite3 = (namespace as unknown as { default: typeof namespace }).default;
  const database = await new Promise<InstanceType<typeof namespace.Database>>((resolve, reject) => {
    const opened = new sqlite3.Database(file, sqlite3.OPEN_READWRITE, (error) =>
      error ? reject(error) : resolve(opened),
    );
  });
  const select = (sql: string) =>
    new Promise<Row[]>((resolve, reject) => {
      database.all<Row>(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  const close = () => new Promise<void>((resolve) => database.close(() => resolve()));
  return Object.assign(select, { close });
}
