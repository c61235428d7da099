import { integer } from '../../src/persistence/rows.js';
import { ScriptError } from '../lib/script.js';
import { open } from './databases.js';

/**
 * Looks in the tables whether the law held: each product's counters are the sums of its ledger, its
 * rented units are those of its active rentals, and there is a rental for each that was answered
 * for. Throws a ScriptError where it did not.
 */
export async function checkLaw(url: string, answered: number): Promise<void> {
  const database = open(url);
  try {
    const [broken] = await database.select(
      'SELECT COUNT(*) AS products FROM products p ' +
        'LEFT JOIN (SELECT product_id, SUM(quantity_delta) AS quantity, ' +
        'SUM(quantity_available_delta) AS available, SUM(quantity_rented_delta) AS rented ' +
        'FROM movements GROUP BY product_id) m ON m.product_id = p.id ' +
        "LEFT JOIN (SELECT product_id, SUM(quantity) AS units FROM rentals WHERE status = 'active' " +
        'GROUP BY product_id) r ON r.product_id = p.id ' +
        'WHERE p.quantity <> COALESCE(m.quantity, 0) OR p.quantity_available <> COALESCE(m.available, 0) ' +
        'OR p.quantity_rented <> COALESCE(m.rented, 0) OR p.quantity_rented <> COALESCE(r.units, 0)',
    );
    const [kept] = await database.select('SELECT COUNT(*) AS rentals FROM rentals');
    const products = broken ? integer(broken, 'products') : 0;
    const rentals = kept ? integer(kept, 'rentals') : 0;
    if (products > 0) throw new ScriptError(`The law is broken in ${products} products.`);
    if (rentals < answered) {
      throw new ScriptError(
        `${answered} rentals were answered for, and only ${rentals} are there.`,
      );
    }
  } finally {
    await database.close();
  }
}
