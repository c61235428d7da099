import type { Database, Session } from './database.js';

const PROBE_BYTES = 256 * 1024;

/**
 * Commits a row of some size and then its removal. Throws a DatabaseFault where the database takes
 * no writes. What a crash leaves behind is an idempotency record past its time, and goes with those.
 */
export async function writeProbe(database: Database): Promise<void> {
  const { now } = database.dialect;
  const remove = "DELETE FROM idempotency_keys WHERE key_hash = 'write-probe'";
  await inTransaction(database, async (session) => {
    await session.run(remove);
    await session.run(
      'INSERT INTO idempotency_keys ' +
        '(key_hash, request_hash, store_id, command_id, outcome, created_at, expires_at) ' +
        `VALUES ('write-probe', '', 0, '', '${' '.repeat(PROBE_BYTES)}', ${now}, ${now})`,
    );
  });
  await inTransaction(database, (session) => session.run(remove));
}

async function inTransaction(
  database: Database,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await database.begin();
  try {
    await work(session);
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
}
