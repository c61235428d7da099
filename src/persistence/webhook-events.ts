import type { Instant } from '../domain/instant.js';
import type { ReceivedEvent } from '../domain/payment-news.js';
import type { Connection } from './database.js';
import { text } from './rows.js';
import { at, list, slices, tuples } from './sql.js';

/** Which of these messages came before. Read under the lock of the order that they are for. */
export async function readKnownEvents(
  connection: Connection,
  ids: readonly string[],
): Promise<string[]> {
  const known: string[] = [];
  for (const some of slices(ids)) {
    const rows = await connection.select(
      `SELECT id FROM webhook_events WHERE id IN ${list(connection.quote, some)}`,
    );
    for (const row of rows) known.push(text(row, 'id'));
  }
  return known;
}

/** Keeps messages. One that another copy kept meanwhile clashes, and the batch runs again. */
export async function insertWebhookEvents(
  connection: Connection,
  events: readonly (ReceivedEvent & { readonly createdAt: Instant })[],
): Promise<void> {
  for (const some of slices(events)) {
    const rows = some.map(({ id, type, orderId, outcome, createdAt }) => [
      id,
      type,
      orderId,
      outcome,
      at(createdAt),
    ]);
    await connection.run(
      'INSERT INTO webhook_events (id, type, order_id, outcome, created_at) ' +
        `VALUES ${tuples(connection.quote, rows)}`,
    );
  }
}
