import type { z } from 'zod';
import type { Core } from '../core.js';
import type { Role } from '../domain/api-key.js';
import type { CommandHeader, ExpectedVersions, Outcome } from '../domain/command.js';
import type { Caller } from './caller.js';
import { type ProblemCode, problemOf, type RefusalSpelling } from './problem.js';

/** What a route's handler gets: who asks, what they said (checked), and the core. */
export interface Request<Params, Query, Body> {
  readonly core: Core;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** the versions in If-Match; null where any will do */
  readonly ifMatch: ExpectedVersions;
  /** whether the caller would rather have CSV than JSON */
  readonly prefersCsv: boolean;
  /** What every command says; call it once. */
  header(): CommandHeader;
}

export interface Reply {
  readonly status: number;
  /** undefined: no body */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface ReplySpec {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** the same may be had as CSV */
  readonly orCsv?: boolean;
}

/**
 * A route, declared once: mounted from here, and described in OpenAPI from here. The handler reads
 * as parse, send, reply; what may happen is the core's word.
 */
export interface Endpoint<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** with `:name` for parameters */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly roles: readonly Role[];
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** the body is a list, and may be longer than others */
  readonly takesList?: boolean;
  /** the route reads If-Match */
  readonly conditional?: boolean;
  readonly replies: Readonly<Record<number, ReplySpec>>;
  /** besides those that every route can give */
  readonly problems: readonly ProblemCode[];
  handle(request: Request<Params, Query, Body>): Promise<Reply>;
}

/** Declares a route; its only use is to let the types of the schemas flow into the handler. */
export function endpoint<Params = undefined, Query = undefined, Body = undefined>(
  spec: Endpoint<Params, Query, Body>,
): Endpoint {
  return spec as Endpoint;
}

/**
 * A route without a caller: who asks is known by how the body is signed. It is POST, and gets the
 * body as it came.
 */
export interface SignedEndpoint
  extends Pick<
    Endpoint,
    'path' | 'operationId' | 'summary' | 'description' | 'tag' | 'replies' | 'problems'
  > {
  readonly signatureHeader: string;
  handle(request: {
    readonly core: Core;
    readonly bytes: Buffer;
    readonly signature: string | undefined;
  }): Promise<Reply>;
}

/** A group of routes that spell their JSON alike. */
export interface Surface {
  readonly spelling: 'snake_case' | 'camelCase';
  readonly endpoints: readonly Endpoint[];
}

/**
 * Turns the core's answer into a reply, or throws the Problem that its refusal is. Both say where
 * they repeat an earlier answer. `spelling`: how the request named its lines, for a refusal of some.
 */
export function replyTo<T>(
  answer: { readonly outcome: Outcome<T>; readonly replayed: boolean },
  render: (value: T, replayed: boolean) => Reply,
  spelling: RefusalSpelling = {},
): Reply {
  const { outcome, replayed } = answer;
  if (!outcome.ok) {
    throw problemOf(outcome.refusal, replayed ? { ...spelling, headers: REPLAYED } : spelling);
  }
  const reply = render(outcome.value, replayed);
  return replayed ? { ...reply, headers: { ...reply.headers, ...REPLAYED } } : reply;
}

const REPLAYED = { 'Idempotency-Replayed': 'true' };
