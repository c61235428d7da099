import type { Connection } from '../src/persistence/database.js';
import { addIndex, dropIndex } from '../src/persistence/tables.js';

/**
 * Lists of rentals of any status take the newest of each status from the indexes that have it, so
 * two indexes that every rental paid for are not needed.
 */
export async function up(connection: Connection): Promise<void> {
  await dropIndex(connection, 'rentals', 'rentals_of_store');
  await dropIndex(connection, 'rentals', 'rentals_of_product_newest');
}

export async function down(connection: Connection): Promise<void> {
  await addIndex(connection, 'rentals', { name: 'rentals_of_store', columns: 'store_id, id' });
  await addIndex(connection, 'rentals', {
    name: 'rentals_of_product_newest',
    columns: 'product_id, id',
  });
}
