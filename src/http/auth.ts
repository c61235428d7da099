import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { hashSecret } from '../api-keys.js';
import { ROLES } from '../domain/api-key.js';
import type { KeyWithHash } from '../persistence/api-keys.js';
import type { Caller } from './caller.js';
import { Problem } from './problem.js';
import { foreignId } from './schemas.js';

export interface AuthOptions {
  readonly jwtSecret: string | null;
  readonly jwtJwksUrl: string | null;
  readonly jwtIssuer: string | null;
  readonly jwtAudience: string | null;
}

/** Who a token or key speaks for: like a Caller, with every store that it may use. */
interface Identity extends Omit<Caller, 'storeId'> {
  readonly storeIds: readonly number[];
  /** the one that is meant where no X-Store-Id is sent */
  readonly defaultStoreId: number | null;
}

type VerifyToken = (token: string) => Promise<JWTPayload>;

/** `<id>.<secret>`, as newApiKey makes them */
const API_KEY = /^([0-9a-f-]{36})\.([\w-]+)$/;

const REMEMBERED_TOKENS_MAX = 10_000;
/** A key that leaves the key set is trusted no longer than this. */
const REMEMBERED_TOKEN_MS = 5 * 60_000;
/** It names a user, so it is what a user's id may be anywhere else. */
const subject = foreignId;

/** Finds out who makes a request, from `Authorization: Bearer` or `X-Api-Key`. */
export class Authenticator {
  readonly #verify: VerifyToken;
  readonly #findApiKey: (id: string) => Promise<KeyWithHash | null>;
  /** verified tokens, so that a signature is not checked anew for each request */
  readonly #verified = new LRUCache<string, Identity & { signedInUntilMs: number }>({
    max: REMEMBERED_TOKENS_MAX,
    ttl: REMEMBERED_TOKEN_MS,
  });

  constructor(options: AuthOptions, findApiKey: (id: string) => Promise<KeyWithHash | null>) {
    this.#verify = tokenVerifier(options);
    this.#findApiKey = findApiKey;
  }

  /**
   * Throws a Problem: 401 where there is no valid token or key, 403 where it names no store or
   * another one than `X-Store-Id`, 400 where that header is no store id.
   */
  async authenticate(headers: IncomingHttpHeaders): Promise<Caller> {
    const identity = await this.#identify(headers);
    const { sub, role, signedInUntilMs } = identity;
    return { sub, role, storeId: storeOf(identity, headers), signedInUntilMs };
  }

  async #identify(headers: IncomingHttpHeaders): Promise<Identity> {
    const { authorization } = headers;
    const apiKey = headers['x-api-key'];
    if (authorization !== undefined) {
      const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      if (token === undefined) {
        throw unauthenticated('The Authorization header must be "Bearer <token>".');
      }
      return this.#byToken(token);
    }
    if (typeof apiKey === 'string') return this.#byApiKey(apiKey);
    throw unauthenticated('Send "Authorization: Bearer <token>" or "X-Api-Key: <key>".');
  }

  async #byToken(token: string): Promise<Identity> {
    const known = this.#verified.get(token);
    if (known && known.signedInUntilMs > Date.now()) return known;
    const payload = await this.#verify(token);
    const identity = { ...identityOf(payload), signedInUntilMs: (payload.exp ?? 0) * 1000 };
    this.#verified.set(token, identity);
    return identity;
  }

  /** Whether a key that opened something is still good. */
  async knowsApiKey(id: string): Promise<boolean> {
    return (await this.#findApiKey(id)) !== null;
  }

  /** Keys are looked up each time: one that was revoked must not open anything any more. */
  async #byApiKey(apiKey: string): Promise<Identity> {
    const [, id, secret] = API_KEY.exec(apiKey) ?? [];
    const key = id && secret ? await this.#findApiKey(id) : null;
    const given = Buffer.from(hashSecret(secret ?? ''), 'hex');
    if (!key || !timingSafeEqual(given, Buffer.from(key.secretHash, 'hex'))) {
      throw unauthenticated('The API key is not known, or was revoked.');
    }
    return {
      sub: `key:${key.id}`,
      role: key.role,
      storeIds: [key.storeId],
      defaultStoreId: key.storeId,
      signedInUntilMs: null,
    };
  }
}

