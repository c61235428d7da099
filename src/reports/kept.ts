import type { Send } from '../core.js';
import type { Drift } from '../domain/drift.js';
import type { Instant } from '../domain/instant.js';
import type { KeptReport, ReportKind } from '../domain/kept-report.js';
import { DAY_MS } from '../domain/ledger-totals.js';
import { monthOf } from '../domain/report-figures.js';
import { newId } from '../ids.js';
import type { Sync } from '../jobs/sync.js';
import { escapeHtml } from '../mail/digest.js';
import type { Database } from '../persistence/database.js';
import { readRolledUp } from '../persistence/ledger-totals.js';
import { queueMail } from '../persistence/mails.js';
import { type Page, type ProductReads, pageOf } from '../persistence/reads/products.js';
import { findReport, listReports, saveReport } from '../persistence/reports.js';
import type {
  ProductReport,
  Reported,
  Reports,
  StockAdvice,
  Summary,
  SupplierReport,
  UnusualCorrection,
} from './reports.js';
import { reportText, reportTitle } from './text.js';

export interface LowProduct {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly quantityAvailable: number;
  readonly threshold: number;
  readonly supplierEmail: string | null;
}

/** What each kind of report tells. Lists end at a thousand rows, the counts beside them do not. */
export type ReportContent =
  | {
      readonly kind: 'low_stock';
      readonly lowProducts: number;
      /** of those, how many have no unit free */
      readonly emptyProducts: number;
      readonly products: readonly LowProduct[];
    }
  | {
      readonly kind: 'reconciliation';
      /** of the dry run; null where it could not be carried out */
      readonly syncRunId: string | null;
      readonly productsLookedAt: number;
      readonly productsDrifted: number;
      readonly drifts: readonly Drift[];
      readonly movements: Summary;
      readonly busiest: readonly ProductReport[];
      readonly idlest: readonly ProductReport[];
      readonly unusual: readonly UnusualCorrection[];
    }
  | {
      readonly kind: 'stock_review';
      readonly month: Reported;
      readonly advice: readonly StockAdvice[];
      readonly suppliers: readonly SupplierReport[];
    };

/** Reports of the calendar: made once for each period, mailed and kept. */
export interface KeptReports {
  /**
   * Makes the report that is due now, or returns the one that is there: `low_stock` of today,
   * `reconciliation` of the week before this one (from Monday, UTC), `stock_review` of the month
   * before. Throws what a command or a read throws.
   */
  make(storeId: number, kind: ReportKind): Promise<KeptReport>;
  find(storeId: number, id: string): Promise<KeptReport | null>;
  /** Newest first, below the id `before`; null: of all kinds. */
  list(query: {
    storeId: number;
    kind: ReportKind | null;
    before: string | null;
    limit: number;
  }): Promise<Page<KeptReport>>;
}

const ROWS_MAX = 1_000;
const EXTREMES = 10;
const PAGE_PRODUCTS = 200;

