import type { LinelessEvent } from '../domain/event.js';
import type { Connection } from './database.js';
import { at, slices, tuples } from './sql.js';

export async function insertEvents(
  connection: Connection,
  events: readonly LinelessEvent[],
): Promise<void> {
  for (const some of slices(events)) {
    const rows = some.map((event) => [
      event.storeId,
      event.type,
      event.productId,
      event.userId,
      JSON.stringify(event.data),
      event.commandId,
      at(event.createdAt),
    ]);
    await connection.run(
      'INSERT INTO events (store_id, type, product_id, user_id, data, command_id, created_at) ' +
        `VALUES ${tuples(connection.quote, rows)}`,
    );
  }
}
