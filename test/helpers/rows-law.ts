import { AVAILABILITY_STATUSES } from '../../machines/product.js';
import type { Database } from '../../src/persistence/database.js';
import { integer, oneOf, type Row, text } from '../../src/persistence/rows.js';
import { breachesOf } from './law.js';

const COUNTERS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
] as const;

/** What each counter has to be, by the other tables. */
const SUMS: readonly [sum: string, counter: (typeof COUNTERS)[number], query: string][] = [
  ['holds', 'quantity_reserved', 'SUM(quantity), 0) FROM reservations WHERE active = 1 AND'],
  ['rentals', 'quantity_rented', "SUM(quantity), 0) FROM rentals WHERE status = 'active' AND"],
  ...COUNTERS.map((name): [string, typeof name, string] => [
    `ledger_${name}`,
    name,
    `SUM(${name}_delta), 0) FROM movements WHERE`,
  ]),
];

/** What is wrong in the rows of the products, by the law of the design; empty where it holds. */
export async function breachesInRows(rows: Database): Promise<string[]> {
  const sums = SUMS.map(
    ([name, , query]) => `(SELECT COALESCE(${query} product_id = products.id) AS ${name}`,
  );
  const products = await rows.select(`SELECT products.*, ${sums.join(', ')} FROM products`);
  return products.flatMap((row) =>
    [...breachesOf(productOf(row)), ...differences(row)].map(
      (breach) => `${text(row, 'sku')}: ${breach}`,
    ),
  );
}

function differences(row: Row): string[] {
  return SUMS.filter(([name, counter]) => integer(row, name) !== integer(row, counter)).map(
    ([name, counter]) =>
      `${counter} is ${integer(row, counter)}, and by ${name} it is ${integer(row, name)}`,
  );
}

function productOf(row: Row) {
  return {
    quantity: integer(row, 'quantity'),
    quantityAvailable: integer(row, 'quantity_available'),
    quantityReserved: integer(row, 'quantity_reserved'),
    quantityRented: integer(row, 'quantity_rented'),
    availabilityStatus: oneOf(row, 'availability_status', AVAILABILITY_STATUSES),
  };
}
