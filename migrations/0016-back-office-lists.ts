import type { Connection } from '../src/persistence/database.js';
import {
  addColumn,
  addIndex,
  columnTypes,
  dropColumn,
  dropIndex,
} from '../src/persistence/tables.js';

/** What is searched and sorted by: a column, and the text that it is in small letters. */
const SEARCHED = [
  { column: 'search_sku', from: 'sku', length: 100, index: 'products_by_sku' },
  { column: 'search_name', from: 'name', length: 255, index: 'products_by_name' },
];

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  for (const { column, from, length, index } of SEARCHED) {
    await addColumn(connection, 'products', {
      name: column,
      type: type.computed(type.text(length), `LOWER(${from})`),
    });
    // a store's products with a status in order of SKU or of name, and those that begin with a text
    await addIndex(connection, 'products', {
      name: index,
      columns: `store_id, availability_status, ${column}, id`,
    });
  }
  // a store's reservations with a status, newest first
  await addIndex(connection, 'reservations', {
    name: 'reservations_of_store',
    columns: 'store_id, status, id',
  });
}

export async function down(connection: Connection): Promise<void> {
  await dropIndex(connection, 'reservations', 'reservations_of_store');
  for (const { column, index } of SEARCHED) {
    await dropIndex(connection, 'products', index);
    await dropColumn(connection, 'products', column);
  }
}
