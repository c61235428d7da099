import {
  DELIVERY_STATES,
  type DeliveryState,
  type WebhookDelivery,
} from '../domain/webhook-endpoint.js';
import type { Connection } from './database.js';
import { instant, integer, nullable, oneOf, type Row, text } from './rows.js';
import { at, list, slices, UNION_MAX } from './sql.js';

const COLUMNS =
  'id, store_id, endpoint_id, event_id, type, state, attempts, next_attempt_at, attempted_at, ' +
  'response_status, error, duration_ms, created_at';
/** A payload has a kilobyte or two. */
const INSERTED_AT_ONCE = 500;
const ERROR_LENGTH_MAX = 500;

/** An event that is to be delivered. */
export interface NewDelivery {
  readonly id: string;
  readonly storeId: number;
  readonly endpointId: string;
  readonly eventId: number;
  readonly type: string;
  readonly productId: number | null;
  readonly payload: string;
}

/** What is to be sent now. */
export interface DueDelivery {
  readonly id: string;
  readonly eventId: number;
  readonly payload: string;
  readonly attempts: number;
}

/** A lane of an endpoint whose first delivery is due. */
export interface DueLane {
  readonly endpointId: string;
  readonly lane: number;
}

/** What became of an attempt. */
export interface AttemptMade {
  readonly deliveryId: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** s until the next one; null where there is none */
  readonly nextInSeconds: number | null;
  readonly responseStatus: number | null;
  readonly error: string | null;
  readonly durationMs: number;
}

function rowToDelivery(row: Row): WebhookDelivery {
  return {
    id: text(row, 'id'),
    storeId: integer(row, 'store_id'),
    endpointId: text(row, 'endpoint_id'),
    eventId: integer(row, 'event_id'),
    type: text(row, 'type'),
    state: oneOf(row, 'state', DELIVERY_STATES),
    attempts: integer(row, 'attempts'),
    nextAttemptAt: nullable(instant, row, 'next_attempt_at'),
    attemptedAt: nullable(instant, row, 'attempted_at'),
    responseStatus: nullable(integer, row, 'response_status'),
    error: nullable(text, row, 'error'),
    durationMs: nullable(integer, row, 'duration_ms'),
    createdAt: instant(row, 'created_at'),
  };
}

/** Writes deliveries, due at once. One that is there already stays as it is. */
export async function insertDeliveries(
  connection: Connection,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  const { quote, dialect } = connection;
  for (const some of slices(deliveries, INSERTED_AT_ONCE)) {
    const rows = some.map((delivery) => {
      const { id, storeId, endpointId, eventId, type, productId, payload } = delivery;
      const values = list(quote, [id, storeId, endpointId, eventId, type, productId ?? 0, payload]);
      return `${values.slice(0, -1)},'pending',0,${dialect.now},${dialect.now})`;
    });
    await connection.run(
      `${dialect.insertIgnore} INTO webhook_deliveries (id, store_id, endpoint_id, event_id, type, ` +
        `lane, payload, state, attempts, next_attempt_at, created_at) VALUES ${rows.join(',')}`,
    );
  }
}

/** The first delivery of each lane of an endpoint that is not over. */
const heads = (endpointId: string, except: readonly number[] = []) =>
  'SELECT MIN(event_id) AS event_id FROM webhook_deliveries ' +
  `WHERE endpoint_id = ${endpointId} AND state = 'pending' ` +
  `${except.length > 0 ? `AND lane NOT IN (${except.join(',')}) ` : ''}GROUP BY lane`;

/**
 * Lanes that have something to send now, those that wait longest first: of each endpoint at most
 * `limit`, and none of those that it is busy with. What comes after one that is not due waits for it.
 */
export async function readDueLanes(
  connection: Connection,
  endpoints: readonly { id: string; busy: readonly number[]; limit: number }[],
): Promise<DueLane[]> {
  const { quote, dialect } = connection;
  const found: DueLane[] = [];
  for (const some of slices(endpoints, UNION_MAX)) {
    const queries = some.map(({ id, busy, limit }) => {
      const endpoint = quote(id);
      return (
        'SELECT * FROM (SELECT d.endpoint_id, d.lane ' +
        `FROM (${heads(endpoint, busy)}) AS h ` +
        `JOIN webhook_deliveries d ON d.endpoint_id = ${endpoint} AND d.event_id = h.event_id ` +
        `WHERE d.next_attempt_at <= ${dialect.now} ` +
        `ORDER BY d.next_attempt_at, d.event_id LIMIT ${limit}) AS due`
      );
    });
    for (const row of await connection.select(queries.join(' UNION ALL '))) {
      found.push({ endpointId: text(row, 'endpoint_id'), lane: integer(row, 'lane') });
    }
  }
  return found;
}

