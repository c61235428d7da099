import { groupBy } from '../domain/group-by.js';
import type { Instant } from '../domain/instant.js';
import {
  advanced,
  DAY_MS,
  HOUR_MS,
  NOTHING,
  type ProductTotals,
  StoreSum,
  type Totals,
  totalsAt,
} from '../domain/ledger-totals.js';
import type { FieldError } from '../domain/refusal.js';
import {
  type AskedPeriod,
  averagesOf,
  type Figures,
  figuresOf,
  Habits,
  monthOf,
  type Period,
  periodOf,
  rounded,
  type StockNeeds,
  stockNeeds,
} from '../domain/report-figures.js';
import type { Database } from '../persistence/database.js';
import {
  type Correction,
  correctionsOfStore,
  countDrift,
  firstIdAfter,
  firstIdSince,
  linesOfProducts,
  linesOfStore,
} from '../persistence/ledger-lines.js';
import {
  endOfDay,
  type RolledUp,
  readProductDays,
  readRolledUp,
  readStoreDays,
} from '../persistence/ledger-totals.js';
import type { Page } from '../persistence/reads/products.js';
import { pageOf } from '../persistence/reads/products.js';
import {
  listReportedProducts,
  type ProductSort,
  type ReportedProduct,
} from '../persistence/reads/report-products.js';
import { listShortHours, sumRefusals } from '../persistence/refusals.js';
import { type Folded, Folds } from './folds.js';

/** A period that can not be reported on, field by field. */
export class PeriodError extends Error {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super(errors.map(({ field, message }) => `${field} ${message}`).join('; '));
    this.name = 'PeriodError';
    this.errors = errors;
  }
}

/** The period that a report turned out to be about. `to` is not in it. */
export interface Reported {
  readonly from: Instant;
  readonly to: Instant;
}

export interface Refused {
  readonly requests: number;
  readonly units: number;
}

export interface Summary extends Reported, Figures {
  readonly refused: {
    readonly outOfStock: Refused;
    readonly insufficientStock: Refused;
    /** of products that were not published; how many units they lacked has no meaning */
    readonly notAvailable: Refused;
  };
  /** products whose counters a run of sync found wrong, each as often as one did */
  readonly driftFound: number;
}

export interface ProductReport extends Figures {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  /** for want of units */
  readonly refused: Refused;
}

export interface LevelPoint {
  /** when the step begins */
  readonly at: Instant;
  /** averages over the step */
  readonly quantity: number;
  readonly quantityAvailable: number;
  readonly quantityReserved: number;
  readonly quantityRented: number;
}

export interface Levels extends Reported {
  readonly stepSeconds: number;
  readonly points: readonly LevelPoint[];
}

/** A correction far from its product's habit. */
export interface UnusualCorrection extends Correction {
  /** units */
  readonly usual: number;
  /** units beyond which it is unusual */
  readonly limit: number;
}

export interface StockAdvice extends StockNeeds {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  /** units owned at the end */
  readonly quantity: number;
}

export interface SupplierReport {
  readonly supplierEmail: string;
  readonly products: number;
  readonly notices: number;
  /** restocks that answered a notice, and how long the first unanswered notice had waited */
  readonly answered: number;
  readonly averageHours: number | null;
  readonly restockedUnits: number;
  /** products whose notice is not answered, and how long the oldest has waited */
  readonly waiting: number;
  readonly longestWaitHours: number | null;
}

/** A place in a list: so many rows are before it. */
export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
}

/** Reports on a store, from its ledger. All throw a PeriodError or a DatabaseFault. */
export interface Reports {
  summary(storeId: number, asked: AskedPeriod): Promise<Summary>;
  products(
    storeId: number,
    asked: AskedPeriod,
    page: PageQuery & { sort: ProductSort },
  ): Promise<Reported & Page<ProductReport>>;
  /** Averages over steps of an hour, a day or some days; `productId` null: of all products. */
  levels(storeId: number, asked: AskedPeriod, productId: number | null): Promise<Levels>;
  /** The corrections farthest from habit, those first. */
  unusual(
    storeId: number,
    asked: AskedPeriod,
    limit: number,
  ): Promise<Reported & Page<UnusualCorrection>>;
  /** Products that lacked units in a month, most first, then those that had too many. */
  stockAdvice(
    storeId: number,
    month: { year: number; month: number } | null,
    page: PageQuery,
  ): Promise<Reported & Page<StockAdvice>>;
  suppliers(storeId: number, asked: AskedPeriod): Promise<Reported & { rows: SupplierReport[] }>;
}

const HOURLY_DAYS_MAX = 3;
const POINTS_MAX = 400;
/** a habit is looked for in so many days before a period */
const HABIT_DAYS = 365;

