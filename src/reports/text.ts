import { counted } from '../domain/counted.js';
import type { ReportContent } from './kept.js';

/** Reports as plain text, for mail and for reading. */

const ROWS_SHOWN = 50;

const NAMES: Record<ReportContent['kind'], string> = {
  low_stock: 'Low stock',
  reconciliation: 'Reconciliation and movements',
  stock_review: 'Stock advice and suppliers',
};

/** One line: what it is about, and the figure that matters most. */
export function reportTitle(report: ReportContent, period: string): string {
  return `${NAMES[report.kind]} ${period}: ${headline(report)}`;
}

function headline(report: ReportContent): string {
  switch (report.kind) {
    case 'low_stock':
      return `${products(report.lowProducts)} low, ${report.emptyProducts} of them empty`;
    case 'reconciliation':
      return `${report.productsDrifted} of ${products(report.productsLookedAt)} drifted, ${counted(report.unusual.length, 'unusual correction')}`;
    case 'stock_review': {
      const short = report.advice.filter(({ additionalUnits }) => additionalUnits > 0).length;
      return `${products(short)} short of units`;
    }
  }
}

/** The whole report, a line for each row; long lists are cut off, and it is said where. */
export function reportText(report: ReportContent, period: string): string {
  return `${[reportTitle(report, period), ...sections(report)].join('\n\n')}\n`;
}

function sections(report: ReportContent): string[] {
  switch (report.kind) {
    case 'low_stock':
      return [
        section(
          'Low',
          report.products,
          (row) =>
            `${row.sku}: ${row.quantityAvailable} of ${row.quantity} free (threshold ${row.threshold})${row.supplierEmail ? `, supplier ${row.supplierEmail}` : ''}`,
        ),
      ];
    case 'reconciliation': {
      const { movements } = report;
      return [
        report.syncRunId === null
          ? 'The dry run of sync could not be carried out.'
          : section(
              report.drifts.length === 0
                ? 'Drifted'
                : 'Drifted, and not repaired (this is what npm run sync-quantities would do)',
              report.drifts,
              (row) =>
                `product ${row.productId}: ${row.causes.join(', ').replaceAll('_', ' ')}; owned ${row.old.quantity} → ${row.new.quantity}, free ${row.old.quantityAvailable} → ${row.new.quantityAvailable}`,
            ),
        [
          'Movements',
          `  utilisation ${percent(movements.utilisation)}, turnover ${movements.turnover ?? 'none'}`,
          `  rentals ${movements.rentals.begun.count}, returns ${movements.rentals.returned.count}, cancellations ${movements.rentals.cancelled.count}`,
          `  holds ${movements.holds.made.count}, converted ${movements.holds.converted.count}, lost ${movements.holds.lost.count}`,
          `  out of stock ${movements.outOfStockHours} product-hours, ${counted(movements.refused.outOfStock.requests + movements.refused.insufficientStock.requests, 'request')} refused for want of units`,
        ].join('\n'),
        section(
          'Busiest',
          report.busiest,
          (row) =>
            `${row.sku}: ${percent(row.utilisation)} out, ${counted(row.rentals.begun.count, 'rental')}`,
        ),
        section('Idlest', report.idlest, (row) => `${row.sku}: ${percent(row.utilisation)} out`),
        section(
          'Unusual corrections',
          report.unusual,
          (row) =>
            `${row.sku}: ${row.change > 0 ? '+' : ''}${row.change} by ${row.actor} (up to ${row.limit} is usual)${row.reason ? `, "${row.reason}"` : ''}`,
        ),
      ];
    }
    case 'stock_review':
      return [
        section(
          'Short of units',
          report.advice.filter(({ additionalUnits }) => additionalUnits > 0),
          (row) =>
            `${row.sku}: ${row.additionalUnits} more than ${row.quantity} would have avoided ${counted(row.refusedRequests, 'refusal')}`,
        ),
        section(
          'Never needed',
          report.advice.filter(({ neverNeeded }) => neverNeeded > 0),
          (row) => `${row.sku}: ${row.neverNeeded} of ${row.quantity}`,
        ),
        section(
          'Suppliers',
          report.suppliers,
          (row) =>
            `${row.supplierEmail}: ${row.averageHours === null ? 'no notice answered' : `${row.averageHours} h from notice to restock`}, ${row.waiting} waiting`,
        ),
      ];
  }
}

function section<Row>(name: string, rows: readonly Row[], line: (row: Row) => string): string {
  const shown = rows.slice(0, ROWS_SHOWN).map((row) => `  ${line(row)}`);
  const rest = rows.length - shown.length;
  if (rest > 0) shown.push(`  and ${rest} more`);
  return [name, ...(shown.length > 0 ? shown : ['  none'])].join('\n');
}

const products = (count: number) => counted(count, 'product');
const percent = (share: number | null) =>
  share === null ? 'none' : `${Math.round(share * 1000) / 10} %`;
