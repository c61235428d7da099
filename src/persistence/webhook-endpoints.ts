import { DISABLED_REASONS, type KeptWebhookEndpoint } from '../domain/webhook-endpoint.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, tuples, type Value } from './sql.js';

const COLUMNS =
  'id, store_id, url, events, secret, previous_secret, previous_secret_until, disabled_reason, ' +
  'failing_since, created_at, updated_at';

function rowToEndpoint(row: Row): KeptWebhookEndpoint {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    url: text(row, 'url'),
    // Written by valuesOf, and by nothing else.
    events: JSON.parse(text(row, 'events')) as string[],
    secret: text(row, 'secret'),
    previousSecret: nullable(text, row, 'previous_secret'),
    previousSecretUntil: nullable(instant, row, 'previous_secret_until'),
    disabledReason: nullable(
      (reasons, column) => oneOf(reasons, column, DISABLED_REASONS),
      row,
      'disabled_reason',
    ),
    failingSince: nullable(instant, row, 'failing_since'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
  };
}

function valuesOf(endpoint: KeptWebhookEndpoint): Value[] {
  return [
    endpoint.id,
    endpoint.storeId,
    endpoint.url,
    JSON.stringify(endpoint.events),
    endpoint.secret,
    endpoint.previousSecret,
    at(endpoint.previousSecretUntil),
    endpoint.disabledReason,
    at(endpoint.failingSince),
    at(endpoint.createdAt),
    at(endpoint.updatedAt),
  ];
}

/** Locks endpoints until the transaction ends. */
export async function lockWebhookEndpoints(
  connection: Connection,
  ids: readonly string[],
): Promise<KeptWebhookEndpoint[]> {
  if (ids.length === 0) return [];
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_endpoints WHERE id IN ${list(connection.quote, ids)} ` +
      `ORDER BY id${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToEndpoint);
}

/** Counts the endpoints of stores, whose rows it locks until the transaction ends. */
export async function countEndpointsOfStores(
  connection: Connection,
  storeIds: readonly number[],
): Promise<{ storeId: number; endpoints: number }[]> {
  if (storeIds.length === 0) return [];
  const ids = list(connection.quote, storeIds);
  await connection.select(
    `SELECT id FROM stores WHERE id IN ${ids} ORDER BY id${connection.dialect.forUpdate}`,
  );
  const rows = await connection.select(
    `SELECT store_id, COUNT(*) AS endpoints FROM webhook_endpoints WHERE store_id IN ${ids} ` +
      'GROUP BY store_id',
  );
  const counts = new Map(rows.map((row) => [integer(row, 'store_id'), integer(row, 'endpoints')]));
  return storeIds.map((storeId) => ({ storeId, endpoints: counts.get(storeId) ?? 0 }));
}

export async function insertWebhookEndpoints(
  connection: Connection,
  endpoints: readonly KeptWebhookEndpoint[],
): Promise<void> {
  if (endpoints.length === 0) return;
  const values = tuples(connection.quote, endpoints.map(valuesOf));
  await connection.run(`INSERT INTO webhook_endpoints (${COLUMNS}) VALUES ${values}`);
}

/** Writes what commands changed of endpoints that are locked. */
export async function saveWebhookEndpoints(
  connection: Connection,
  endpoints: readonly KeptWebhookEndpoint[],
): Promise<void> {
  const columns = COLUMNS.split(', ');
  const { quote } = connection;
  for (const endpoint of endpoints) {
    const values = valuesOf(endpoint);
    const changes = columns.map((column, n) => `${column} = ${quote(values[n] ?? null)}`).slice(1);
    await connection.run(
      `UPDATE webhook_endpoints SET ${changes.join(', ')} WHERE id = ${quote(endpoint.id)}`,
    );
  }
}

export async function deleteWebhookEndpoints(
  connection: Connection,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await connection.run(`DELETE FROM webhook_endpoints WHERE id IN ${list(connection.quote, ids)}`);
}

/** All that are enabled, of all stores. */
export async function listEnabledEndpoints(connection: Connection): Promise<KeptWebhookEndpoint[]> {
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_endpoints WHERE disabled_reason IS NULL ORDER BY id`,
  );
  return rows.map(rowToEndpoint);
}

export async function findWebhookEndpoint(
  connection: Connection,
  { storeId, id }: { storeId: number; id: string },
): Promise<KeptWebhookEndpoint | null> {
  const [row] = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_endpoints ` +
      `WHERE id = ${connection.quote(id)} AND store_id = ${storeId}`,
  );
  return row ? rowToEndpoint(row) : null;
}

/** A store's endpoints, newest first, below the id `before`. */
export async function listWebhookEndpoints(
  connection: Connection,
  query: { storeId: number; before: string | null; limit: number },
): Promise<KeptWebhookEndpoint[]> {
  const below = query.before === null ? '' : `AND id < ${connection.quote(query.before)} `;
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_endpoints WHERE store_id = ${query.storeId} ` +
      `${below}ORDER BY id DESC LIMIT ${query.limit}`,
  );
  return rows.map(rowToEndpoint);
}

/** Notes whether the last attempt succeeded, where that changes something. */
export async function noteAttempt(
  connection: Connection,
  { endpointId, succeeded }: { endpointId: string; succeeded: boolean },
): Promise<void> {
  const { quote, dialect } = connection;
  const [value, where] = succeeded ? ['NULL', 'IS NOT NULL'] : [dialect.now, 'IS NULL'];
  await connection.run(
    `UPDATE webhook_endpoints SET failing_since = ${value} ` +
      `WHERE id = ${quote(endpointId)} AND failing_since ${where}`,
  );
}

/** How many endpoints there are in each state. */
export async function countWebhookEndpoints(
  connection: Connection,
): Promise<{ enabled: number; failing: number; disabled: number }> {
  const [row] = await connection.select(
    'SELECT COUNT(*) AS total, COUNT(disabled_reason) AS disabled, ' +
      'COUNT(CASE WHEN disabled_reason IS NULL AND failing_since IS NOT NULL THEN 1 END) AS failing ' +
      'FROM webhook_endpoints',
  );
  const read = (column: string) => (row ? integer(row, column) : 0);
  const [total, disabled, failing] = [read('total'), read('disabled'), read('failing')];
  return { enabled: total - disabled - failing, failing, disabled };
}