export function createReports(
  database: Database,
  settings: { lowStockThreshold: number },
): Reports {
  const { lowStockThreshold } = settings;

  /** What is meant, and how far the ledger is added up. */
  async function open(asked: AskedPeriod): Promise<{ period: Period; rolled: RolledUp }> {
    const rolled = await readRolledUp(database);
    return { period: valid(periodOf(asked, rolled.now)), rolled };
  }

  /** What has been written since a day, product by product, added up by spans. */
  async function foldSince(
    which: { storeId: number; productId: number | null },
    options: { baseDay: number; fromId: number; cut: Instant; spanMs: number },
  ): Promise<readonly Folded[]> {
    const { baseDay, fromId, cut, spanMs } = options;
    const folds = new Folds(database, { baseDay, spanMs, cut, lowStockThreshold });
    const ids = { from: fromId, to: await firstIdAfter(database, cut) };
    const pages =
      which.productId === null
        ? linesOfStore(database, which.storeId, ids)
        : linesOfProducts(database, [which.productId], ids);
    for await (const lines of pages) await folds.add(lines);
    return [...folds.products.values()];
  }

  /** The same for the days of a period that are not added up yet. */
  function foldFresh(
    which: { storeId: number; productId: number | null },
    { period, rolled }: { period: Period; rolled: RolledUp },
  ): Promise<readonly Folded[]> | readonly Folded[] {
    if (period.toDay - 1 <= rolled.day) return [];
    const { day: baseDay, nextMovementId: fromId } = rolled;
    return foldSince(which, { baseDay, fromId, cut: period.to, spanMs: DAY_MS });
  }

  /** A store's totals by the day: before the period, and at each end of a day with a line. */
  async function totalsOfStore(storeId: number, opened: { period: Period; rolled: RolledUp }) {
    const { period, rolled } = opened;
    const days = { after: period.fromDay - 1, last: Math.min(period.toDay - 1, rolled.day) };
    const { opening, rows } = await readStoreDays(database, { storeId, ...days });
    const fresh = await foldFresh({ storeId, productId: null }, opened);
    return withFresh(opening ?? NOTHING, rows, { fresh, baseDay: rolled.day });
  }

  async function totalsOfProduct(
    storeId: number,
    productId: number,
    opened: { period: Period; rolled: RolledUp },
  ) {
    const { period, rolled } = opened;
    const days = { after: period.fromDay - 1, last: Math.min(period.toDay - 1, rolled.day) };
    const { opening, rows } = await readProductDays(database, { storeId, productId, ...days });
    const [fresh] = await foldFresh({ storeId, productId }, opened);
    const all: Totals[] = [...rows, ...(fresh?.fold.rows() ?? [])];
    return { opening: opening ?? NOTHING, rows: all };
  }

  /** Products with their totals at both ends of a period, those that moved lately included. */
  async function productsOf(
    storeId: number,
    opened: { period: Period; rolled: RolledUp },
    options: { sort?: ProductSort; limit?: number; suppliedOnly?: boolean; leastFree?: boolean },
  ): Promise<PeriodOfProduct[]> {
    const { period, rolled } = opened;
    const fresh = new Map(
      (await foldFresh({ storeId, productId: null }, opened)).map((one) => [one.productId, one]),
    );
    const query = {
      storeId,
      fromDay: Math.min(period.fromDay, rolled.day + 1),
      toDay: Math.min(period.toDay, rolled.day + 1),
      from: period.from,
      to: period.to,
      refusals: refusalsIn(storeId, period),
      suppliedOnly: options.suppliedOnly ?? false,
      leastFree: options.leastFree ?? false,
    };
    const moved = [...fresh.keys()];
    const { sort, limit } = options;
    const still = await listReportedProducts(database, {
      ...query,
      except: moved,
      ...(sort ? { sort } : {}),
      ...(limit === undefined ? {} : { limit }),
    });
    const others = await listReportedProducts(database, { ...query, only: moved });
    const all = [...still, ...others].map((product) =>
      atBothEnds(product, period, fresh.get(product.productId)),
    );
    return sort ? sorted(all, sort) : all;
  }

  return {
    async summary(storeId, asked) {
      const opened = await open(asked);
      const { period } = opened;
      const { opening, rows } = await totalsOfStore(storeId, opened);
      const start = totalsAt(opening, rows, period.from);
      const end = totalsAt(opening, rows, period.to);
      const refused = await sumRefusals(database, refusalsIn(storeId, period));
      const of = (code: string): Refused => {
        const found = refused.find((one) => one.code === code);
        return { requests: found?.requests ?? 0, units: found?.unitsShort ?? 0 };
      };
      return {
        ...reported(period),
        ...figuresOf(start, end),
        refused: {
          outOfStock: of('out_of_stock'),
          insufficientStock: of('insufficient_stock'),
          notAvailable: of('not_available'),
        },
        driftFound: await countDrift(database, { storeId, ...reported(period) }),
      };
    },

    async products(storeId, asked, { sort, offset, limit }) {
      const opened = await open(asked);
      const all = await productsOf(storeId, opened, { sort, limit: offset + limit + 1 });
      const page = pageOf(all.slice(offset), limit);
      return {
        ...reported(opened.period),
        hasMore: page.hasMore,
        rows: page.rows.map(({ product, start, end }) => ({
          productId: product.productId,
          sku: product.sku,
          name: product.name,
          ...figuresOf(start, end),
          refused: { requests: product.refusedRequests, units: product.refusedUnits },
        })),
      };
    },

    async levels(storeId, asked, productId) {
      const opened = await open(asked);
      const { period, rolled } = opened;
      const days = period.toDay - period.fromDay;
      const isHourly = days <= HOURLY_DAYS_MAX;
      const stepMs = isHourly ? HOUR_MS : Math.ceil(days / POINTS_MAX) * DAY_MS;
      const { opening, rows } = isHourly
        ? await hourly(storeId, productId, { period, rolled })
        : productId === null
          ? await totalsOfStore(storeId, opened)
          : await totalsOfProduct(storeId, productId, opened);
      const steps: Totals[] = [];
      for (let at = period.from; at < period.to; at += stepMs) {
        steps.push(totalsAt(opening, rows, at));
      }
      steps.push(totalsAt(opening, rows, period.to));
      return { ...reported(period), stepSeconds: stepMs / 1000, points: averagesOf(steps) };
    },

    async unusual(storeId, asked, limit) {
      const { period } = await open(asked);
      const ids = {
        from: await firstIdSince(database, period.from - HABIT_DAYS * DAY_MS),
        to: await firstIdAfter(database, period.to),
      };
      const habits = new Habits();
      let found: UnusualCorrection[] = [];
      const farthestFirst = () => found.sort((a, b) => excess(b) - excess(a) || b.id - a.id);
      for await (const corrections of correctionsOfStore(database, storeId, ids)) {
        for (const correction of corrections) {
          const habit = habits.judge(correction);
          const { createdAt: at } = correction;
          if (habit && at >= period.from && at < period.to) found.push({ ...correction, ...habit });
        }
        found = farthestFirst().slice(0, limit + 1);
      }
      return { ...reported(period), ...pageOf(farthestFirst(), limit) };
    },

    async stockAdvice(storeId, month, { offset, limit }) {
      const { now } = await readRolledUp(database);
      const opened = await open(monthOf(month, now));
      const { period } = opened;
      const hours = await listShortHours(database, refusalsIn(storeId, period));
      const products = await productsOf(storeId, opened, { leastFree: true });
      const advice = products
        .filter(({ start, end }) => end.integrals.published > start.integrals.published)
        .map(({ product: { productId, sku, name }, start, end, leastFree }): StockAdvice => {
          const needs = stockNeeds(hours.get(productId) ?? [], { start, end, leastFree });
          return { productId, sku, name, quantity: end.levels.quantity, ...needs };
        })
        .filter(({ refusedRequests, neverNeeded }) => refusedRequests > 0 || neverNeeded > 0)
        .sort(
          (a, b) =>
            b.additionalUnits - a.additionalUnits ||
            b.neverNeeded - a.neverNeeded ||
            a.productId - b.productId,
        );
      return { ...reported(period), ...pageOf(advice.slice(offset), limit) };
    },

    async suppliers(storeId, asked) {
      const opened = await open(asked);
      const products = await productsOf(storeId, opened, { suppliedOnly: true });
      return { ...reported(opened.period), rows: suppliersOf(products) };
    },
  };

  /** Totals by the hour, from the lines of these days. */
  async function hourly(
    storeId: number,
    productId: number | null,
    { period, rolled }: { period: Period; rolled: RolledUp },
  ): Promise<{ opening: Totals; rows: Totals[] }> {
    const baseDay = Math.min(period.fromDay - 1, rolled.day);
    const fromId =
      baseDay === rolled.day
        ? rolled.nextMovementId
        : await firstIdSince(database, endOfDay(baseDay));
    const options = { baseDay, fromId, cut: period.to, spanMs: HOUR_MS };
    const fresh = await foldSince({ storeId, productId }, options);
    if (productId !== null) {
      const last = { storeId, productId, after: baseDay, last: baseDay };
      const { opening } = await readProductDays(database, last);
      return { opening: opening ?? NOTHING, rows: fresh[0]?.fold.rows() ?? [] };
    }
    const last = { storeId, after: baseDay, last: baseDay };
    const { opening } = await readStoreDays(database, last);
    return withFresh(opening ?? NOTHING, [], { fresh, baseDay });
  }
}

