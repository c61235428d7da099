import { newId } from '../../src/ids.js';
import type { Database } from '../../src/persistence/database.js';
import { integer } from '../../src/persistence/rows.js';
import { at, slices, tuples } from '../../src/persistence/sql.js';
import { open } from './databases.js';
import { type Bench, type Contender, enter, type Round } from './measure.js';
import { SCENARIOS } from './scenarios.js';
import { median } from './statistics.js';

/** Many holds that fall due at once, and rentals of the same products meanwhile. */
export interface CleanupFigures {
  readonly holds: number;
  readonly products: number;
  /** from when they are due until all are ended */
  readonly seconds: number;
  /** of rentals at 64 connections, while nothing is due and while holds are ended */
  readonly p99Ms: number;
  readonly p99MeanwhileMs: number;
  readonly rate: number;
  readonly rateMeanwhile: number;
}

/** The job looks every second whether anything is due; its batches are as large as they are by default. */
const SETTINGS = { RESERVATION_CLEANUP_INTERVAL: String(1 / 60) };
const AN_HOUR_MS = 3_600_000;
/** in which the holds are written, or made due, at the least */
const HOLDS_PER_SECOND = 5_000;
const LOOK_EVERY_MS = 100;

/** The same over 1,000 products and on a hot one. */
export async function measureCleanups(bench: Bench, holds: number): Promise<CleanupFigures[]> {
  return [
    await measureCleanup(bench, { holds, scenarioName: 'spread' }),
    await measureCleanup(bench, { holds, scenarioName: 'hot' }),
  ];
}

async function measureCleanup(
  bench: Bench,
  { holds, scenarioName }: { holds: number; scenarioName: string },
): Promise<CleanupFigures> {
  const like = SCENARIOS.find(({ name }) => name === scenarioName);
  if (!like) throw new Error(`there is no scenario "${scenarioName}"`);
  const scenario = { ...like, name: `cleanup-${scenarioName}` };
  const contender = await enter(bench, 'service', scenario, SETTINGS);
  const database = open(contender.database.url);
  try {
    const products = Math.min(scenario.products, holds);
    await fillWithHolds(database, { products, each: Math.floor(holds / products) });
    if (bench.warmUpSeconds > 0) await contender.send({ seconds: bench.warmUpSeconds });
    const before: Round[] = [];
    for (let round = 1; round <= bench.rounds; round++) {
      before.push(await contender.send({ seconds: bench.seconds }));
    }
    await makeDue(database, holds);
    const { seconds, rounds } = await sendUntilEnded(bench, contender, database);
    bench.say(`${scenario.name}: ${holds} holds ended in ${seconds.toFixed(1)} s`);
    await contender.end();
    return {
      holds,
      products,
      seconds,
      p99Ms: median(before.map(({ p99Ms }) => p99Ms)),
      p99MeanwhileMs: median(rounds.map(({ p99Ms }) => p99Ms)),
      rate: median(before.map(({ requestsPerSecond }) => requestsPerSecond)),
      rateMeanwhile: median(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    };
  } finally {
    await database.close();
    await contender.server.stop();
  }
}

/** Rentals go on, round after round, until no hold is left; the last round is ended as it began. */
async function sendUntilEnded(bench: Bench, contender: Contender, database: Database) {
  const dueMs = performance.now();
  const rounds: Round[] = [];
  let isLeft = true;
  const loading = (async () => {
    while (isLeft) rounds.push(await contender.send({ seconds: bench.seconds }));
  })();
  // Where looking fails first, that is the error to speak of.
  loading.catch(() => {});
  try {
    while (await areHeld(database)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  } finally {
    isLeft = false;
  }
  const seconds = (performance.now() - dueMs) / 1000;
  await loading;
  return { seconds, rounds };
}

async function areHeld(database: Database): Promise<boolean> {
  const [row] = await database.select(
    'SELECT COUNT(*) AS products FROM products WHERE quantity_reserved > 0',
  );
  return row !== undefined && integer(row, 'products') > 0;
}

/** Holds of one unit for an hour, each in a cart of its own, as the service would have left them. */
async function fillWithHolds(
  database: Database,
  { products, each }: { products: number; each: number },
): Promise<void> {
  const now = Date.now();
  const expiresAt = at(now + AN_HOUR_MS);
  const [row] = await database.select('SELECT quantity FROM products WHERE id = 1');
  const owned = row ? integer(row, 'quantity') : 0;
  const { quote } = database;
  const all = Array.from({ length: products * each }, (_, i) => ({
    id: newId(),
    productId: 1 + Math.floor(i / each),
    held: 1 + (i % each),
  }));
  for (const some of slices(all)) {
    const holds = some.map(({ id, productId }) => [
      ...[id, 1, `cart-${id}`, productId, 1, 'reserved', 1, expiresAt, at(now), at(now)],
    ]);
    await database.run(
      'INSERT INTO reservations (id, store_id, cart_id, product_id, quantity, status, active, ' +
        `expires_at, created_at, updated_at) VALUES ${tuples(quote, holds)}`,
    );
    const lines = some.map(({ id, productId, held }) => [
      ...[1, productId, id, 'reserve', 0, -1, 1, 0, owned, owned - held, held, 0, id],
      ...['bench', at(now)],
    ]);
    await database.run(
      'INSERT INTO movements (store_id, product_id, command_id, kind, quantity_delta, ' +
        'quantity_available_delta, quantity_reserved_delta, quantity_rented_delta, quantity, ' +
        'quantity_available, quantity_reserved, quantity_rented, reservation_id, actor, ' +
        `created_at) VALUES ${tuples(quote, lines)}`,
    );
  }
  await database.run(
    `UPDATE products SET quantity_available = quantity_available - ${each}, ` +
      `quantity_reserved = ${each}, version = version + ${each}, ` +
      `next_hold_due_at = ${quote(expiresAt)} WHERE id <= ${products}`,
  );
}

/** Lets all holds fall due at the same instant, and waits for it. */
async function makeDue(database: Database, holds: number): Promise<void> {
  const dueMs = Date.now() + 1_000 + (1_000 * holds) / HOLDS_PER_SECOND;
  const due = database.quote(at(dueMs));
  await database.run(`UPDATE reservations SET expires_at = ${due}`);
  await database.run(`UPDATE products SET next_hold_due_at = ${due} WHERE quantity_reserved > 0`);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - Date.now())));
}
