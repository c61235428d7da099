import type { Connection } from '../src/persistence/database.js';
import { addIndex, columnTypes, createTable, dropIndex } from '../src/persistence/tables.js';

/** Levels at the end of a day, and their integrals over time up to then (unit-milliseconds). */
const LEVELS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
  'published',
  'out_of_stock',
];
/** Counted from the beginning of the ledger to the end of the day. */
const FLOWS = [
  ...['rentals', 'rented_units', 'returns', 'returned_units', 'cancellations', 'cancelled_units'],
  ...['holds', 'held_units', 'conversions', 'converted_units', 'releases', 'released_units'],
  ...['expiries', 'expired_units', 'restocks', 'restocked_units'],
  ...['corrections', 'found_units', 'missing_units', 'repairs'],
  ...['low_notices', 'low_answers', 'low_wait_ms'],
];

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  const totals = [
    // when the first line was written
    `begun_ms ${type.integer} NOT NULL`,
    ...LEVELS.map((name) => `${name} ${type.integer} NOT NULL`),
    ...LEVELS.map((name) => `${name}_time ${type.real} NOT NULL`),
    ...FLOWS.map((name) => `${name} ${type.integer} NOT NULL`),
  ];
  await createTable(connection, {
    // what a product's ledger adds up to at the end of a day (days since 1970, UTC) on which it has a line
    name: 'product_days',
    columns: [
      `store_id ${type.id} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `day ${type.units} NOT NULL`,
      ...totals,
      `last_movement_id ${type.id} NOT NULL`,
      `least_free ${type.integer} NOT NULL`,
      `low_since_ms ${type.integer} NULL`,
    ],
    // a product's last day before another, and its days in a period
    constraints: ['PRIMARY KEY (store_id, product_id, day)'],
    indexes: {
      // the fewest units free in a period, answered from the index
      product_days_by_day: 'store_id, day, product_id, least_free',
    },
  });
  await createTable(connection, {
    // the sum over a store's products, at the end of each day on which one of them has a line
    name: 'store_days',
    columns: [`store_id ${type.id} NOT NULL`, `day ${type.units} NOT NULL`, ...totals],
    // a store's last day before another, and its days in a period
    constraints: ['PRIMARY KEY (store_id, day)'],
  });
  await createTable(connection, {
    // one row: the last day that is added up, for all products
    name: 'rollups',
    columns: [
      `id ${type.units} NOT NULL PRIMARY KEY`,
      `day ${type.units} NOT NULL`,
      // every line below it is in
      `next_movement_id ${type.id} NOT NULL`,
      `rolled_at ${type.instant} NOT NULL`,
    ],
  });
  await createTable(connection, {
    // requests that were refused for want of units, by the hour (hours since 1970, UTC)
    name: 'refusals',
    columns: [
      `id ${type.autoId}`,
      `store_id ${type.id} NOT NULL`,
      `hour ${type.units} NOT NULL`,
      `product_id ${type.id} NOT NULL`,
      `code ${type.word} NOT NULL`,
      `requests ${type.integer} NOT NULL`,
      `units_short ${type.integer} NOT NULL`,
    ],
    uniques: {
      // where a count is added to; a store's refusals of a period
      refusals_of_store: 'store_id, hour, product_id, code',
    },
    indexes: {
      // what is past its time
      refusals_by_age: 'hour',
    },
  });
  await createTable(connection, {
    name: 'reports',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `kind ${type.word} NOT NULL`,
      // the day, week or month that it is about: 2026-11-21, 2026-W47, 2026-11
      `period ${type.word} NOT NULL`,
      `body ${type.json} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    constraints: [
      "CONSTRAINT reports_kind CHECK (kind IN ('low_stock', 'reconciliation', 'stock_review'))",
    ],
    uniques: {
      // one of each kind and period
      reports_of_period: 'store_id, kind, period',
    },
    indexes: {
      // a store's reports, newest first
      reports_of_store: 'store_id, id',
      // what is past its time
      reports_by_age: 'created_at',
    },
  });
  // the drift found in a store in a period
  await addIndex(connection, 'sync_findings', {
    name: 'sync_findings_of_store',
    columns: 'store_id, created_at',
  });
}

export async function down(connection: Connection): Promise<void> {
  await dropIndex(connection, 'sync_findings', 'sync_findings_of_store');
  for (const table of ['reports', 'refusals', 'rollups', 'store_days', 'product_days']) {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}
