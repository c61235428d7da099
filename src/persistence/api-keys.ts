import { type ApiKey, type NewApiKey, ROLES } from '../domain/api-key.js';
import type { Instant } from '../domain/instant.js';
import type { Connection } from './database.js';
import { instant, integer, oneOf, type Row, text } from './rows.js';
import { at, list, tuples } from './sql.js';

const COLUMNS = 'id, store_id, name, role, created_at';

/** A key that is not revoked, with the hash of its secret, for whoever has to check one. */
export type KeyWithHash = ApiKey & { readonly secretHash: string };

function rowToApiKey(row: Row): ApiKey {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    name: text(row, 'name'),
    role: oneOf(row, 'role', ROLES),
    createdAt: instant(row, 'created_at'),
  };
}

/** Locks keys that are not revoked, until the transaction ends. */
export async function lockApiKeys(
  connection: Connection,
  ids: readonly string[],
): Promise<ApiKey[]> {
  if (ids.length === 0) return [];
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM api_keys WHERE id IN ${list(connection.quote, ids)} ` +
      `AND revoked_at IS NULL ORDER BY id${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToApiKey);
}

export async function insertApiKeys(
  connection: Connection,
  keys: readonly (ApiKey & NewApiKey)[],
): Promise<void> {
  if (keys.length === 0) return;
  const rows = keys.map((key) => [
    key.id,
    key.storeId,
    key.name,
    key.role,
    at(key.createdAt),
    key.secretHash,
  ]);
  await connection.run(
    `INSERT INTO api_keys (${COLUMNS}, secret_hash) VALUES ${tuples(connection.quote, rows)}`,
  );
}

export async function revokeApiKeys(
  connection: Connection,
  ids: readonly string[],
  now: Instant,
): Promise<void> {
  if (ids.length === 0) return;
  await connection.run(
    `UPDATE api_keys SET revoked_at = ${connection.quote(at(now))} ` +
      `WHERE id IN ${list(connection.quote, ids)}`,
  );
}

/** The keys with these ids that are not revoked. */
export async function findApiKeys(
  connection: Connection,
  ids: readonly string[],
): Promise<KeyWithHash[]> {
  const rows = await connection.select(
    `SELECT ${COLUMNS}, secret_hash FROM api_keys ` +
      `WHERE id IN ${list(connection.quote, ids)} AND revoked_at IS NULL`,
  );
  return rows.map((row) => ({ ...rowToApiKey(row), secretHash: text(row, 'secret_hash') }));
}

/** A store's keys that are not revoked, newest first, below the id `before`. */
export async function listApiKeys(
  connection: Connection,
  query: { storeId: number; before: string | null; limit: number },
): Promise<ApiKey[]> {
  const below = query.before === null ? '' : `AND id < ${connection.quote(query.before)} `;
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM api_keys WHERE store_id = ${query.storeId} AND revoked_at IS NULL ` +
      `${below}ORDER BY id DESC LIMIT ${query.limit}`,
  );
  return rows.map(rowToApiKey);
}