/** The first deliveries of a lane in order, up to the first that is not due. */
export async function readLane(
  connection: Connection,
  { endpointId, lane }: DueLane,
  limit: number,
): Promise<DueDelivery[]> {
  const { quote, dialect } = connection;
  const rows = await connection.select(
    `SELECT id, event_id, payload, attempts, next_attempt_at, ${dialect.now} AS now ` +
      `FROM webhook_deliveries WHERE endpoint_id = ${quote(endpointId)} AND state = 'pending' ` +
      `AND lane = ${lane} ORDER BY event_id LIMIT ${limit}`,
  );
  const notDue = rows.findIndex((row) => instant(row, 'next_attempt_at') > instant(row, 'now'));
  return (notDue < 0 ? rows : rows.slice(0, notDue)).map((row) => ({
    id: text(row, 'id'),
    eventId: integer(row, 'event_id'),
    payload: text(row, 'payload'),
    attempts: integer(row, 'attempts'),
  }));
}

export async function saveAttempt(connection: Connection, made: AttemptMade): Promise<void> {
  const { quote, dialect } = connection;
  const { deliveryId, state, attempts, nextInSeconds, responseStatus, error, durationMs } = made;
  const next = nextInSeconds === null ? 'NULL' : dialect.inSeconds(nextInSeconds);
  await connection.run(
    `UPDATE webhook_deliveries SET state = ${quote(state)}, attempts = ${attempts}, ` +
      `next_attempt_at = ${next}, attempted_at = ${dialect.now}, ` +
      `response_status = ${quote(responseStatus)}, ` +
      `error = ${quote(error?.slice(0, ERROR_LENGTH_MAX) ?? null)}, duration_ms = ${Math.round(durationMs)} ` +
      `WHERE id = ${quote(deliveryId)}`,
  );
}

/** Locks deliveries until the transaction ends. */
export async function lockWebhookDeliveries(
  connection: Connection,
  ids: readonly string[],
): Promise<WebhookDelivery[]> {
  if (ids.length === 0) return [];
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_deliveries WHERE id IN ${list(connection.quote, ids)} ` +
      `ORDER BY id${connection.dialect.forUpdate}`,
  );
  return rows.map(rowToDelivery);
}

/** Writes that deliveries, which are locked, are to be sent anew. */
export async function saveRetriedDeliveries(
  connection: Connection,
  deliveries: readonly WebhookDelivery[],
): Promise<void> {
  const { quote } = connection;
  for (const { id, state, attempts, nextAttemptAt } of deliveries) {
    await connection.run(
      `UPDATE webhook_deliveries SET state = ${quote(state)}, attempts = ${attempts}, ` +
        `next_attempt_at = ${quote(at(nextAttemptAt))} WHERE id = ${quote(id)}`,
    );
  }
}

/** An endpoint's deliveries, newest event first, below the event `before`. */
export async function listWebhookDeliveries(
  connection: Connection,
  query: {
    storeId: number;
    endpointId: string;
    state: DeliveryState | null;
    before: number | null;
    limit: number;
  },
): Promise<WebhookDelivery[]> {
  const { quote } = connection;
  const { storeId, endpointId, state, before, limit } = query;
  const rows = await connection.select(
    `SELECT ${COLUMNS} FROM webhook_deliveries WHERE endpoint_id = ${quote(endpointId)} ` +
      `AND store_id = ${storeId} ${state === null ? '' : `AND state = ${quote(state)} `}` +
      `${before === null ? '' : `AND event_id < ${before} `}ORDER BY event_id DESC LIMIT ${limit}`,
  );
  return rows.map(rowToDelivery);
}

/** For how many s the delivery is due that is due longest, of endpoints that are sent to; 0: none is. */
export async function oldestDueSeconds(
  connection: Connection,
  endpointIds: readonly string[],
): Promise<number> {
  const { quote, dialect } = connection;
  let oldest = 0;
  for (const some of slices(endpointIds, UNION_MAX)) {
    const queries = some.map(
      (id) =>
        `SELECT MIN(d.next_attempt_at) AS due, ${dialect.now} AS now FROM (${heads(quote(id))}) AS h ` +
        `JOIN webhook_deliveries d ON d.endpoint_id = ${quote(id)} AND d.event_id = h.event_id`,
    );
    for (const row of await connection.select(queries.join(' UNION ALL '))) {
      const due = nullable(instant, row, 'due');
      if (due !== null) oldest = Math.max(oldest, (instant(row, 'now') - due) / 1000);
    }
  }
  return oldest;
}
