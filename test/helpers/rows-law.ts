import type { Database } from '../../src/persistence/database.js';

const COUNTERS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
] as const;

/** What is wrong with the counters of all products, held against their rows; empty where nothing is. */
export async function breachesInRows(rows: Database): Promise<string[]> {
  const sums = COUNTERS.map(
    (name) =>
      `(SELECT SUM(m.${name}_delta) FROM movements m WHERE m.product_id = p.id) AS ${name}_moved`,
  );
  const products = await rows.select(
    `SELECT p.*, ${sums.join(', ')}, ` +
      '(SELECT COALESCE(SUM(quantity), 0) FROM rentals r WHERE r.product_id = p.id ' +
      "AND r.status = 'active') AS out_units, " +
      '(SELECT COALESCE(SUM(quantity), 0) FROM reservations r WHERE r.product_id = p.id ' +
      "AND r.status = 'reserved') AS held_units, " +
      '(SELECT COUNT(*) FROM movements m WHERE m.product_id = p.id AND ' +
      '(m.quantity_available < 0 OR m.quantity_reserved < 0 OR m.quantity_rented < 0)) AS oversold ' +
      'FROM products p',
  );
  return products.flatMap((row) => {
    const of = (name: string) => Number(row[name]);
    const wrong: string[] = [];
    const check = (what: string, is: number, should: number) => {
      if (is !== should)
        wrong.push(`product ${row['id']}: ${what} is ${is} and should be ${should}`);
    };
    const sum = of('quantity_available') + of('quantity_reserved') + of('quantity_rented');
    check('quantity', of('quantity'), sum);
    check('quantity_rented', of('quantity_rented'), of('out_units'));
    check('quantity_reserved', of('quantity_reserved'), of('held_units'));
    for (const name of COUNTERS) check(name, of(name), of(`${name}_moved`));
    check('lines below zero', of('oversold'), 0);
    return wrong;
  });
}