/** A product at both ends of a period. */
interface PeriodOfProduct {
  readonly product: ReportedProduct;
  readonly start: Totals;
  readonly end: ProductTotals;
  /** the fewest units free in the period */
  readonly leastFree: number;
}

function atBothEnds(product: ReportedProduct, period: Period, fresh?: Folded): PeriodOfProduct {
  const rows = fresh?.fold.rows() ?? [];
  const start = totalsAt(product.start ?? NOTHING, rows, period.from);
  const end = totalsAt(product.end ?? NOTHING, rows, period.to);
  const inPeriod = rows.filter(({ at }) => at > period.from).map(({ leastFree }) => leastFree);
  const known = [
    ...(start.lastMovementId > 0 ? [start.levels.quantityAvailable] : []),
    ...(product.leastFree === null ? [] : [product.leastFree]),
    ...inPeriod,
  ];
  return { product, start, end, leastFree: known.length > 0 ? Math.min(...known) : 0 };
}

/** The rows of what is added up, and those of the days after it. */
function withFresh(
  opening: Totals,
  rows: readonly Totals[],
  { fresh, baseDay }: { fresh: readonly Folded[]; baseDay: number },
): { opening: Totals; rows: Totals[] } {
  const sum = new StoreSum();
  for (const { fold } of fresh) {
    for (const increment of fold.increments()) sum.add(increment);
  }
  const last = advanced(rows.at(-1) ?? opening, endOfDay(baseDay));
  return { opening, rows: [...rows, ...sum.rows(last)] };
}