/**
 * HS256 with the secret, RS256 and ES256 with the key set, each with its own keys alone, so that a
 * public key can't pass for a secret. Everything else is refused, `none` too.
 */
function tokenVerifier(options: AuthOptions): VerifyToken {
  const checks = {
    requiredClaims: ['exp', 'sub'],
    ...(options.jwtIssuer === null ? {} : { issuer: options.jwtIssuer }),
    ...(options.jwtAudience === null ? {} : { audience: options.jwtAudience }),
  };
  const secret = options.jwtSecret === null ? null : new TextEncoder().encode(options.jwtSecret);
  const keySet =
    options.jwtJwksUrl === null ? null : createRemoteJWKSet(new URL(options.jwtJwksUrl));

  return async (token) => {
    try {
      const isHmac = algorithmOf(token) === 'HS256';
      if (isHmac && secret) {
        return (await jwtVerify(token, secret, { ...checks, algorithms: ['HS256'] })).payload;
      }
      if (!isHmac && keySet) {
        const algorithms = ['RS256', 'ES256'];
        return (await jwtVerify(token, keySet, { ...checks, algorithms })).payload;
      }
    } catch (error) {
      throw tokenProblem(error);
    }
    throw unauthenticated('The token is signed in a way that is not accepted here.');
  };
}

function algorithmOf(token: string): unknown {
  try {
    const header: unknown = JSON.parse(
      Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'),
    );
    return typeof header === 'object' && header !== null && 'alg' in header ? header.alg : null;
  } catch {
    return null;
  }
}

function tokenProblem(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return unauthenticated('The token has expired.', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`The token's claim "${error.claim}" is missing or wrong.`, error);
  }
  // jose has no class of its own for a key set that answers with an error or with nonsense.
  const isKeySetAway =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === errors.JOSEError.code;
  if (isKeySetAway) {
    return new Problem(
      'overloaded',
      'The key set that tokens are checked with can not be reached.',
      {
        headers: { 'Retry-After': '5' },
        cause: error,
      },
    );
  }
  return unauthenticated('The token is not valid.', error);
}

function identityOf(payload: JWTPayload): Omit<Identity, 'signedInUntilMs'> {
  const sub = subject.safeParse(payload.sub);
  if (!sub.success) {
    throw unauthenticated(
      'The token\'s claim "sub" must be one line of text of 1 to 200 characters, or an integer.',
    );
  }
  const { role } = payload;
  const known = ROLES.find((candidate) => candidate === role);
  if (known === undefined) {
    throw new Problem('forbidden', `The token's claim "role" must be one of ${ROLES.join(', ')}.`);
  }
  return { sub: sub.data, role: known, ...storesIn(payload) };
}

function storesIn(payload: JWTPayload): Pick<Identity, 'storeIds' | 'defaultStoreId'> {
  const { store_id: one, store_ids: several = [] } = payload;
  if (!Array.isArray(several)) throw invalidStore();
  const claimed: unknown[] = one === undefined ? several : [one, ...several];
  const storeIds = claimed.map((id) => {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw invalidStore();
    return id;
  });
  const isClear = one !== undefined || storeIds.length === 1;
  return { storeIds, defaultStoreId: isClear ? (storeIds[0] ?? null) : null };
}

function storeOf(identity: Identity, headers: IncomingHttpHeaders): number {
  if (identity.storeIds.length === 0) {
    throw new Problem('forbidden', 'The token names no store: it needs "store_id" or "store_ids".');
  }
  const wanted = headers['x-store-id'];
  if (wanted === undefined) {
    if (identity.defaultStoreId !== null) return identity.defaultStoreId;
    throw new Problem('forbidden', 'The token is for several stores: name one in X-Store-Id.');
  }
  const text = String(wanted);
  if (!/^[1-9]\d{0,15}$/.test(text)) {
    throw new Problem('malformed_request', 'X-Store-Id must be a positive integer.');
  }
  if (!identity.storeIds.includes(Number(text))) {
    throw new Problem('forbidden', `The token is not for store ${text}.`);
  }
  return Number(text);
}

function invalidStore(): Problem {
  return unauthenticated(
    'The token\'s claims "store_id" and "store_ids" must be positive integers.',
  );
}

function unauthenticated(detail: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', detail, {
    headers: { 'WWW-Authenticate': 'Bearer' },
    cause,
  });
}
