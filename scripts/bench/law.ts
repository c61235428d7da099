import type { Database } from '../../src/persistence/database.js';
import { integer } from '../../src/persistence/rows.js';
import { ScriptError } from '../lib/script.js';
import { open } from './databases.js';

/**
 * Looks in the tables whether the law held: each product's counters are the sums of its ledger, its
 * rented units are those of its active rentals, its reserved ones those of its active holds, and
 * there is a row for each rental and each hold that was answered for. Throws a ScriptError where it
 * did not.
 */
export async function checkLaw(
  url: string,
  answered: { readonly rentals: number; readonly holds: number },
): Promise<void> {
  const database = open(url);
  try {
    const [broken] = await database.select(
      'SELECT COUNT(*) AS products FROM products p ' +
        'LEFT JOIN (SELECT product_id, SUM(quantity_delta) AS quantity, ' +
        'SUM(quantity_available_delta) AS available, SUM(quantity_reserved_delta) AS reserved, ' +
        'SUM(quantity_rented_delta) AS rented ' +
        'FROM movements GROUP BY product_id) m ON m.product_id = p.id ' +
        "LEFT JOIN (SELECT product_id, SUM(quantity) AS units FROM rentals WHERE status = 'active' " +
        'GROUP BY product_id) r ON r.product_id = p.id ' +
        'LEFT JOIN (SELECT product_id, SUM(quantity) AS units FROM reservations WHERE active = 1 ' +
        'GROUP BY product_id) h ON h.product_id = p.id ' +
        'WHERE p.quantity <> COALESCE(m.quantity, 0) OR p.quantity_available <> COALESCE(m.available, 0) ' +
        'OR p.quantity_rented <> COALESCE(m.rented, 0) OR p.quantity_rented <> COALESCE(r.units, 0) ' +
        'OR p.quantity_reserved <> COALESCE(m.reserved, 0) ' +
        'OR p.quantity_reserved <> COALESCE(h.units, 0)',
    );
    const products = broken ? integer(broken, 'products') : 0;
    if (products > 0) throw new ScriptError(`The law is broken in ${products} products.`);
    await checkCount(database, { table: 'rentals', what: 'rentals', answered: answered.rentals });
    await checkCount(database, { table: 'reservations', what: 'holds', answered: answered.holds });
  } finally {
    await database.close();
  }
}

async function checkCount(
  database: Database,
  { table, what, answered }: { table: string; what: string; answered: number },
): Promise<void> {
  const [row] = await database.select(`SELECT COUNT(*) AS kept FROM ${table}`);
  const kept = row ? integer(row, 'kept') : 0;
  if (kept >= answered) return;
  throw new ScriptError(`${answered} ${what} were answered for, and only ${kept} are there.`);
}
