import type { Instant } from '../domain/instant.js';
import { DAY_MS, NOTHING, StoreSum } from '../domain/ledger-totals.js';
import type { Database } from '../persistence/database.js';
import {
  firstIdAfter,
  type IdRange,
  linesOfProducts,
  listProductIds,
  readFirstLineAt,
} from '../persistence/ledger-lines.js';
import {
  endOfDay,
  readLastStoreDays,
  readRolledUp,
  saveProductDays,
  saveRolledUp,
  saveStoreDays,
} from '../persistence/ledger-totals.js';
import { Folds } from '../reports/folds.js';

/**
 * How long a day must be over: a line gets its time and its id before it is committed, and by then
 * no transaction can still be under way that has one of that day.
 */
const SETTLED_MS = 3_600_000;
/** days that are added up before how far it got is written down */
const DAYS_AT_ONCE = 31;
const PRODUCTS_AT_ONCE = 200;

export interface RollUpOptions {
  /** of products without a threshold of their own */
  readonly lowStockThreshold: number;
  /** asked before each page; a run that is told no ends there */
  goOn?(): boolean | Promise<boolean>;
}

/** Whether a day is well over and not added up. */
export async function isBehind(database: Database): Promise<boolean> {
  const done = await readRolledUp(database);
  return done.day < lastDayOver(done.now);
}

const lastDayOver = (now: Instant) => Math.floor((now - SETTLED_MS) / DAY_MS) - 1;

/**
 * Adds ledgers up by the day, up to the last day that is well over by the database's clock: from
 * where it stopped, product by product, in memory that does not grow with the ledger. Run again
 * after it was cut off, or by two copies at once, it writes the same rows once more. Returns the
 * days that it added; throws a DatabaseFault.
 */
export async function rollUp(database: Database, options: RollUpOptions): Promise<number> {
  const { goOn = () => true } = options;
  let days = 0;
  for (;;) {
    const done = await readRolledUp(database);
    const last = lastDayOver(done.now);
    if (done.day >= last) return days;
    const begunAt = done.day >= 0 ? null : await readFirstLineAt(database);
    if (done.day < 0 && begunAt === null) return days;
    const baseDay = begunAt === null ? done.day : Math.floor(begunAt / DAY_MS) - 1;
    const day = Math.min(last, baseDay + DAYS_AT_ONCE);
    if (day <= baseDay) return days;
    const to = await firstIdAfter(database, endOfDay(day));
    const span = { baseDay, day, ids: { from: done.nextMovementId, to } };
    const next = await rollUpSpan(database, span, { ...options, goOn });
    if (next === null) return days;
    await saveRolledUp(database, { day, nextMovementId: next });
    days += day - baseDay;
  }
}

/** Adds some days up; returns the first line that is not in, or null where it was told to stop. */
async function rollUpSpan(
  database: Database,
  span: { baseDay: number; day: number; ids: IdRange },
  options: Required<RollUpOptions>,
): Promise<number | null> {
  const { baseDay, day, ids } = span;
  const { lowStockThreshold, goOn } = options;
  const stores = new Map<number, StoreSum>();
  let next = ids.to;
  for (let after = 0; ids.from < ids.to; ) {
    if (!(await goOn())) return null;
    const productIds = await listProductIds(database, after, PRODUCTS_AT_ONCE);
    const cut = endOfDay(day);
    const folds = new Folds(database, { baseDay, spanMs: DAY_MS, cut, lowStockThreshold });
    for await (const lines of linesOfProducts(database, productIds, ids)) await folds.add(lines);
    next = Math.min(next, folds.firstLeftOut);
    const products = [...folds.products.values()];
    await saveProductDays(
      database,
      products.flatMap(({ storeId, productId, fold }) =>
        fold.rows().map((totals) => ({ storeId, productId, totals })),
      ),
    );
    for (const { storeId, fold } of products) {
      const sum = stores.get(storeId) ?? new StoreSum();
      for (const increment of fold.increments()) sum.add(increment);
      stores.set(storeId, sum);
    }
    const last = productIds.at(-1);
    if (last === undefined || productIds.length < PRODUCTS_AT_ONCE) break;
    after = last;
  }
  if (!(await goOn())) return null;
  const openings = await readLastStoreDays(database, baseDay);
  await saveStoreDays(
    database,
    [...stores].flatMap(([storeId, sum]) =>
      sum.rows(openings.get(storeId) ?? NOTHING).map((totals) => ({ storeId, totals })),
    ),
  );
  return next;
}
