import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { Feed } from '../../src/events/feed.js';
import type { ToldEvent } from '../../src/events/told-event.js';
import { Authenticator } from '../../src/http/auth.js';
import { EventClient, eventFilter, Frames, textFrame } from '../../src/http/events/event-client.js';
import { createEventSocket } from '../../src/http/events/event-socket.js';
import { createLogger } from '../../src/log.js';
import { createMetrics } from '../../src/metrics.js';
import { findApiKeys } from '../../src/persistence/api-keys.js';
import { listen } from '../helpers/event-listener.js';
import { IDLE } from '../helpers/gauges.js';
import { eventually } from '../helpers/recorder.js';
import { SECRET, type Service, startService, tokenFor } from '../helpers/service.js';

const log = createLogger('silent');
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function serve(upgrade: (...args: never[]) => void): Promise<string> {
  const server = createServer();
  servers.push(server);
  server.on('upgrade', upgrade as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a client that does not read', () => {
  it('is closed with a reason, and keeps little memory until then', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    let slow = 0;
    const made = new Promise<{ client: EventClient; socket: Duplex }>((resolve) => {
      void serve((request, socket: Duplex, head) =>
        sockets.handleUpgrade(request, socket as never, head, (ws) => {
          const caller = { sub: 'x', role: 'admin', storeId: 1 } as const;
          const filter = eventFilter(caller, { types: null, productId: null });
          const frames = new Frames();
          const tooSlow = () => slow++;
          resolve({
            socket,
            client: new EventClient({ ws, socket, filter, frames, sent: () => {}, tooSlow }),
          });
        }),
      ).then((url) => {
        const ws = new WebSocket(url.replace('http', 'ws'));
        ws.once('open', () => ws.pause());
        reader = ws;
      });
    });
    let reader: WebSocket | null = null;
    const { client, socket } = await made;
    const closed = new Promise((resolve) => reader?.once('close', resolve));
    let given = 0;
    while (client.isOpen && given < 2_000) {
      given++;
      client.take({ after: given - 1, last: given, events: [event(given, 'x'.repeat(50_000))] });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(client.isOpen).toBe(false);
    expect(slow).toBe(1);
    expect(socket.writableLength).toBeLessThan(400_000);
    (reader as WebSocket | null)?.resume();
    expect(await closed).toBe(1013);
  });

  it.each([0, 125, 126, 65_535, 65_536, 200_000])(
    'a text of %s bytes is framed as RFC 6455 says',
    async (length) => {
      const url = await serve((request, socket: Duplex, head) =>
        new WebSocketServer({ noServer: true }).handleUpgrade(
          request,
          socket as never,
          head,
          () => void socket.write(textFrame('é'.repeat(length / 2) + 'x'.repeat(length % 2))),
        ),
      );
      const ws = new WebSocket(url.replace('http', 'ws'));
      const text = await new Promise<string>((resolve) =>
        ws.once('message', (data) => resolve(String(data))),
      );
      expect(Buffer.byteLength(text)).toBe(length);
      ws.terminate();
    },
  );
});

function event(sequence: number, text: string): ToldEvent {
  const head = { sequence, type: 'drift.found', storeId: 1, productId: null } as const;
  const message = { id: String(sequence), type: head.type, storeId: 1, at: '', data: { text } };
  return { ...head, userId: null, message };
}

describe('clients that stay', () => {
  let service: Service;
  let url: string;
  beforeAll(async () => {
    service = await startService('sqlite');
    const socket = createEventSocket({
      core: service.app.core,
      authenticator: new Authenticator(
        { jwtSecret: SECRET, jwtJwksUrl: null, jwtIssuer: null, jwtAudience: null },
        async (id) => (await findApiKeys(service.rows, [id]))[0] ?? null,
      ),
      feed: new Feed({ database: service.rows, log, pollMs: () => 50 }),
      metrics: createMetrics(IDLE),
      log,
      ensureStore: async () => {},
      isStarted: () => true,
      isStopping: () => false,
      heartbeatMs: 150,
    });
    url = await serve(socket.upgrade);
  });
  afterAll(() => service.stop());

  it('answer pings, and are cut off where they do not', async () => {
    const headers = { Authorization: `Bearer ${await tokenFor()}` };
    const dead = new WebSocket(`${url.replace('http', 'ws')}/api/events`, {
      headers,
      autoPong: false,
    });
    const alive = await listen(url);
    const code = await new Promise((resolve) => dead.once('close', resolve));
    expect(code).toBe(1006);
    expect(alive.ws.readyState).toBe(WebSocket.OPEN);
    alive.close();
  });

  it('with an API key, until that is revoked', async () => {
    const admin = service.client();
    const { body } = await admin.post('/api/api-keys', { name: 'till', role: 'service' });
    const listener = await listen(url, { headers: { 'X-Api-Key': body.key } });
    await admin.delete(`/api/api-keys/${body.id}`);
    expect(await listener.closed).toEqual({ code: 4001, reason: 'The API key was revoked.' });
  });
});

describe('a copy that stops', () => {
  it('tells its clients to go elsewhere, and stops', async () => {
    const service = await startService('sqlite');
    const listener = await listen(service.url);
    await service.client().post('/api/products', { sku: 'A', name: 'A', quantity: 1 });
    await eventually('it is told', () => listener.events.length > 0);
    const startedMs = performance.now();
    await service.stop();
    expect(await listener.closed).toEqual({ code: 1001, reason: 'This copy is shutting down.' });
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });
});
