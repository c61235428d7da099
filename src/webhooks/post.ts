import { promises as dns, type LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { addressIn, isPublicAddress, wrongWithUrl } from './addresses.js';

/** What became of a request. */
export interface Posted {
  /** null where there was no answer */
  readonly status: number | null;
  /** null where the answer was 2xx */
  readonly error: string | null;
  /** ms that it took */
  readonly durationMs: number;
}

export interface PostOptions {
  /** whether private addresses, and http, may be sent to */
  readonly allowPrivate: boolean;
  /** ms for a request, from looking its host up to the head of its answer */
  readonly timeoutMs: number;
  /** Resolves a host's addresses; given in tests only. */
  readonly resolve?: (host: string) => Promise<LookupAddress[]>;
}

export interface Poster {
  /** Sends a body. Never rejects; where `signal` is aborted there was no answer. */
  post(
    url: string,
    request: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal },
  ): Promise<Posted>;
  /** Closes connections that nobody uses. */
  close(): void;
}

/** What is read of an answer, so that its connection can be used again; it says nothing to us. */
const ANSWER_BYTES_MAX = 4 * 1024;
const ANSWER_MS_MAX = 2_000;
const IDLE_CONNECTION_MS = 15_000;
/** to one host */
const IDLE_CONNECTIONS_MAX = 8;

class PrivateAddress extends Error {
  constructor() {
    super('the host has a private address');
    this.name = 'PrivateAddress';
  }
}

/**
 * Sends requests to addresses that others chose. An address is checked when it is connected to, and
 * the checked one is what is connected to: what a host's name led to before does not count. No
 * redirect is followed.
 */
export function createPoster(options: PostOptions): Poster {
  const { allowPrivate, timeoutMs } = options;
  const resolve = options.resolve ?? ((host: string) => dns.lookup(host, { all: true }));
  const agentOptions = {
    keepAlive: true,
    timeout: IDLE_CONNECTION_MS,
    maxFreeSockets: IDLE_CONNECTIONS_MAX,
  };
  const agents = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) };

  const lookup: LookupFunction = (host, how, done) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        const isPrivate = addresses.some(({ address }) => !isPublicAddress(address));
        if (!first) done(new Error('the host has no address'), '');
        else if (isPrivate && !allowPrivate) done(new PrivateAddress(), '');
        else if (how.all) done(null, addresses);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };

  /** Rejects where there is no answer. */
  const send: (...args: Parameters<Poster['post']>) => Promise<number> = (
    text,
    { headers, body, signal },
  ) =>
    new Promise((answered, reject) => {
      const wrong = wrongWithUrl(text, { allowPrivate });
      if (wrong !== null) return reject(new Error(`the URL ${wrong}`));
      const url = new URL(text);
      const address = addressIn(url);
      // An address that stands in the URL itself is never looked up.
      if (!allowPrivate && address !== null && !isPublicAddress(address)) {
        return reject(new PrivateAddress());
      }
      const isHttps = url.protocol === 'https:';
      const request = (isHttps ? https : http).request(url, {
        method: 'POST',
        agent: isHttps ? agents.https : agents.http,
        lookup,
        signal,
        headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      });
      request.on('error', reject);
      request.once('response', (response) => {
        drop(response);
        answered(response.statusCode ?? 0);
      });
      request.end(body);
    });

  return {
    async post(url, { headers, body, signal }) {
      const sentMs = performance.now();
      const request = new AbortController();
      const abort = () => request.abort();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        abort();
      }, timeoutMs);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      const outcome = await send(url, {
        headers,
        body,
        signal: request.signal,
      }).then(
        (status) => {
          const isTaken = status >= 200 && status < 300;
          return { status, error: isTaken ? null : `answered ${status}` };
        },
        (error: unknown) => {
          const after = `no answer within ${timeoutMs / 1000} s`;
          return { status: null, error: isLate ? after : messageOf(error) };
        },
      );
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      return { ...outcome, durationMs: performance.now() - sentMs };
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Reads an answer away, as far as that is little and soon done. */
function drop(response: http.IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), ANSWER_MS_MAX);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) response.destroy();
  });
  // Whatever happens to it now: its status is known.
  response.on('error', () => {});
  response.once('close', () => clearTimeout(timer));
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses that were tried, each has its own.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return (inner instanceof Error ? inner.message : error.message) || error.name;
}