export function createKeptReports(
  database: Database,
  core: { send: Send; sync: Sync; products: ProductReads; reports: Reports },
  settings: {
    readonly lowStockThreshold: number;
    /** who gets each report by mail; none where mail is off */
    readonly mailTo: readonly string[];
  },
): KeptReports {
  const { send, sync, products, reports } = core;

  async function lowStock(storeId: number): Promise<ReportContent> {
    const low: LowProduct[] = [];
    let [lowProducts, emptyProducts] = [0, 0];
    for (let after: number | null = 0; after !== null; ) {
      const page = await products.listLowStock({
        storeId,
        threshold: null,
        fallback: settings.lowStockThreshold,
        after,
        limit: PAGE_PRODUCTS,
      });
      for (const product of page.rows) {
        lowProducts++;
        if (product.quantityAvailable === 0) emptyProducts++;
        if (low.length === ROWS_MAX) continue;
        const { id: productId, sku, name, quantity, quantityAvailable, supplierEmail } = product;
        const threshold = product.lowStockThreshold ?? settings.lowStockThreshold;
        low.push({
          ...{ productId, sku, name, quantity, quantityAvailable, threshold, supplierEmail },
        });
      }
      after = page.hasMore ? (page.rows.at(-1)?.id ?? null) : null;
    }
    return { kind: 'low_stock', lowProducts, emptyProducts, products: low };
  }

  async function reconciliation(storeId: number, monday: number): Promise<ReportContent> {
    const { outcome } = await send({
      kind: 'start_sync',
      id: newId(),
      storeId,
      actor: 'report:cron',
      idempotency: null,
      run: {
        id: newId(),
        storeId,
        productId: null,
        startedBy: 'cron',
        dryRun: true,
        deep: false,
      },
    });
    const found = outcome.ok ? await sync.carryOut(outcome.value.runId) : null;
    const week = { from: monday - 7, to: monday };
    const extremes = { offset: 0, limit: EXTREMES };
    return {
      kind: 'reconciliation',
      syncRunId: found?.run.id ?? null,
      productsLookedAt: found?.run.totalProducts ?? 0,
      productsDrifted: found?.driftedProducts ?? 0,
      drifts: found?.details ?? [],
      movements: await reports.summary(storeId, week),
      busiest: (await reports.products(storeId, week, { ...extremes, sort: 'busiest' })).rows,
      idlest: (await reports.products(storeId, week, { ...extremes, sort: 'idlest' })).rows,
      unusual: (await reports.unusual(storeId, week, ROWS_MAX)).rows,
    };
  }

  async function stockReview(storeId: number, now: Instant): Promise<ReportContent> {
    const page = { offset: 0, limit: ROWS_MAX };
    const { from, to, rows: advice } = await reports.stockAdvice(storeId, null, page);
    const { rows: suppliers } = await reports.suppliers(storeId, monthOf(null, now));
    return { kind: 'stock_review', month: { from, to }, advice, suppliers };
  }

  /** Keeps a report and queues its mails, or (where another copy was faster) neither. */
  async function keep(report: Omit<KeptReport, 'createdAt'>): Promise<void> {
    const session = await database.begin();
    try {
      const isOurs = await saveReport(session, report);
      for (const recipient of isOurs ? settings.mailTo : []) {
        const { id, storeId, title, text } = report;
        const html = `<!doctype html><html lang="en"><body><pre>${escapeHtml(text)}</pre></body></html>`;
        const subject = `${title} (store ${storeId})`;
        await queueMail(session, { recipient, subject, text, html, name: `report-${id}` });
      }
      await session.commit();
    } catch (error) {
      await session.rollback();
      throw error;
    }
  }

  return {
    async make(storeId, kind) {
      const { now } = await readRolledUp(database);
      const monday = mondayOf(now);
      const key = { storeId, kind, period: periodName(kind, now) };
      const known = await findReport(database, key);
      if (known) return known;
      const content =
        kind === 'low_stock'
          ? await lowStock(storeId)
          : kind === 'reconciliation'
            ? await reconciliation(storeId, monday)
            : await stockReview(storeId, now);
      const { kind: _, ...data } = content;
      await keep({
        id: newId(),
        ...key,
        title: reportTitle(content, key.period),
        text: reportText(content, key.period),
        data: withTimes(data),
      });
      const made = await findReport(database, key);
      if (!made) throw new Error(`the report on ${key.period} was not kept`);
      return made;
    },
    find: (storeId, id) => findReport(database, { storeId, id }),
    async list(query) {
      const rows = await listReports(database, { ...query, limit: query.limit + 1 });
      return pageOf(rows, query.limit);
    },
  };
}

/** The Monday of the week that an instant is in, as a day since 1970; that began on a Thursday. */
function mondayOf(now: Instant): number {
  const day = Math.floor(now / DAY_MS);
  return day - ((day + 3) % 7);
}

/** Since when a report that is made now is about the same: this day, week or month. */
export function periodBegan(kind: ReportKind, now: Instant): Instant {
  if (kind === 'reconciliation') return mondayOf(now) * DAY_MS;
  const today = new Date(now);
  const day = kind === 'low_stock' ? today.getUTCDate() : 1;
  return Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), day);
}

/** What a report that is made now is about: a day, the week before (ISO 8601), the month before. */
export function periodName(kind: ReportKind, now: Instant): string {
  if (kind === 'low_stock') return new Date(now).toISOString().slice(0, 10);
  if (kind === 'stock_review') {
    return new Date((monthOf(null, now).from ?? 0) * DAY_MS).toISOString().slice(0, 7);
  }
  // A week belongs to the year that its Thursday is in, and is the first where that is its first.
  const thursday = mondayOf(now) - 7 + 3;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0) / DAY_MS) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

const TIMES = new Set(['from', 'to', 'createdAt']);

/** The same with times as replies show them. */
function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      TIMES.has(name) && typeof member === 'number'
        ? new Date(member).toISOString()
        : withTimes(member),
    ]),
  );
}
