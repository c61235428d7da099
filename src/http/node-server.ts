import { createServer, IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem } from './problem.js';

export interface NodeServerOptions {
  readonly maxConnections: number;
  /** longest time for a request to arrive, headers and body */
  readonly requestTimeoutSeconds: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
const SLOW_SENDERS_CHECK_MS = 2_000;

/** Where an upgrade is taken: anywhere else it is a request like any other. */
export const EVENTS_PATH = '/api/events';

/**
 * A server that takes one kind of upgrade would get to see all of them, and who merely offers HTTP/2
 * (as some clients do with each first request) would get no answer. Node asks for `upgrade` once the
 * headers are read.
 */
class Request extends IncomingMessage {
  static {
    Object.defineProperty(Request.prototype, 'upgrade', {
      get(this: Request): boolean {
        const { connection = '', upgrade = '' } = this.headers;
        const isWebSocket = /\bupgrade\b/i.test(connection) && /^websocket$/i.test(upgrade);
        return isWebSocket && this.url?.split('?')[0] === EVENTS_PATH;
      },
      // Node says what it has found; what counts is above.
      set() {},
    });
  }
}

/** Node's HTTP server with every limit set, not listening yet. */
export function createNodeServer(listener: RequestListener, options: NodeServerOptions): Server {
  const requestTimeout = options.requestTimeoutSeconds * 1000;
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
      keepAliveTimeout: KEEP_ALIVE_MS,
      IncomingMessage: Request,
      connectionsCheckingInterval: Math.min(SLOW_SENDERS_CHECK_MS, requestTimeout / 4),
    },
    listener,
  );
  server.maxConnections = options.maxConnections;
  server.on('clientError', answerClientError);
  return server;
}

/** Answers what is no HTTP, or came too slowly, so that it never became a request; then hangs up. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  socket.end(isSlow ? TOO_SLOW : unreadable(error.code), () => socket.destroy());
}

const TOO_SLOW = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

function unreadable(code: string | undefined): string {
  const detail =
    code === 'HPE_HEADER_OVERFLOW'
      ? 'The headers, or the URL, are too long.'
      : 'This is no HTTP request that can be read.';
  const body = JSON.stringify(new Problem('malformed_request', detail).body('about:blank'));
  return (
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n' +
    `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
