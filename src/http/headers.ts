import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ExpectedVersions } from '../domain/command.js';
import type { IdempotencyKey } from '../domain/idempotency.js';
import type { Caller } from './caller.js';
import { Problem } from './problem.js';

const KEY_LENGTH_MAX = 200;

/** What makes two requests the same. */
interface RequestIdentity {
  readonly caller: Caller;
  readonly method: string;
  readonly path: string;
  readonly querystring: string;
  readonly body: Buffer;
}

/** Reads Idempotency-Key; null where there is none. Throws a Problem 400 where it is no key. */
export function idempotencyKey(
  headers: IncomingHttpHeaders,
  request: RequestIdentity,
): IdempotencyKey | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key.length < 1 || key.length > KEY_LENGTH_MAX) {
    throw new Problem(
      'malformed_request',
      `Idempotency-Key must have 1 to ${KEY_LENGTH_MAX} characters.`,
    );
  }
  const { caller, method, path, querystring, body } = request;
  return {
    keyHash: sha256(JSON.stringify([caller.storeId, caller.sub, key])),
    requestHash: sha256(`${method} ${path}?${querystring}\n`, body),
  };
}

/** Reads If-Match: null where any version will do. Throws a Problem 400 where it can't be read. */
export function expectedVersions(headers: IncomingHttpHeaders): ExpectedVersions {
  const value = headers['if-match']?.trim();
  if (value === undefined || value === '*') return null;
  if (!ENTITY_TAGS.test(value)) {
    throw new Problem('malformed_request', 'If-Match must be an ETag in quotes, like "3", or *.');
  }
  return [...value.matchAll(ENTITY_TAG)].map(([, weak, tag = '']) => {
    // If-Match compares strongly, and there is no version like a weak or a foreign tag.
    const isOurs = weak === undefined && /^\d{1,15}$/.test(tag);
    return isOurs ? Number(tag) : NO_VERSION;
  });
}

const ENTITY_TAG = /(W\/)?"([^"]*)"/g;
/** A tag may hold a comma, so the list can't be split at them. */
const ENTITY_TAGS = /^(W\/)?"[^"]*"(\s*,\s*(W\/)?"[^"]*")*$/;
const NO_VERSION = -1;

function sha256(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
