import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { messageOf } from '../../src/system-error.js';
import { ScriptError } from './script.js';

/** An answer of the service. */
export interface ServiceAnswer {
  readonly status: number;
  /** the parsed body */
  readonly body: unknown;
}

/** Speaks to a running service over its REST interface. */
export interface ServiceClient {
  /**
   * Sends a request until it is answered. Where the service is overloaded or away (429, 503, no
   * connection) it waits as long as Retry-After says, and sends it again; a POST bears an
   * Idempotency-Key, so that a repeat does nothing twice. Throws a ScriptError where there is no
   * answer after a minute.
   */
  get(path: string): Promise<ServiceAnswer>;
  post(path: string, body: object | null, idempotencyKey: string): Promise<ServiceAnswer>;
  /** requests that had to be sent again so far */
  readonly repeats: number;
  close(): void;
}

const GIVE_UP_AFTER_MS = 60_000;
const ANSWER_TIMEOUT_MS = 30_000;
const PAUSE_MS = 250;
const PAUSE_MAX_MS = 10_000;

/** `connections` are kept open at most. `url` is where the service listens: `http://host:port`. */
export function serviceClient(options: {
  url: string;
  token: string;
  connections: number;
}): ServiceClient {
  const base = new URL(options.url);
  const secure = base.protocol === 'https:';
  // node:http rather than fetch, which costs four times as much of this process per request.
  const agent = new (secure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: options.connections,
  });
  const send = secure ? httpsRequest : httpRequest;
  const prefix = base.pathname.replace(/\/$/, '');
  let repeats = 0;

  function once(method: string, path: string, body: string | null, key: string | null) {
    const headers: Record<string, string | number> = { Authorization: `Bearer ${options.token}` };
    if (key !== null) headers['Idempotency-Key'] = key;
    if (body !== null) {
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = Buffer.byteLength(body);
    }
    const target: RequestOptions = {
      agent,
      method,
      headers,
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      path: `${prefix}${path}`,
      timeout: ANSWER_TIMEOUT_MS,
    };
    return new Promise<ServiceAnswer & { retryAfter: string | undefined }>((resolve, reject) => {
      const request = send(target, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: parsed(text),
            retryAfter: response.headers['retry-after'],
          });
        });
      });
      request.on('error', reject);
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.end(body ?? undefined);
    });
  }

  async function untilAnswered(
    method: string,
    path: string,
    body: object | null,
    key: string | null,
  ): Promise<ServiceAnswer> {
    const text = body === null ? null : JSON.stringify(body);
    const giveUpAtMs = performance.now() + GIVE_UP_AFTER_MS;
    for (;;) {
      let pauseMs = PAUSE_MS;
      let why: string;
      try {
        const answer = await once(method, path, text, key);
        if (answer.status !== 503 && answer.status !== 429) return answer;
        pauseMs = retryAfterMs(answer.retryAfter);
        why = `it answers ${answer.status}`;
      } catch (error) {
        why = messageOf(error);
      }
      if (performance.now() + pauseMs > giveUpAtMs) {
        throw new ScriptError(`The service at ${base.origin} could not be reached: ${why}.`);
      }
      repeats++;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  return {
    get: (path) => untilAnswered('GET', path, null, null),
    post: (path, body, key) => untilAnswered('POST', path, body, key),
    get repeats() {
      return repeats;
    },
    close: () => agent.destroy(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An answer that is no JSON is not the service's own.
    return text;
  }
}

/** `Retry-After` in seconds, with jitter upwards so that those who wait do not come all at once. */
function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header);
  const ms = header === undefined || !Number.isFinite(seconds) ? PAUSE_MS : seconds * 1000;
  return Math.min(PAUSE_MAX_MS, ms) * (1 + Math.random() / 4);
}
