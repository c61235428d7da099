import type { Outcome } from '../domain/command.js';
import type { IdempotencyRecord } from '../domain/idempotency.js';
import type { Instant } from '../domain/instant.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, type Row, text } from './rows.js';
import { at, list, tuples } from './sql.js';

const COLUMNS = 'key_hash, request_hash, store_id, command_id, outcome, created_at, expires_at';

/**
 * The database's time and the records of these keys, in one statement. It is sent once the locks
 * are had, so that the time is later than the wait for them.
 */
export async function readClockAndRecords(
  connection: Connection,
  keyHashes: readonly string[],
): Promise<{ now: Instant; records: IdempotencyRecord[] }> {
  const clock = `SELECT ${connection.dialect.now} AS now`;
  const sql =
    keyHashes.length === 0
      ? clock
      : `SELECT clock.now, ${COLUMNS} FROM (${clock}) AS clock LEFT JOIN idempotency_keys ` +
        `ON key_hash IN ${list(connection.quote, keyHashes)}`;
  const rows = await connection.select(sql);
  const [first] = rows;
  if (!first) throw new Error('the database did not tell the time');
  return {
    now: instant(first, 'now'),
    records: rows.filter((row) => nullable(text, row, 'key_hash') !== null).map(rowToRecord),
  };
}

export async function insertRecords(
  connection: Connection,
  records: readonly IdempotencyRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map((record) => [
    record.keyHash,
    record.requestHash,
    record.storeId,
    record.commandId,
    JSON.stringify(record.outcome),
    at(record.createdAt),
    at(record.expiresAt),
  ]);
  await connection.run(
    `INSERT INTO idempotency_keys (${COLUMNS}) VALUES ${tuples(connection.quote, rows)}`,
  );
}

/** Puts other answers into records that were written before, by key hash. */
export async function changeOutcomes(
  connection: Connection,
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<void> {
  const { quote } = connection;
  for (const [keyHash, outcome] of outcomes) {
    await connection.run(
      `UPDATE idempotency_keys SET outcome = ${quote(JSON.stringify(outcome))} ` +
        `WHERE key_hash = ${quote(keyHash)}`,
    );
  }
}

/**
 * Removes those of these records that are past their time. One that somebody replaced meanwhile
 * stays, and so its key clashes with what the batch wants to insert: the batch runs again.
 */
export async function deleteExpiredRecords(
  connection: Connection,
  keyHashes: readonly string[],
  now: Instant,
): Promise<void> {
  if (keyHashes.length === 0) return;
  await connection.run(
    `DELETE FROM idempotency_keys WHERE key_hash IN ${list(connection.quote, keyHashes)} ` +
      `AND expires_at <= ${connection.quote(at(now))}`,
  );
}

function rowToRecord(row: Row): IdempotencyRecord {
  return {
    keyHash: text(row, 'key_hash'),
    requestHash: text(row, 'request_hash'),
    storeId: integer(row, 'store_id'),
    commandId: text(row, 'command_id'),
    // Written by insertRecords from an Outcome, and by nothing else.
    outcome: JSON.parse(text(row, 'outcome')) as Outcome,
    createdAt: instant(row, 'created_at'),
    expiresAt: instant(row, 'expires_at'),
  };
}
