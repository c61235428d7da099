import { holdsAreAsTold, holdsAreInOrder, unitsHeld } from './checker-holds.js';
import { ordersAreAsTold, ordersAreInOrder } from './checker-orders.js';
import { ledgersReplay } from './checker-replay.js';
import { anyProductOf, effectsFound, effectsOf } from './checker-requests.js';
import {
  COUNTERS,
  type Counters,
  type LineRow,
  readTables,
  type Tables,
} from './checker-tables.js';

/**
 * An independent witness. It shares no code with the service: it opens its own connection, knows
 * the tables and the rules from the documents alone, and holds the rows against what clients were
 * answered. The invariants I1 to I6, I8 and I11 of the reliability notes are what it checks.
 */

/** A request that a client sent, and what it was told. */
export interface Exchange {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** every rental asked for at /api/rentals bears an `order_id` that is its logical request's own */
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
  /** ids of the orders that were paid at the provider; left out: that is not looked at */
  readonly paidOrders?: ReadonlySet<string>;
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
    ...holdsAreInOrder(tables),
    ...ordersAreInOrder(tables, options),
    ...ordersAreAsTold(tables, exchanges),
    ...storesAreApart(tables),
    ...answersAreInTheDatabase(tables, exchanges, edited),
    ...keysHaveOneEffect(exchanges),
    ...rowsHaveTheirRequests(tables, exchanges),
  ];
  return violations;
}

