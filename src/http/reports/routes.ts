import type { z } from 'zod';
import type { KeptReport } from '../../domain/kept-report.js';
import type { AskedPeriod } from '../../domain/report-figures.js';
import { PeriodError, type Reported } from '../../reports/reports.js';
import { BACK_OFFICE } from '../caller.js';
import { endpoint, type Reply, type Surface } from '../endpoint.js';
import { nextCursorOf } from '../lists.js';
import { Problem } from '../problem.js';
import { findProduct } from '../products/routes.js';
import { iso, toCursor } from '../schemas.js';
import { csvReply, figuresTable, type Table, tableOf } from './csv.js';
import {
  AdviceQuery,
  AdviceReply,
  type KeptHead,
  KeptListReply,
  KeptPath,
  KeptQuery,
  KeptReply,
  LevelsQuery,
  LevelsReply,
  PeriodQuery,
  ProductsQuery,
  ProductsReply,
  SummaryReply,
  SuppliersReply,
  UnusualQuery,
  UnusualReply,
} from './schemas.js';

const tag = 'Reports';
const roles = BACK_OFFICE;

const getSummary = endpoint({
  method: 'get',
  path: '/api/reports/summary',
  operationId: 'getReportSummary',
  summary: 'What a store did in a period',
  tag,
  roles,
  query: PeriodQuery,
  replies: { 200: { description: 'Its figures.', schema: SummaryReply, orCsv: true } },
  problems: [],
  async handle({ core, caller, query, prefersCsv }) {
    const summary = await reportedOn(core.reports.summary(caller.storeId, asked(query)));
    const body = { ...summary, ...times(summary) };
    return reply({ query, prefersCsv }, body, () => figuresTable(body));
  },
});

const listProducts = endpoint({
  method: 'get',
  path: '/api/reports/products',
  operationId: 'listReportProducts',
  summary: 'The same for each product, the busiest or the idlest first',
  tag,
  roles,
  query: ProductsQuery,
  replies: { 200: { description: 'A page.', schema: ProductsReply, orCsv: true } },
  problems: [],
  async handle({ core, caller, query, prefersCsv }) {
    const { sort, limit, cursor: offset = 0 } = query;
    const page = { sort, limit, offset };
    const found = await reportedOn(core.reports.products(caller.storeId, asked(query), page));
    const nextCursor = found.hasMore ? toCursor(offset + limit) : null;
    const body = { ...times(found), data: found.rows, nextCursor };
    return reply({ query, prefersCsv }, body, () => tableOf(found.rows, ['productId']), nextCursor);
  },
});

const getLevels = endpoint({
  method: 'get',
  path: '/api/reports/levels',
  operationId: 'getReportLevels',
  summary: 'Units owned, free, held and out over time: for a chart',
  description: 'Steps are hours where the period has at most 3 days, else days, 400 at most.',
  tag,
  roles,
  query: LevelsQuery,
  replies: { 200: { description: 'Its points.', schema: LevelsReply, orCsv: true } },
  problems: ['product_not_found'],
  async handle({ core, caller, query, prefersCsv }) {
    const product =
      query.productId === undefined ? null : await findProduct(core, caller, query.productId);
    const levels = await reportedOn(
      core.reports.levels(caller.storeId, asked(query), product?.id ?? null),
    );
    const data = levels.points.map((point) => ({ ...point, at: iso(point.at) }));
    const body = { ...times(levels), stepSeconds: levels.stepSeconds, data };
    return reply({ query, prefersCsv }, body, () => tableOf(data, ['at']));
  },
});

const listUnusual = endpoint({
  method: 'get',
  path: '/api/reports/unusual',
  operationId: 'listUnusualChanges',
  summary: "Corrections of units owned that are far from a product's habit",
  description:
    "A product's habit is the median size of its last 50 corrections within a year; unusual is what is over 3.5 median deviations (as a standard deviation; 1 unit and 2 % of the units owned at least) beyond it. With fewer than five corrections: more than a tenth of the units owned, two units at least. The farthest first.",
  tag,
  roles,
  query: UnusualQuery,
  replies: { 200: { description: 'The farthest.', schema: UnusualReply, orCsv: true } },
  problems: [],
  async handle({ core, caller, query, prefersCsv }) {
    const found = await reportedOn(core.reports.unusual(caller.storeId, asked(query), query.limit));
    const data = found.rows.map((row) => ({ ...row, createdAt: iso(row.createdAt) }));
    const body = { ...times(found), data, hasMore: found.hasMore };
    return reply({ query, prefersCsv }, body, () => tableOf(data, ['id']));
  },
});

