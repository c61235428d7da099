import type { Instant } from './instant.js';

export const REPORT_KINDS = ['low_stock', 'reconciliation', 'stock_review'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** What identifies a report that is kept: there is one of each kind, store and period. */
export interface ReportKey {
  readonly storeId: number;
  readonly kind: ReportKind;
  /** a day, a week or a month: 2026-11-21, 2026-W47, 2026-11 */
  readonly period: string;
}

/** A report as it was made; nothing changes it any more. */
export interface KeptReport extends ReportKey {
  /** UUIDv7 */
  readonly id: string;
  readonly createdAt: Instant;
  /** one line: the subject of a mail */
  readonly title: string;
  /** the whole of it in plain text: the body of a mail */
  readonly text: string;
  /** its figures, as they are told */
  readonly data: unknown;
}
