import { DAY_MS } from '../../src/domain/ledger-totals.js';
import { rollUp } from '../../src/jobs/rollups.js';
import type { Database } from '../../src/persistence/database.js';
import { at, tuples } from '../../src/persistence/sql.js';
import { createReports } from '../../src/reports/reports.js';
import { type BenchDatabases, open } from './databases.js';
import { median } from './statistics.js';

const YEAR_DAYS = 365;
const REFUSED_HOURS = 20_000;
const ROWS_AT_ONCE = 2_000;
const REPEATS = 5;
const LOW = 3;

/** Reports on a year, from a ledger that is added up by the day but for today. */
export interface ReportFigures {
  readonly products: number;
  readonly lines: number;
  /** adding up the whole ledger, once */
  readonly rollUpSeconds: number;
  /** the heap's growth meanwhile, at most */
  readonly rollUpMb: number;
  /** each report on the whole year: medians */
  readonly ms: Readonly<Record<string, number>>;
}

/** Makes a year of so many lines, adds it up, and asks for each report on all of it. */
export async function measureReports(
  databases: BenchDatabases,
  { products, lines }: { products: number; lines: number },
): Promise<ReportFigures> {
  const { url, drop } = await databases.create('reports', products);
  const database = open(url);
  try {
    const today = Math.floor(Date.now() / DAY_MS);
    await writeYear(database, { products, lines });
    const startedMs = performance.now();
    const before = process.memoryUsage().heapUsed;
    let most = before;
    const goOn = () => {
      most = Math.max(most, process.memoryUsage().heapUsed);
      return true;
    };
    await rollUp(database, { lowStockThreshold: LOW, goOn });
    const rollUpSeconds = (performance.now() - startedMs) / 1000;

    const reports = createReports(database, { lowStockThreshold: LOW });
    const year = { from: today - YEAR_DAYS, to: today + 1 };
    const page = { offset: 0, limit: 50 };
    const asked: Record<string, () => Promise<unknown>> = {
      summary: () => reports.summary(1, year),
      busiest: () => reports.products(1, year, { ...page, sort: 'busiest' }),
      'out of stock': () => reports.products(1, year, { ...page, sort: 'outOfStock' }),
      refused: () => reports.products(1, year, { ...page, sort: 'refused' }),
      'levels of the store': () => reports.levels(1, year, null),
      'levels of a product': () => reports.levels(1, year, 1),
      'levels today, by the hour': () => reports.levels(1, { from: today, to: null }, null),
      unusual: () => reports.unusual(1, year, 50),
      'stock advice of a month': () => reports.stockAdvice(1, null, page),
      suppliers: () => reports.suppliers(1, year),
    };
    const ms: Record<string, number> = {};
    for (const [name, ask] of Object.entries(asked)) ms[name] = await medianMs(ask);
    const rollUpMb = (most - before) / 2 ** 20;
    return { products, lines, rollUpSeconds, rollUpMb, ms };
  } finally {
    await database.close();
    await drop();
  }
}

async function medianMs(ask: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const startedMs = performance.now();
    await ask();
    took.push(performance.now() - startedMs);
  }
  return median(took);
}

const UNITS = 10;

/** Products of ten units that go out and come back, are counted and restocked, evenly over the year. */
async function writeYear(
  database: Database,
  { products, lines }: { products: number; lines: number },
): Promise<void> {
  const { quote } = database;
  const endMs = Date.now() - 1_000;
  const startMs = endMs - YEAR_DAYS * DAY_MS;
  await database.run(
    `UPDATE products SET quantity = ${UNITS}, quantity_available = ${UNITS}, supplier_email = 'supplier@example.com'`,
  );
  await database.run('DELETE FROM movements');
  const state = Array.from({ length: products }, () => ({ quantity: UNITS, rented: 0, lines: 0 }));
  // The same each time: a linear congruential generator.
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let first = 0; first < lines; first += ROWS_AT_ONCE) {
    const rows = [];
    for (let i = first; i < Math.min(lines, first + ROWS_AT_ONCE); i++) {
      const index = i < products ? i : Math.floor(random() * products);
      const product = state[index];
      if (!product) throw new Error('there is no such product');
      const free = product.quantity - product.rented;
      const dice = random();
      const [kind, owned, out] =
        product.lines === 0
          ? ['open', UNITS, 0]
          : dice < 0.002
            ? ['adjust', free > 1 && dice < 0.001 ? -1 : 1, 0]
            : dice < 0.004
              ? ['restock', 1, 0]
              : free > 0 && (dice < 0.52 || product.rented === 0)
                ? ['rent', 0, 1]
                : ['complete', 0, -1];
      if (typeof owned !== 'number' || typeof out !== 'number') throw new Error('no line');
      product.quantity = product.lines === 0 ? UNITS : product.quantity + owned;
      product.rented += out;
      product.lines++;
      const createdAt = startMs + Math.floor((i / lines) * (endMs - startMs));
      rows.push([
        ...[1, index + 1, '00000000-0000-7000-8000-000000000000', kind ?? '', owned, owned - out],
        ...[0, out, product.quantity, product.quantity - product.rented, 0, product.rented],
        ...['bench', at(createdAt)],
      ]);
    }
    await database.run(
      'INSERT INTO movements (store_id, product_id, command_id, kind, quantity_delta, ' +
        'quantity_available_delta, quantity_reserved_delta, quantity_rented_delta, quantity, ' +
        'quantity_available, quantity_reserved, quantity_rented, actor, created_at) VALUES ' +
        tuples(quote, rows),
    );
  }
  const lastHour = Math.floor(endMs / 3_600_000);
  for (let first = 0; first < REFUSED_HOURS; first += ROWS_AT_ONCE) {
    const rows = Array.from({ length: ROWS_AT_ONCE }, (_, i) => [
      ...[1, lastHour - ((first + i) % (YEAR_DAYS * 24)), 1 + ((first + i) % products)],
      ...['out_of_stock', 2, 3],
    ]);
    await database.run(
      `INSERT INTO refusals (store_id, hour, product_id, code, requests, units_short) VALUES ` +
        tuples(quote, rows) +
        database.dialect.addUp('store_id, hour, product_id, code', ['requests', 'units_short']),
    );
  }
}
