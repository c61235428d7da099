import { WebSocket } from 'ws';
import type { EventMessage } from '../../src/events/told-event.js';
import { tokenFor, type Who } from './service.js';

/** A client of the stream of events, and what it was sent. */
export interface EventListener {
  readonly events: EventMessage[];
  /** what it was sent that is no event, such as `{type: 'reload'}` */
  readonly notes: { readonly type: string }[];
  readonly ws: WebSocket;
  /** resolves with the code and the reason when it is closed */
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

/** Listens at a service; `headers` in place of a token of `who`. Throws where it is refused. */
export async function listen(
  url: string,
  options: { query?: string; who?: Partial<Who>; headers?: Record<string, string> } = {},
): Promise<EventListener> {
  const headers = options.headers ?? { Authorization: `Bearer ${await tokenFor(options.who)}` };
  const query = options.query === undefined ? '' : `?${options.query}`;
  const ws = new WebSocket(`${url.replace('http', 'ws')}/api/events${query}`, { headers });
  const events: EventMessage[] = [];
  const notes: { type: string }[] = [];
  ws.on('message', (data) => {
    const message = JSON.parse(String(data)) as EventMessage;
    if (message.id === undefined) notes.push(message);
    else events.push(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => reject(new Refused(response.statusCode ?? 0, body)));
    });
    ws.once('error', reject);
  });
  return { events, notes, ws, closed, close: () => ws.close() };
}

/** An upgrade that was answered with a problem. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, body: string) {
    super(`${status} ${body}`);
    this.status = status;
    this.code = (JSON.parse(body) as { code: string }).code;
  }
}
