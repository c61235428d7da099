import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { EventMessage } from '../../src/events/told-event.js';

/** A request that a receiver got. */
export interface Received {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingMessage['headers'];
  /** as it came, which is what is signed */
  readonly raw: string;
  readonly event: EventMessage;
  readonly atMs: number;
}

/** Answers a request, or does not. */
export type Behaviour = (received: Received, response: ServerResponse) => void;

/** A receiver of webhooks: what it got, and how it answers on each path. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** what came on a path */
  on(path: string): Received[];
  /** how it answers there from now on; 204 where nothing is said */
  behave(path: string, behaviour: Behaviour): void;
  stop(): Promise<void>;
}

export const answer =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (_, response) =>
    response.writeHead(status, headers).end();

export const hang: Behaviour = () => {};

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const behaviours = new Map<string, Behaviour>();
  const server = createServer((request, response) => {
    let raw = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      raw += chunk;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      const one = {
        path,
        id: String(request.headers['webhook-id']),
        headers: request.headers,
        raw,
        event: JSON.parse(raw) as EventMessage,
        atMs: performance.now(),
      };
      received.push(one);
      (behaviours.get(path) ?? answer(204))(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    received,
    on: (path) => received.filter((one) => one.path === path),
    behave: (path, behaviour) => void behaviours.set(path, behaviour),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Checks a signature as a receiver does. Throws where it is not good. */
export function verify(secret: string, { raw, headers }: Received): unknown {
  const signed = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value)]),
  );
  return new Webhook(secret).verify(raw, signed);
}
