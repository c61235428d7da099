import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { hashSecret } from '../../api-keys.js';
import type { Core } from '../../core.js';
import type { Feed } from '../../events/feed.js';
import type { Logger } from '../../log.js';
import type { Metrics } from '../../metrics.js';
import type { Authenticator } from '../auth.js';
import type { Caller } from '../caller.js';
import { EVENTS_PATH } from '../node-server.js';
import { Problem, problemOf } from '../problem.js';
import { toProblem } from '../server.js';
import { validate } from '../validation.js';
import { EventClient, eventFilter, Frames, GOING_AWAY, SIGNED_OUT } from './event-client.js';
import { EventsQuery } from './schemas.js';

export interface EventSocketParts {
  readonly core: Core;
  readonly authenticator: Authenticator;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** resolves once the store is known to exist */
  ensureStore(storeId: number): Promise<void>;
  isStarted(): boolean;
  isStopping(): boolean;
  /** ms between the pings that a client has to answer; given in tests only */
  readonly heartbeatMs?: number;
}

/** The stream of events at `GET /api/events`. */
export interface EventSocket {
  /** Takes an upgrade of the HTTP server, or answers it with a problem. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes all clients, so that they find another copy. Resolves once they are gone. */
  close(): Promise<void>;
}

/** Clients send nothing but answers to pings. */
const MESSAGE_BYTES_MAX = 1_024;
const HEARTBEAT_MS = 25_000;
/** Upgrades that are looked at at once; the clients are bounded by MAX_CONNECTIONS. */
const UPGRADES_MAX = 1_000;
const UPGRADE_WITHIN_MS = 10_000;
const CLOSE_WITHIN_MS = 1_000;
/** What all clients together may leave unread, in bytes. */
const UNREAD_IN_ALL_MAX = 128 * 1024 * 1024;
/** A timer can't be set for longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createEventSocket(parts: EventSocketParts): EventSocket {
  const { core, authenticator, feed, metrics, log } = parts;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  const frames = new Frames();
  const clients = new Map<EventClient, Caller>();
  let upgrading = 0;
  let isClosed = false;

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { caller, query } = await signIn(request);
    const productId = query.productId === undefined ? null : await idOf(caller, query.productId);
    // From here on nothing is awaited until it is a client.
    if (isClosed) throw unavailable('This copy is shutting down.');
    if (socket.destroyed) return;
    socket.off('error', hangUp);
    server.handleUpgrade(request, socket, head, (ws) => {
      const client = new EventClient({
        ws,
        socket,
        filter: eventFilter(caller, { types: query.types ?? null, productId }),
        frames,
        sent: (events) => metrics.eventsSent.inc(events),
        tooSlow: () => metrics.slowClients.inc(),
      });
      clients.set(client, caller);
      metrics.eventClients.set(clients.size);
      const stopTimer = closeWhenSignedOut(client, caller);
      ws.once('close', () => {
        stopTimer();
        feed.leave(client);
        clients.delete(client);
        metrics.eventClients.set(clients.size);
      });
      follow(client, query.since).catch((error: unknown) => {
        log.warn({ err: error }, 'a client of the events could not be served');
        client.close(1011, 'Events can not be read just now. Come back with ?since=.');
      });
    });
  }

  async function signIn(
    request: IncomingMessage,
  ): Promise<{ caller: Caller; query: ReturnType<typeof parse> }> {
    if (!parts.isStarted()) throw unavailable('The service is still starting.');
    if (parts.isStopping()) throw unavailable('This copy is shutting down.');
    const given = queryOf(request);
    const ticket = given['ticket'];
    const caller =
      ticket === undefined
        ? await authenticator.authenticate(request.headers)
        : await byTicket(ticket);
    const query = parse(given);
    await parts.ensureStore(caller.storeId);
    return { caller, query };
  }

  const parse = (given: Record<string, string>) => validate(EventsQuery, given, 'query');

  async function byTicket(ticket: string): Promise<Caller> {
    const found = await core.redeemEventTicket(hashSecret(ticket));
    if (!found) {
      throw new Problem(
        'unauthenticated',
        'The ticket is not known, was used, or has expired. POST /api/events/ticket gives a new one.',
        { headers: { 'WWW-Authenticate': 'Bearer' } },
      );
    }
    const { sub, role, storeId, signedInUntil } = found;
    return { sub, role, storeId, signedInUntilMs: signedInUntil };
  }

  async function idOf(caller: Caller, ref: string | number): Promise<number> {
    const product = await core.products.find(caller.storeId, ref);
    if (!product) throw problemOf({ code: 'product_not_found' });
    return product.id;
  }

  /** First what was missed, then what comes: each event once. */
  async function follow(client: EventClient, since: number | undefined): Promise<void> {
    let after = since ?? (await feed.lastSequence());
    while (client.isOpen) {
      const round = await feed.read(after, (head) => client.wants(head));
      if (!round) {
        client.tell({ type: 'reload' });
        after = await feed.lastSequence();
        continue;
      }
      client.take(round);
      await client.hasRead();
      after = round.last;
      // Where nothing is left to read it is as far as those that listen, or further.
      if (round.last === round.after && client.isOpen && feed.join(client, after)) return;
    }
  }

  function closeWhenSignedOut(client: EventClient, { signedInUntilMs }: Caller): () => void {
    if (signedInUntilMs === null) return () => {};
    const leftMs = Math.min(TIMER_MS_MAX, Math.max(0, signedInUntilMs - Date.now()));
    const timer = setTimeout(() => client.close(SIGNED_OUT, 'The token has expired.'), leftMs);
    return () => clearTimeout(timer);
  }

  /** Ends clients that are gone without having said so, or whose key was revoked. */
  function heartbeat(): void {
    let unread = 0;
    for (const [client, caller] of clients) {
      unread += client.unread;
      if (!client.isAlive || unread > UNREAD_IN_ALL_MAX) {
        client.terminate();
        continue;
      }
      client.ping();
      if (caller.signedInUntilMs === null) void closeWhereRevoked(client, caller);
    }
  }

  async function closeWhereRevoked(client: EventClient, { sub }: Caller): Promise<void> {
    try {
      const isKnown = await authenticator.knowsApiKey(sub.slice('key:'.length));
      if (!isKnown) client.close(SIGNED_OUT, 'The API key was revoked.');
    } catch (error) {
      log.debug({ err: error }, 'an API key could not be looked up; it is at the next heartbeat');
    }
  }
  const timer = setInterval(heartbeat, parts.heartbeatMs ?? HEARTBEAT_MS);
  timer.unref();

  return {
    upgrade(request, socket, head) {
      // A client that goes away meanwhile is nobody's error.
      socket.on('error', hangUp);
      if (upgrading >= UPGRADES_MAX) {
        refuse(socket, request, unavailable('Too many clients connect just now.'), EVENTS_PATH);
        return;
      }
      upgrading++;
      const tooLate = setTimeout(() => socket.destroy(), UPGRADE_WITHIN_MS);
      upgrade(request, socket, head)
        .catch((error: unknown) => {
          const asked = { method: request.method ?? 'GET', path: EVENTS_PATH };
          const { problem, instance } = toProblem(error, asked, log);
          refuse(socket, request, problem, instance);
        })
        .finally(() => {
          upgrading--;
          clearTimeout(tooLate);
        });
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      for (const client of clients.keys()) {
        client.close(GOING_AWAY, 'This copy is shutting down.', CLOSE_WITHIN_MS);
      }
      const deadlineMs = performance.now() + 2 * CLOSE_WITHIN_MS;
      while (clients.size > 0 && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

function hangUp(this: Duplex): void {
  this.destroy();
}

const unavailable = (detail: string) =>
  new Problem('overloaded', detail, { headers: { 'Retry-After': '1' } });

/** Each parameter once: a list where one value is meant is an error of the caller. */
function queryOf({ url = '' }: IncomingMessage): Record<string, string> {
  const text = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  const entries = [...new URLSearchParams(text)];
  const names = new Set(entries.map(([name]) => name));
  if (names.size < entries.length) {
    throw new Problem('malformed_request', 'The query names a parameter more than once.');
  }
  return Object.fromEntries(entries);
}

/** Answers a request that does not become a WebSocket, and hangs up. */
function refuse(
  socket: Duplex,
  request: IncomingMessage,
  problem: Problem,
  instance: string,
): void {
  const body = JSON.stringify(problem.body(instance, 'camelCase'));
  const headers = {
    Connection: 'close',
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...problem.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = problem;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`;
  socket.end(request.method === 'HEAD' ? head : head + body, () => socket.destroy());
}
