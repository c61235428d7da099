import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import { parse } from 'secure-json-parse';
import { Problem } from './problem.js';

/** Bodies of most routes, in bytes. */
export const BODY_BYTES_MAX = 256 * 1024;
/** Bodies of routes that take a list, in bytes. */
export const LIST_BODY_BYTES_MAX = 1024 * 1024;

export interface Body {
  /** as it came */
  readonly bytes: Buffer;
  /** undefined where there was no body */
  readonly json: unknown;
}

export const NO_BODY: Body = { bytes: Buffer.alloc(0), json: undefined };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON body. Throws a Problem: 415 for another type, charset or encoding, 413 where it is
 * longer than `bytesMax`, 400 where it is no JSON, or JSON that reaches for prototypes.
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Body> {
  const { headers } = request;
  const isEmpty = headers['transfer-encoding'] === undefined && !Number(headers['content-length']);
  if (isEmpty) return NO_BODY;
  checkContentType(headers['content-type']);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', 'The body must not be compressed.');
  }
  const bytes = await receive(request, bytesMax);
  if (bytes.length === 0) return NO_BODY;
  return { bytes, json: parseJson(bytes) };
}

/** Reads a body as it came, whatever it is. Throws a Problem 413 where it is longer. */
export function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return receive(request, bytesMax);
}

function checkContentType(contentType: string | undefined): void {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
  const isJson = type.trim() === 'application/json';
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (!isJson || !isUtf8) {
    throw new Problem(
      'unsupported_media_type',
      'The body must be sent as Content-Type: application/json, in UTF-8.',
    );
  }
}

async function receive(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  try {
    return await getRawBody(request, {
      limit: bytesMax,
      length: request.headers['content-length'] ?? null,
    });
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'entity.too.large') {
      throw new Problem('body_too_large', `The body may have at most ${bytesMax} bytes.`, {
        // What is left of it is not read, so the connection is of no more use.
        headers: { Connection: 'close' },
      });
    }
    throw new Problem('malformed_request', 'The body did not arrive whole.', {
      headers: { Connection: 'close' },
      cause: error,
    });
  }
}

function parseJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (error) {
    throw new Problem('malformed_json', 'The body is no valid UTF-8.', { cause: error });
  }
  try {
    return parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem('malformed_json', `The body is no JSON that can be accepted: ${reason}.`, {
      cause: error,
    });
  }
}
