import type { Database } from '../../src/persistence/database.js';
import { at, tuples } from '../../src/persistence/sql.js';
import type { Line } from './naive-totals.js';

/** Writes products with ledgers of the past straight into the tables, in order of time. */
export async function insertLedgers(
  rows: Database,
  products: readonly { id: number; storeId: number; supplierEmail?: string; lines: Line[] }[],
): Promise<void> {
  const { quote, dialect } = rows;
  const now = at(Date.now());
  for (const storeId of new Set(products.map((product) => product.storeId))) {
    await rows.run(
      `${dialect.insertIgnore} INTO stores (id, created_at) VALUES (${storeId}, ${quote(now)})`,
    );
  }
  for (const { id, storeId, lines, supplierEmail = null } of products) {
    const after = lines.at(-1)?.after;
    const told = lines.findLast(({ kind }) => /publish/.test(kind));
    const isDraft = told?.kind === 'unpublish';
    const free = after?.quantityAvailable ?? 0;
    const status = isDraft ? 'draft' : free > 0 ? 'available' : 'rented_out';
    await rows.run(
      'INSERT INTO products (id, store_id, sku, name, quantity, quantity_available, quantity_reserved, ' +
        'quantity_rented, availability_status, supplier_email, version, created_at, updated_at) VALUES ' +
        tuples(quote, [
          [
            ...[id, storeId, `P-${id}`, `Product ${id}`, after?.quantity ?? 0, free],
            ...[after?.quantityReserved ?? 0, after?.quantityRented ?? 0, status, supplierEmail],
            ...[1, now, now],
          ],
        ]),
    );
  }
  const all = products
    .flatMap(({ lines }) => lines)
    .sort((a, b) => a.createdAt - b.createdAt || a.id - b.id);
  for (let i = 0; i < all.length; i += 500) {
    const some = all.slice(i, i + 500);
    await rows.run(
      'INSERT INTO movements (store_id, product_id, command_id, kind, quantity_delta, ' +
        'quantity_available_delta, quantity_reserved_delta, quantity_rented_delta, quantity, ' +
        'quantity_available, quantity_reserved, quantity_rented, rental_id, reservation_id, ' +
        'order_id, reason, actor, created_at) VALUES ' +
        tuples(
          quote,
          some.map(({ storeId, productId, kind, delta, after, rentalId, createdAt }) => [
            ...[storeId, productId, 'c', kind, delta.quantity, delta.quantityAvailable],
            ...[delta.quantityReserved, delta.quantityRented, after.quantity],
            ...[after.quantityAvailable, after.quantityReserved, after.quantityRented],
            ...[rentalId, null, null, null, 'test', at(createdAt)],
          ]),
        ),
    );
  }
}
