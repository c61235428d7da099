import type { CreatedProduct } from '../../src/domain/changes.js';
import type { Instant } from '../../src/domain/instant.js';
import { DAY_MS } from '../../src/domain/ledger-totals.js';
import { LiveProduct, openingState } from '../../src/domain/live-product.js';
import type { Movement } from '../../src/domain/movement.js';
import { countersOf } from '../../src/domain/product.js';
import type { Rental } from '../../src/domain/rental.js';
import { PERIOD_DAYS_MAX } from '../../src/domain/report-figures.js';
import { newId } from '../../src/ids.js';
import { rollUp } from '../../src/jobs/rollups.js';
import type { Database } from '../../src/persistence/database.js';
import { appendMovements } from '../../src/persistence/movements.js';
import { insertProducts } from '../../src/persistence/products.js';
import { insertRentals } from '../../src/persistence/rentals.js';
import { slices } from '../../src/persistence/sql.js';
import { Stores } from '../../src/persistence/stores.js';
import { createReports, type ProductReport, type Summary } from '../../src/reports/reports.js';
import { type ProductHistory, readHistory } from './rental-history.js';
import { ScriptError } from './script.js';

const ACTOR = 'replay';
const EXTREMES = 3;

/** What the service's reports say of a past. */
export interface PastReport {
  /** the whole of it, and then each month in which something was rented */
  readonly periods: readonly Summary[];
  /** by unit-hours out in the whole of it */
  readonly busiest: readonly ProductReport[];
  readonly idlest: readonly ProductReport[];
}

/**
 * Writes a folder of past rentals into the tables with the times that it has, as if the service had
 * seen them: all products are made at the beginning of the first day, and their machines decide on
 * each rental. Adds the ledger up by the day, and reports on it. Throws a ScriptError where the
 * database has a ledger already: lines are in order of time in it, and these are older.
 */
export async function replayPast(
  database: Database,
  options: { folder: string; storeId: number; lowStockThreshold: number },
): Promise<PastReport> {
  const { folder, storeId, lowStockThreshold } = options;
  const histories = readHistory(folder);
  const times = histories.flatMap(({ events }) => events.map(({ atMs }) => atMs)).sort(ascending);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) throw new ScriptError('rentals.csv is empty.');
  const [from, to] = [dayOf(first), dayOf(last) + 1];
  if (to - from > PERIOD_DAYS_MAX) {
    throw new ScriptError(`Reports are on at most ${PERIOD_DAYS_MAX} days, and these are more.`);
  }
  if ((await database.select('SELECT 1 FROM movements LIMIT 1')).length > 0) {
    throw new ScriptError('The database has a ledger already; name one that is empty.');
  }
  await new Stores(database).ensure(storeId);
  await write(database, pastOf(histories, { storeId, openedAt: from * DAY_MS }));
  await rollUp(database, { lowStockThreshold });

  const reports = createReports(database, { lowStockThreshold });
  const whole = { from, to };
  const page = { offset: 0, limit: EXTREMES };
  const periods: Summary[] = [];
  for (const period of [whole, ...monthsOf(whole)]) {
    const summary = await reports.summary(storeId, period);
    if (summary.rentals.begun.count > 0) periods.push(summary);
  }
  return {
    periods,
    busiest: (await reports.products(storeId, whole, { ...page, sort: 'busiest' })).rows,
    idlest: (await reports.products(storeId, whole, { ...page, sort: 'idlest' })).rows,
  };
}

/** The report as a table for reading. */
export function pastTable({ periods, busiest, idlest }: PastReport): string {
  const whole = (n: number) => Math.round(n).toLocaleString('en-US');
  const share = (n: number | null) => (n === null ? '–' : `${(n * 100).toFixed(1)} %`);
  const heads = ['rentals', 'utilisation', 'turnover', 'hours out of stock', 'share'];
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(24) + cells.map((cell, i) => cell.padStart((heads[i]?.length ?? 0) + 2)).join('');
  const product = ({ sku, name, unitHours, rentals }: ProductReport) =>
    `  ${sku} ${name}: ${whole(unitHours.quantityRented)} unit-hours out, ${rentals.begun.count} rentals`;
  return [
    line('', heads),
    ...periods.map((one) =>
      line(`${dayText(one.from)} to ${dayText(one.to - 1)}`, [
        whole(one.rentals.begun.count),
        share(one.utilisation),
        one.turnover?.toFixed(2) ?? '–',
        whole(one.outOfStockHours),
        share(one.outOfStockShare),
      ]),
    ),
    'busiest:',
    ...busiest.map(product),
    'idlest:',
    ...idlest.map(product),
  ].join('\n');
}

