import type { Instant } from '../domain/instant.js';
import {
  type KeptReport,
  REPORT_KINDS,
  type ReportKey,
  type ReportKind,
} from '../domain/kept-report.js';
import type { Connection } from './database.js';
import { instant, integer, oneOf, type Row, text } from './rows.js';
import { at, list } from './sql.js';

const COLUMNS = 'id, store_id, kind, period, body, created_at';

/** Keeps a report where there is none of its store, kind and period yet; false where there is. */
export async function saveReport(
  connection: Connection,
  { id, storeId, kind, period, title, text, data }: Omit<KeptReport, 'createdAt'>,
): Promise<boolean> {
  const { quote, dialect } = connection;
  const body = JSON.stringify({ title, text, data });
  const values = list(quote, [id, storeId, kind, period, body]).slice(0, -1);
  await connection.run(
    `${dialect.insertIgnore} INTO reports (${COLUMNS}) VALUES ${values}, ${dialect.now})`,
  );
  const rows = await connection.select(`SELECT 1 FROM reports WHERE id = ${quote(id)}`);
  return rows.length > 0;
}

export async function findReport(
  connection: Connection,
  key: ReportKey | { readonly storeId: number; readonly id: string },
): Promise<KeptReport | null> {
  const { quote } = connection;
  const one =
    'id' in key
      ? `id = ${quote(key.id)}`
      : `kind = '${key.kind}' AND period = ${quote(key.period)}`;
  const [row] = await connection.select(
    `SELECT ${COLUMNS} FROM reports WHERE store_id = ${key.storeId} AND ${one}`,
  );
  return row ? rowToReport(row) : null;
}

/** A store's reports, newest first, below the id `before`; null: of all kinds. */
export async function listReports(
  connection: Connection,
  query: { storeId: number; kind: ReportKind | null; before: string | null; limit: number },
): Promise<KeptReport[]> {
  const { quote } = connection;
  const conditions = [`store_id = ${query.storeId}`];
  if (query.kind !== null) conditions.push(`kind = '${query.kind}'`);
  if (query.before !== null) conditions.push(`id < ${quote(query.before)}`);
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM reports WHERE ${conditions.join(' AND ')} ` +
      `ORDER BY id DESC LIMIT ${query.limit}`,
  );
  return rows.map(rowToReport);
}

/** Stores that a report is still to be made for, in order of id, after `after`. */
export async function listStoresWithout(
  connection: Connection,
  report: Omit<ReportKey, 'storeId'>,
  page: { after: number; limit: number },
  /** so old has a store to be at least; null: as young as may be */
  madeBefore: Instant | null,
): Promise<number[]> {
  const { quote } = connection;
  const isOld = madeBefore === null ? '' : ` AND s.created_at < ${quote(at(madeBefore))}`;
  const rows = await connection.select(
    `SELECT s.id FROM stores s WHERE s.id > ${page.after}${isOld} AND NOT EXISTS (` +
      `SELECT 1 FROM reports r WHERE r.store_id = s.id AND r.kind = '${report.kind}' ` +
      `AND r.period = ${quote(report.period)}) ORDER BY s.id LIMIT ${page.limit}`,
  );
  return rows.map((row) => integer(row, 'id'));
}

/** Removes kept reports and counts of refusals that are older than so many days. */
export async function purgeReports(connection: Connection, days: number): Promise<void> {
  const { hoursAgo } = connection.dialect;
  await connection.run(`DELETE FROM reports WHERE created_at < ${hoursAgo(days * 24)}`);
  const [row] = await connection.select(`SELECT ${hoursAgo(days * 24)} AS since`);
  if (!row) return;
  const hour = Math.floor(instant(row, 'since') / 3_600_000);
  await connection.run(`DELETE FROM refusals WHERE hour < ${hour}`);
}

function rowToReport(row: Row): KeptReport {
  const body: unknown = JSON.parse(text(row, 'body'));
  if (!isBody(body)) throw new Error(`report ${text(row, 'id')} can not be read`);
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    kind: oneOf(row, 'kind', REPORT_KINDS),
    period: text(row, 'period'),
    createdAt: instant(row, 'created_at'),
    ...body,
  };
}

function isBody(body: unknown): body is { title: string; text: string; data: unknown } {
  return typeof body === 'object' && body !== null && 'title' in body && 'text' in body;
}
