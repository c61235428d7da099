import { setMaxListeners } from 'node:events';
import type { Send } from '../core.js';
import type { KeptWebhookEndpoint } from '../domain/webhook-endpoint.js';
import { type LeasedLoop, startLeasedLoop } from '../events/leased-loop.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import {
  type AttemptMade,
  type DueDelivery,
  type DueLane,
  readDueLanes,
  readLane,
} from '../persistence/webhook-deliveries.js';
import { listEnabledEndpoints } from '../persistence/webhook-endpoints.js';
import { AttemptLog } from './attempt-log.js';
import type { Posted, Poster } from './post.js';
import { signedHeaders } from './secret.js';

export interface SenderOptions {
  /** s to wait after each attempt that failed; with none left the delivery is given up */
  readonly retrySeconds: readonly number[];
  /** requests at once to one endpoint */
  readonly endpointMax: number;
  /** requests at once in all */
  readonly inFlightMax: number;
  readonly leaseSeconds: number;
  readonly userAgent: string;
}

export const SENDER: Omit<SenderOptions, 'retrySeconds' | 'userAgent'> = {
  endpointMax: 8,
  inFlightMax: 256,
  leaseSeconds: 6,
};

export interface SenderObserver {
  /** after each attempt */
  attempted(attempt: { isTaken: boolean; seconds: number }): void;
  /** a delivery is over */
  ended(outcome: 'delivered' | 'given_up'): void;
  endpointDisabled(reason: 'gone' | 'failing'): void;
}

/** between looks where nobody says that there is something */
const POLL_MS = 250;
/** between looks while there is something to send */
const PACE_MS = 25;
/** deliveries of a lane that are read at once, and for how long they are worked on */
const LANE_DELIVERIES = 20;
const LANE_MS = 5_000;
/** how much longer than the schedule says a retry may wait, so that not all come at once */
const JITTER = 0.2;
/** for requests under way when the service stops */
const LAST_ANSWERS_MS = 700;

/**
 * Sends what is due. One after another for each lane (the events of a product) of an endpoint, so
 * that a receiver gets them in order: what failed holds up what comes after it there, and nothing
 * else. An endpoint that fails is tried with one request at a time.
 *
 * One copy of the service does it, under a lease. What was under way when its process died is sent
 * again: it was not written down.
 */