interface Past {
  readonly products: readonly CreatedProduct[];
  readonly rentals: readonly { product: CreatedProduct['product']; rental: Rental }[];
  /** in order of time */
  readonly lines: readonly { product: CreatedProduct['product']; line: Movement }[];
}

/** The rows of a past; those of products that are not inserted yet bear the id 0. */
function pastOf(
  histories: readonly ProductHistory[],
  { storeId, openedAt }: { storeId: number; openedAt: Instant },
): Past {
  const products: CreatedProduct[] = [];
  const rentals: { product: CreatedProduct['product']; rental: Rental }[] = [];
  const lines: { product: CreatedProduct['product']; line: Movement }[] = [];
  for (const { product: body, events } of histories) {
    const opened = {
      ...{ id: 0, storeId, sku: body.sku, name: body.name, parentId: null },
      ...openingState(body.quantity, body.publish),
      ...{ priceAmount: body.price_amount, priceCurrency: body.price_currency },
      ...{ lowStockThreshold: body.low_stock_threshold, supplierEmail: body.supplier_email },
      ...{ nextHoldDueAt: null, version: 1, createdAt: openedAt, updatedAt: openedAt },
    };
    const live = new LiveProduct(opened);
    const bare = { storeId, productId: 0, reservationId: null, orderId: null, actor: ACTOR };
    const opening = {
      ...{ ...bare, commandId: newId(), kind: 'open' as const, rentalId: null },
      ...{ delta: countersOf(opened), after: countersOf(opened), reason: 'opening' },
      createdAt: openedAt,
    };
    const out = new Map<number, Rental>();
    const written: Movement[] = [];
    for (const { type, rental: past, atMs } of events) {
      const begun = out.get(past.line);
      // Where a rental was refused there is nothing to bring back.
      if (type === 'return' && !begun) continue;
      const sent = live.send({ type: type === 'rent' ? 'RENT' : 'COMPLETE', units: 1 });
      if ('refusal' in sent) continue;
      live.touch(atMs);
      const rental: Rental = begun
        ? { ...begun, status: 'completed', completedAt: atMs }
        : newRental({ storeId, userId: past.userId, at: atMs });
      out.set(past.line, rental);
      written.push({
        ...{ ...bare, commandId: newId(), kind: begun ? 'complete' : 'rent', rentalId: rental.id },
        ...{ delta: sent.delta, after: countersOf(live.row), reason: null, createdAt: atMs },
      });
    }
    const product = live.snapshot();
    products.push({ product, opening });
    for (const rental of out.values()) rentals.push({ product, rental });
    for (const line of written) lines.push({ product, line });
  }
  // A stable sort: what happened to one product in the same instant stays in its order.
  lines.sort((a, b) => a.line.createdAt - b.line.createdAt);
  return { products, rentals, lines };
}

function newRental({ storeId, userId, at }: { storeId: number; userId: string; at: Instant }) {
  const rental: Rental = {
    ...{ id: newId(), storeId, productId: 0, userId, quantity: 1, status: 'active' },
    ...{ startsAt: at, endsAt: null, orderId: null, reservationId: null, createdAt: at },
    ...{ completedAt: null, cancelledAt: null, cancelReason: null, overdueAt: null },
  };
  return rental;
}

/** All of it or nothing. */
async function write(database: Database, { products, rentals, lines }: Past): Promise<void> {
  const session = await database.begin();
  try {
    await insertProducts(session, products);
    for (const some of slices(rentals)) {
      await insertRentals(
        session,
        some.map(({ product, rental }) => ({ ...rental, productId: product.id })),
      );
    }
    await appendMovements(session, [
      ...products.map(({ opening }) => opening),
      ...lines.map(({ product, line }) => ({ ...line, productId: product.id })),
    ]);
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

const ascending = (a: number, b: number) => a - b;
const dayOf = (at: Instant) => Math.floor(at / DAY_MS);
const dayText = (at: Instant) => new Date(at).toISOString().slice(0, 10);

/** The months of a period, the first and the last cut off by it. */
function monthsOf({ from, to }: { from: number; to: number }): { from: number; to: number }[] {
  const months: { from: number; to: number }[] = [];
  for (let day = from; day < to; ) {
    const begun = new Date(day * DAY_MS);
    const next = Date.UTC(begun.getUTCFullYear(), begun.getUTCMonth() + 1) / DAY_MS;
    months.push({ from: day, to: Math.min(next, to) });
    day = next;
  }
  return months;
}