/** I1 and I2: the four counters, and the status that they stand for. */
function* productsObeyTheLaw(tables: Tables): Generator<string> {
  const { products, rentals } = tables;
  const held = unitsHeld(tables);
  const out = new Map<number, number>();
  for (const rental of rentals.values()) {
    if (rental.status !== 'active') continue;
    out.set(rental.product_id, (out.get(rental.product_id) ?? 0) + rental.quantity);
  }
  for (const product of products.values()) {
    const name = `product ${product.id}`;
    yield* lawOf(product, name);
    const rented = out.get(product.id) ?? 0;
    const reserved = held.get(product.id) ?? 0;
    if (rented + reserved > product.quantity) {
      yield `${name} owns ${product.quantity}, ${rented} are out and ${reserved} held: oversold`;
    }
    if (product.quantity_rented !== rented) {
      yield `${name} says ${product.quantity_rented} rented, its active rentals say ${rented}`;
    }
    if (product.quantity_reserved !== reserved) {
      yield `${name} says ${product.quantity_reserved} reserved, its active holds say ${reserved}`;
    }
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

/** I6: each rental was begun by one command with all its units and, where it is over, ended by one line. */
function* rentalsHaveTheirLines({ rentals, reservations, ledgers }: Tables): Generator<string> {
  const begun = new Map<string, LineRow[]>();
  const ended = new Map<string, string[]>();
  for (const line of [...ledgers.values()].flat()) {
    if (line.rental_id === null) continue;
    const rental = rentals.get(line.rental_id);
    if (rental?.product_id !== line.product_id) {
      yield `line ${line.id} names a rental that product ${line.product_id} doesn't have`;
    }
    // What is sold may be held units and free ones: a line for each.
    const isBeginning = line.kind === 'rent' || line.kind === 'confirm';
    if (isBeginning) begun.set(line.rental_id, [...(begun.get(line.rental_id) ?? []), line]);
    else ended.set(line.rental_id, [...(ended.get(line.rental_id) ?? []), line.kind]);
  }
  const endings: Record<string, string> = { completed: 'complete', cancelled: 'cancel' };
  for (const rental of rentals.values()) {
    const name = `rental ${rental.id} (${rental.status})`;
    const lines = begun.get(rental.id) ?? [];
    const units = lines.reduce((sum, line) => sum + line.quantity_rented_delta, 0);
    if (units !== rental.quantity)
      yield `${name} was begun with ${units} of ${rental.quantity} units`;
    if (new Set(lines.map((line) => line.command_id)).size > 1) yield `${name} was begun twice`;
    const held = reservations.get(rental.reservation_id ?? '');
    if (rental.reservation_id !== null && held?.product_id !== rental.product_id) {
      yield `${name} was held as ${rental.reservation_id}, which is no hold on its product`;
    }
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
const isUnknown = ({ path, answer }: Exchange) =>
  answer === null ||
  (answer.status === 503 && /not known/.test(String(answer.body?.detail))) ||
  (path.startsWith('/api/checkout/') && isWithoutPayment(answer));

/** There is an order, and no payment for it: what is answered of that is not kept with a key. */
const isWithoutPayment = ({ status, body }: Told) => status === 502 || body?.action === 'pay';

/** I3 and I11: what a client was told with a 2xx is what the rows and the ledger say. */
function* answersAreInTheDatabase(
  tables: Tables,
  exchanges: readonly Exchange[],
  edited: Set<number>,
): Generator<string> {
  const rentLines = new Map<string, LineRow>();
  for (const line of [...tables.ledgers.values()].flat()) {
    // The last one, where what its customer held was not enough; else all of it was held.
    const isOfRental = line.kind === 'rent' || line.kind === 'confirm';
    if (isOfRental && line.rental_id !== null) rentLines.set(line.rental_id, line);
  }
  const everHeld = new Set([...tables.reservations.values()].map((row) => row.product_id));
  const isExact = (productId: number) => !everHeld.has(productId);
  for (const exchange of exchanges) {
    yield* holdsAreAsTold(tables, exchange);
    if (!isDone(exchange)) continue;
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
      const line = rentLines.get(told.id);
      const problem = line && freeIsAsTold(told.quantity_available, line, isExact(row.product_id));
      if (!line) yield `${name}: the ledger has no line of it`;
      if (problem) yield `${name}: ${problem}`;
    } else if (exchange.path.startsWith('/api/rentals/')) {
      const row = tables.rentals.get(told.id);
      if (row?.status !== told.status) yield `${name}: the rental is ${row?.status ?? 'not there'}`;
    } else if (exchange.path.startsWith('/api/products')) {
      const answers = Array.isArray(told.data) ? told.data : [{ status: 201, product: told }];
      for (const { product } of answers) {
        if (!product) continue;
        const { id } = product;
        const how = { name, isExact: isExact(id), isEdited: edited.has(id) };
        yield* productIsAsTold(tables, product, how);
      }
    }
  }
}

/** What is due is told as free before it is written down; without holds nothing ever is. */
function freeIsAsTold(told: number, line: LineRow, isExact: boolean): string | null {
  const { quantity_available: free, quantity_reserved: reserved } = line;
  if (told === free || (!isExact && told > free && told <= free + reserved)) return null;
  return `${told} left was told, the ledger says ${free}, and ${reserved} held`;
}

/** The version in an answer is the number of the ledger line that it was given after. */
function* productIsAsTold(
  tables: Tables,
  told: Body,
  { name, isExact, isEdited }: { name: string; isExact: boolean; isEdited: boolean },
): Generator<string> {
  const row = tables.products.get(told.id);
  if (row?.sku !== told.sku || row?.store_id !== told.store_id) {
    yield `${name}: the product is not in the database`;
    return;
  }
  if (isEdited) return;
  const line = tables.ledgers.get(told.id)?.[told.version - 1];
  if (!line) {
    yield `${name}: there is no line ${told.version}`;
    return;
  }
  const problem = freeIsAsTold(told.quantity_available, line, isExact);
  if (problem) yield `${name}: ${problem}`;
  const due = told.quantity_available - line.quantity_available;
  const expected = { ...line, quantity_reserved: line.quantity_reserved - due };
  for (const counter of ['quantity', 'quantity_reserved', 'quantity_rented'] as const) {
    if (expected[counter] === told[counter]) continue;
    yield `${name}: ${counter} ${told[counter]} was told, line ${told.version} says ${line[counter]}`;
  }
}

/** I4: who sends a key again is told the same again. */
function* keysHaveOneEffect(exchanges: readonly Exchange[]): Generator<string> {
  const first = new Map<string, { request: string; told: string }>();
  for (const exchange of exchanges) {
    const { answer, key } = exchange;
    const isRemembered =
      answer &&
      (isDone(exchange) || answer.status === 409 || answer.status === 412) &&
      !isWithoutPayment(answer);
    // Another copy was at it: the answer is still to come.
    if (answer?.body?.code === 'idempotency_in_progress') continue;
    if (key === null || !isRemembered) continue;
    const id = JSON.stringify([exchange.storeId, exchange.sub, key]);
    const request = JSON.stringify([exchange.method, exchange.path, exchange.body]);
    // A secret is shown once.
    const told = JSON.stringify([answer.status, { ...answer.body, clientSecret: null }]);
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
function* rowsHaveTheirRequests(tables: Tables, exchanges: readonly Exchange[]): Generator<string> {
  const allowed = new Map<string, Set<string>>();
  exchanges.forEach((exchange, i) => {
    if (!isUnknown(exchange) && !isDone(exchange)) return;
    if (exchange.answer?.replayed && exchange.key === null) return;
    const once = exchange.key === null ? `#${i}` : JSON.stringify([exchange.sub, exchange.key]);
    // A request may do the same thing in several of its lines.
    for (const [line, effect] of effectsOf(exchange, tables).entries()) {
      const known = allowed.get(effect) ?? new Set();
      allowed.set(effect, known.add(`${once} ${line}`));
    }
  });
  const found = new Map<string, number>();
  for (const effect of effectsFound(tables)) found.set(effect, (found.get(effect) ?? 0) + 1);
  for (const [effect, times] of found) {
    const asked = allowed.get(effect)?.size ?? 0;
    const askedOfAny = allowed.get(anyProductOf(effect))?.size ?? 0;
    if (times > asked + askedOfAny) {
      yield `"${effect}" is there ${times} times and was asked for ${asked + askedOfAny} times`;
    }
  }
}
