import type { Instant } from '../domain/instant.js';
import type { Connection } from './database.js';
import { hasLineOf } from './movements.js';
import { at } from './sql.js';

/** Leaves the mark of a batch that writes no ledger line. */
export async function markCommit(
  connection: Connection,
  commandId: string,
  now: Instant,
): Promise<void> {
  await connection.run(
    `INSERT INTO commits (command_id, created_at) VALUES (${connection.quote(commandId)}, ${connection.quote(at(now))})`,
  );
}

/** Whether the transaction that left this mark, in the ledger or in `commits`, was committed. */
export async function wasCommitted(connection: Connection, commandId: string): Promise<boolean> {
  const rows = await connection.select(
    `SELECT 1 FROM commits WHERE command_id = ${connection.quote(commandId)}`,
  );
  return rows.length > 0 || (await hasLineOf(connection, commandId));
}