export function startWebhookSender(
  options: SenderOptions,
  parts: {
    database: Database;
    send: Send;
    poster: Poster;
    log: Logger;
    observer: SenderObserver;
  },
): LeasedLoop {
  const { database, send, poster, log, observer } = parts;
  const attempts = new AttemptLog(database);
  const stopping = new AbortController();
  setMaxListeners(options.inFlightMax, stopping.signal);
  /** lanes that are worked on, by endpoint */
  const busy = new Map<string, Set<number>>();
  const working = new Set<Promise<void>>();
  let stopped = false;

  const turn = async (): Promise<number> => {
    const endpoints = await listEnabledEndpoints(database);
    const room = options.inFlightMax - working.size;
    const free = endpoints.flatMap((endpoint) => {
      const lanes = [...(busy.get(endpoint.id) ?? [])];
      const max = endpoint.failingSince === null ? options.endpointMax : 1;
      const limit = max - lanes.length;
      return limit > 0 ? [{ id: endpoint.id, busy: lanes, limit }] : [];
    });
    if (free.length === 0 || room <= 0) return POLL_MS;
    const due = await readDueLanes(database, free);
    const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    for (const lane of inTurn(due).slice(0, room)) {
      const endpoint = byId.get(lane.endpointId);
      if (endpoint && !stopped) start(endpoint, lane);
    }
    if (due.length === 0) return POLL_MS;
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    return POLL_MS;
  };

  const start = (endpoint: KeptWebhookEndpoint, lane: DueLane) => {
    const lanes = busy.get(endpoint.id) ?? new Set();
    busy.set(endpoint.id, lanes.add(lane.lane));
    const work = workOn(endpoint, lane)
      .catch((error: unknown) => {
        // It stays as it was, so it is sent again.
        log.warn({ err: error, endpoint_id: endpoint.id }, 'a webhook could not be written down');
      })
      .finally(() => {
        working.delete(work);
        lanes.delete(lane.lane);
        if (lanes.size === 0) busy.delete(endpoint.id);
        loop.nudge();
      });
    working.add(work);
  };

  const workOn = async (endpoint: KeptWebhookEndpoint, lane: DueLane) => {
    // What an endpoint is may change meanwhile, so a lane is not worked on for long.
    const untilMs = performance.now() + LANE_MS;
    for (const delivery of await readLane(database, lane, LANE_DELIVERIES)) {
      if (stopped || performance.now() > untilMs) return;
      const isTaken = await deliver(endpoint, delivery);
      if (!isTaken) return;
    }
  };

  /** Returns whether the next one may follow. */
  const deliver = async (endpoint: KeptWebhookEndpoint, delivery: DueDelivery) => {
    const { eventId, payload: body } = delivery;
    const posted = await poster.post(endpoint.url, {
      body,
      signal: stopping.signal,
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': options.userAgent,
        ...signedHeaders({ id: String(eventId), body }, endpoint),
      },
    });
    // What was cut off here says nothing of the receiver.
    if (stopping.signal.aborted) return false;
    const isTaken = posted.error === null;
    observer.attempted({ isTaken, seconds: posted.durationMs / 1000 });
    const made = outcomeOf(delivery, posted, options.retrySeconds);
    await attempts.write({ ...made, endpointId: endpoint.id, succeeded: isTaken });
    if (made.state === 'delivered') observer.ended('delivered');
    if (made.state === 'failed') {
      observer.ended('given_up');
      await disable(endpoint, posted.status === GONE ? 'gone' : 'failing');
    }
    return isTaken;
  };

  /** Switches the endpoint off, where the rules say so. */
  const disable = async ({ id, storeId, url }: KeptWebhookEndpoint, reason: 'gone' | 'failing') => {
    const { outcome } = await send({
      kind: 'disable_webhook_endpoint',
      id: newId(),
      storeId,
      actor: 'webhooks',
      idempotency: null,
      endpointId: id,
      url,
      reason,
    });
    if (!outcome.ok || !outcome.value.disabled) return;
    observer.endpointDisabled(reason);
    log.warn({ store_id: storeId, endpoint_id: id, reason }, 'a webhook endpoint was switched off');
  };

  const loop = startLeasedLoop(
    { name: 'webhook-sender', leaseSeconds: options.leaseSeconds, turn },
    { database, log },
  );

  return {
    nudge: () => loop.nudge(),
    async stop() {
      stopped = true;
      const abort = setTimeout(() => stopping.abort(), LAST_ANSWERS_MS);
      await loop.stop();
      await Promise.all(working);
      clearTimeout(abort);
      poster.close();
    },
  };
}

const GONE = 410;

function outcomeOf(
  { id, attempts }: DueDelivery,
  { status, error, durationMs }: Posted,
  retrySeconds: readonly number[],
): AttemptMade {
  const made = {
    deliveryId: id,
    attempts: attempts + 1,
    responseStatus: status,
    error,
    durationMs,
    nextInSeconds: null,
  };
  if (error === null) return { ...made, state: 'delivered' };
  const seconds = status === GONE ? undefined : retrySeconds[attempts];
  if (seconds === undefined) return { ...made, state: 'failed' };
  return { ...made, state: 'pending', nextInSeconds: seconds * (1 + Math.random() * JITTER) };
}

/** The lanes of all endpoints in turn: the first of each, then the second of each, … */
function inTurn(lanes: readonly DueLane[]): DueLane[] {
  const places = new Map<string, number>();
  return lanes
    .map((lane) => {
      const place = places.get(lane.endpointId) ?? 0;
      places.set(lane.endpointId, place + 1);
      return { lane, place };
    })
    .sort((a, b) => a.place - b.place)
    .map(({ lane }) => lane);
}
