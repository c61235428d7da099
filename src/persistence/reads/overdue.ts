import type { Connection } from '../database.js';
import { integer, text } from '../rows.js';

/** A rental that is past its end. */
export interface OverdueRental {
  readonly id: string;
  readonly storeId: number;
  readonly productId: number;
}

/** Active rentals past their end of which that was not told yet, over all stores: some of them. */
export async function listUntoldOverdue(
  connection: Connection,
  options: { limit: number; except: readonly string[] },
): Promise<OverdueRental[]> {
  const { dialect, quote } = connection;
  const except = options.except.map((id) => quote(id)).join(',');
  // Store by store, since each has its place in the index.
  const rows = await connection.select(
    'SELECT r.id, r.store_id, r.product_id FROM stores s JOIN rentals r ON r.store_id = s.id ' +
      `AND r.status = 'active' AND r.ends_at < ${dialect.now} AND r.overdue_at IS NULL ` +
      (except === '' ? '' : `WHERE r.id NOT IN (${except}) `) +
      `LIMIT ${options.limit}`,
  );
  return rows.map((row) => ({
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    productId: integer(row, 'product_id'),
  }));
}