const getAdvice = endpoint({
  method: 'get',
  path: '/api/reports/stock-advice',
  operationId: 'getStockAdvice',
  summary:
    'How many units more would have avoided the refusals of a month, and how many were never needed',
  tag,
  roles,
  query: AdviceQuery,
  replies: {
    200: {
      description: 'Published products that lacked units or had too many: those short first.',
      schema: AdviceReply,
      orCsv: true,
    },
  },
  problems: [],
  async handle({ core, caller, query, prefersCsv }) {
    const { month = null, limit, cursor: offset = 0 } = query;
    const page = { limit, offset };
    const found = await reportedOn(core.reports.stockAdvice(caller.storeId, month, page));
    const nextCursor = found.hasMore ? toCursor(offset + limit) : null;
    const body = { ...times(found), data: found.rows, nextCursor };
    return reply({ query, prefersCsv }, body, () => tableOf(found.rows, ['productId']), nextCursor);
  },
});

const listSuppliers = endpoint({
  method: 'get',
  path: '/api/reports/suppliers',
  operationId: 'listReportSuppliers',
  summary: 'How long each supplier took from a low-stock notice to the restock',
  tag,
  roles,
  query: PeriodQuery,
  replies: { 200: { description: 'The slowest first.', schema: SuppliersReply, orCsv: true } },
  problems: [],
  async handle({ core, caller, query, prefersCsv }) {
    const found = await reportedOn(core.reports.suppliers(caller.storeId, asked(query)));
    const body = { ...times(found), data: found.rows };
    return reply({ query, prefersCsv }, body, () => tableOf(found.rows, ['supplierEmail']));
  },
});

const listKept = endpoint({
  method: 'get',
  path: '/api/reports',
  operationId: 'listReports',
  summary: 'The daily, weekly and monthly reports that are kept, newest first',
  tag,
  roles,
  query: KeptQuery,
  replies: { 200: { description: 'A page, without their figures.', schema: KeptListReply } },
  problems: [],
  async handle({ core, caller: { storeId }, query }) {
    const { kind = null, cursor: before = null, limit } = query;
    const page = await core.keptReports.list({ storeId, kind, before, limit });
    const data = page.rows.map(renderHead);
    return { status: 200, body: { data, nextCursor: nextCursorOf(page, ({ id }) => id) } };
  },
});

const getKept = endpoint({
  method: 'get',
  path: '/api/reports/:id',
  operationId: 'getReport',
  summary: 'A report that is kept, with its figures and as text',
  tag,
  roles,
  params: KeptPath,
  replies: { 200: { description: 'The report.', schema: KeptReply } },
  problems: ['not_found'],
  async handle({ core, caller, params }) {
    const report = await core.keptReports.find(caller.storeId, params.id);
    if (!report) throw new Problem('not_found', 'There is no such report.');
    const { text, data } = report;
    return { status: 200, body: { ...renderHead(report), text, data } };
  },
});

export const reportSurface: Surface = {
  spelling: 'camelCase',
  // Those with a name of their own before the one that takes any.
  endpoints: [
    getSummary,
    listProducts,
    getLevels,
    listUnusual,
    getAdvice,
    listSuppliers,
    listKept,
    getKept,
  ],
};

const asked = (query: { from?: number | undefined; to?: number | undefined }): AskedPeriod => ({
  from: query.from ?? null,
  to: query.to ?? null,
});

const times = ({ from, to }: Reported) => ({ from: iso(from), to: iso(to) });

/** A report, or what is wrong with the period as a problem of the query. */
async function reportedOn<T>(report: Promise<T>): Promise<T> {
  try {
    return await report;
  } catch (error) {
    if (!(error instanceof PeriodError)) throw error;
    throw new Problem('malformed_request', 'The query has fields that can not be accepted.', {
      facts: { errors: error.errors },
    });
  }
}

/** JSON, or the table of it as CSV, with the next page's cursor in a header. */
function reply(
  { query, prefersCsv }: { query: { format?: 'json' | 'csv' | undefined }; prefersCsv: boolean },
  body: object,
  table: () => Table,
  nextCursor: string | null = null,
): Reply {
  const isCsv = query.format === undefined ? prefersCsv : query.format === 'csv';
  if (!isCsv) return { status: 200, body, headers: { Vary: 'Accept' } };
  const next: Record<string, string> = nextCursor === null ? {} : { 'X-Next-Cursor': nextCursor };
  return csvReply(table(), next);
}

function renderHead(report: KeptReport): z.infer<typeof KeptHead> {
  const { id, kind, period, title, createdAt } = report;
  return { id, kind, period, title, createdAt: iso(createdAt) };
}