/** The order of a sort, which is also that of the query. */
function sorted(products: PeriodOfProduct[], sort: ProductSort): PeriodOfProduct[] {
  const time = ({ start, end }: PeriodOfProduct, level: 'quantityRented' | 'outOfStock') =>
    end.integrals[level] - start.integrals[level];
  const by: Record<ProductSort, (one: PeriodOfProduct) => number> = {
    busiest: (one) => -time(one, 'quantityRented'),
    idlest: (one) => time(one, 'quantityRented'),
    mostRented: ({ start, end }) => start.flows.rentedUnits - end.flows.rentedUnits,
    outOfStock: (one) => -time(one, 'outOfStock'),
    refused: ({ product }) => -product.refusedRequests,
  };
  const wasOffered = ({ start, end }: PeriodOfProduct) =>
    end.integrals.published > start.integrals.published;
  return products
    .filter((one) => sort !== 'idlest' || wasOffered(one))
    .sort((a, b) => by[sort](a) - by[sort](b) || a.product.productId - b.product.productId);
}

function suppliersOf(products: readonly PeriodOfProduct[]): SupplierReport[] {
  return [...groupBy(products, ({ product }) => product.supplierEmail)]
    .flatMap(([email, theirs]) => (email === null ? [] : [supplierOf(email, theirs)]))
    .sort((a, b) => (b.averageHours ?? -1) - (a.averageHours ?? -1));
}

function supplierOf(supplierEmail: string, products: readonly PeriodOfProduct[]): SupplierReport {
  const flow = (name: 'lowNotices' | 'lowAnswers' | 'lowWaitMs' | 'restockedUnits') =>
    products.reduce((sum, { start, end }) => sum + end.flows[name] - start.flows[name], 0);
  const waits = products.flatMap(({ end }) =>
    end.lowSince === null ? [] : [end.at - end.lowSince],
  );
  const answered = flow('lowAnswers');
  return {
    supplierEmail,
    products: products.length,
    notices: flow('lowNotices'),
    answered,
    averageHours: answered === 0 ? null : rounded(flow('lowWaitMs') / answered / HOUR_MS),
    restockedUnits: flow('restockedUnits'),
    waiting: waits.length,
    longestWaitHours: waits.length === 0 ? null : rounded(Math.max(...waits) / HOUR_MS),
  };
}

const excess = ({ change, limit }: UnusualCorrection) => Math.abs(change) / limit;
const reported = ({ from, to }: Period): Reported => ({ from, to });
const refusalsIn = (storeId: number, { fromDay, toDay }: Period) => ({
  storeId,
  from: fromDay * 24,
  to: toDay * 24,
});

function valid(period: Period | { errors: FieldError[] }): Period {
  if ('errors' in period) throw new PeriodError(period.errors);
  return period;
}
