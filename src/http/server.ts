import type { Server } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Unavailable } from '../actors/unavailable.js';
import type { Core } from '../core.js';
import { counted } from '../domain/counted.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Metrics } from '../metrics.js';
import { DatabaseFault } from '../persistence/faults.js';
import type { Authenticator } from './auth.js';
import {
  BODY_BYTES_MAX,
  type Body,
  LIST_BODY_BYTES_MAX,
  NO_BODY,
  readBody,
  readBytes,
} from './body.js';
import { BodyBudget } from './body-budget.js';
import type { Caller } from './caller.js';
import type { Endpoint, Reply, SignedEndpoint, Surface } from './endpoint.js';
import { expectedVersions, idempotencyKey } from './headers.js';
import { createNodeServer, type NodeServerOptions } from './node-server.js';
import { Problem } from './problem.js';
import { validate } from './validation.js';

export interface HttpParts {
  readonly core: Core;
  readonly authenticator: Authenticator;
  readonly surfaces: readonly Surface[];
  readonly signedEndpoints: readonly SignedEndpoint[];
  /** routes that need no caller: health, metrics, docs */
  readonly operations: Router;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** resolves once the store is known to exist */
  ensureStore(storeId: number): Promise<void>;
  /** false before the database is there: nothing is served but the operations' routes */
  isStarted(): boolean;
  /** true while the process is on its way out */
  isStopping(): boolean;
}

export interface HttpOptions extends NodeServerOptions {
  /** requests a minute for each caller; 0 is off */
  readonly rateLimitPerMinute: number;
  /** requests worked on at once at most; health, metrics and docs are not among them */
  readonly requestsMax: number;
}

const RETRY_AFTER = { 'Retry-After': '1' };

/** The HTTP server, not listening yet. */
export function createHttpServer(parts: HttpParts, options: HttpOptions): Server {
  const app = new Koa();
  const router = new Router();
  const handler = endpointHandler(parts, options);
  for (const { endpoints, spelling } of parts.surfaces) {
    for (const endpoint of endpoints) {
      router[endpoint.method](endpoint.path, handler(endpoint, spelling));
    }
  }
  for (const endpoint of parts.signedEndpoints) {
    router.post(endpoint.path, handler.signed(endpoint));
  }
  app.use(edge(parts));
  app.use(readableUrl);
  app.use(router.routes());
  app.use(parts.operations.routes());
  app.use(unmatched([parts.operations, router]));
  // The edge answers every error; what reaches Koa is a response that broke off half way.
  app.on('error', (error) => parts.log.debug({ err: error }, 'a response could not be sent'));

  return createNodeServer(app.callback(), options);
}

/** The outermost layer: measures each request, and turns whatever was thrown into a problem. */
function edge({ metrics, log, isStopping }: HttpParts) {
  return async (ctx: Context, next: () => Promise<void>) => {
    const startedMs = performance.now();
    try {
      await next();
    } catch (error) {
      sendProblem(ctx, toProblem(error, ctx, log));
    }
    // A client that is told to reconnect finds another copy of the service.
    if (isStopping()) ctx.set('Connection', 'close');
    const route = typeof ctx.state['route'] === 'string' ? ctx.state['route'] : 'none';
    metrics.httpDuration.observe(
      { method: ctx.method, route, status: `${Math.floor(ctx.status / 100)}xx` },
      (performance.now() - startedMs) / 1000,
    );
  };
}

function sendProblem(ctx: Context, { problem, instance }: { problem: Problem; instance: string }) {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  ctx.body = JSON.stringify(problem.body(instance, ctx.state['spelling']));
  ctx.type = 'application/problem+json';
}

/** What a caller is told of an error; what is unknown goes into the log under an id. */
export function toProblem(error: unknown, ctx: { method: string; path: string }, log: Logger) {
  const instance = ctx.path;
  if (error instanceof Problem) return { problem: error, instance };
  if (error instanceof Unavailable) return { problem: unavailable(error), instance };
  if (error instanceof DatabaseFault && error.kind !== 'rejected') {
    log.warn({ err: error, fault: error.kind }, 'a read failed: the database is not available');
    const detail = 'The database can not be reached just now. Send the request again.';
    return {
      problem: new Problem('database_unavailable', detail, { headers: RETRY_AFTER }),
      instance,
    };
  }
  const id = `urn:uuid:${newId()}`;
  log.error({ err: error, instance: id, method: ctx.method, path: ctx.path }, 'internal error');
  const problem = new Problem(
    'internal',
    'Something went wrong here. The log says what, under this instance.',
  );
  return { problem, instance: id };
}

function unavailable({ reason }: Unavailable): Problem {
  const details = { headers: RETRY_AFTER };
  switch (reason) {
    case 'mailbox_full':
    case 'waited_too_long':
    case 'no_connection':
      return new Problem('overloaded', 'Too much is waiting just now. Nothing was done.', details);
    case 'shutting_down':
      return new Problem('overloaded', 'This copy is shutting down. Nothing was done.', details);
    case 'database':
      return new Problem(
        'database_unavailable',
        'The database can not be written to just now. Nothing was done.',
        details,
      );
    case 'outcome_unknown':
      return new Problem(
        'database_unavailable',
        'The database went away while this was committed, and whether it was done is not known. ' +
          'With the same Idempotency-Key it is safe to send again.',
        details,
      );
  }
}

/** Makes the Koa middleware of an endpoint: who asks, what they say, the handler, the reply. */
function endpointHandler(parts: HttpParts, options: HttpOptions) {
  const limit = rateLimit(options.rateLimitPerMinute);
  const budget = new BodyBudget();
  let inWork = 0;
  const withCaller = (endpoint: Endpoint, spelling: Surface['spelling']) =>
    handled(endpoint.path, spelling, (ctx) => serve(endpoint, ctx));
  const signed = (endpoint: SignedEndpoint) =>
    handled(endpoint.path, 'camelCase', (ctx) => serveSigned(endpoint, ctx));
  return Object.assign(withCaller, { signed });

  function handled(
    path: string,
    spelling: Surface['spelling'],
    work: (ctx: Context) => Promise<void>,
  ) {
    return async (ctx: Context) => {
      ctx.state['route'] = path;
      ctx.state['spelling'] = spelling;
      await withinBounds(() => work(ctx));
    };
  }

  async function withinBounds(work: () => Promise<void>): Promise<void> {
    // One connection may send requests without waiting for answers: these are not bounded by it.
    if (inWork >= options.requestsMax) {
      throw new Problem('overloaded', 'Too many requests are worked on just now.', {
        headers: RETRY_AFTER,
      });
    }
    inWork++;
    try {
      if (!parts.isStarted()) {
        throw new Problem('database_unavailable', 'The service is still starting.', {
          headers: RETRY_AFTER,
        });
      }
      await work();
    } finally {
      inWork--;
    }
  }

  function serveSigned(endpoint: SignedEndpoint, ctx: Context): Promise<void> {
    return budget.within(ctx.req, BODY_BYTES_MAX, async () => {
      const bytes = await readBytes(ctx.req, BODY_BYTES_MAX);
      const header = ctx.headers[endpoint.signatureHeader.toLowerCase()];
      const signature = Array.isArray(header) ? header.join(',') : header;
      send(ctx, await endpoint.handle({ core: parts.core, bytes, signature }));
    });
  }

  async function serve(endpoint: Endpoint, ctx: Context): Promise<void> {
    const { headers } = ctx;
    const caller = await parts.authenticator.authenticate(headers);
    await limit(caller);
    await parts.ensureStore(caller.storeId);
    if (!endpoint.roles.includes(caller.role)) {
      throw new Problem('forbidden', `This needs the role ${endpoint.roles.join(' or ')}.`);
    }
    // The body of a GET means nothing, so it is passed over.
    if (endpoint.method === 'get') await answer(endpoint, ctx, { caller, body: NO_BODY });
    else {
      const bytesMax = endpoint.takesList ? LIST_BODY_BYTES_MAX : BODY_BYTES_MAX;
      await budget.within(ctx.req, bytesMax, async () => {
        const body = await readBody(ctx.req, bytesMax);
        await answer(endpoint, ctx, { caller, body });
      });
    }
  }

  async function answer(
    endpoint: Endpoint,
    ctx: Context,
    { caller, body }: { caller: Caller; body: Body },
  ): Promise<void> {
    const { headers } = ctx;
    const { method, path, querystring } = ctx;
    const idempotency =
      endpoint.method === 'get'
        ? null
        : idempotencyKey(headers, { caller, method, path, querystring, body: body.bytes });
    const reply = await endpoint.handle({
      core: parts.core,
      caller,
      params: validate(endpoint.params, ctx['params'], 'path'),
      query: validate(endpoint.query, querystring === '' ? {} : singleValues(ctx.query), 'query'),
      body: validate(endpoint.body, body.json, 'body'),
      ifMatch: endpoint.conditional ? expectedVersions(headers) : null,
      prefersCsv: headers.accept !== undefined && ctx.accepts('json', 'csv') === 'csv',
      header: () => ({
        id: newId(),
        storeId: caller.storeId,
        actor: caller.sub,
        idempotency,
      }),
    });
    send(ctx, reply);
  }
}

function send(ctx: Context, reply: Reply): void {
  ctx.status = reply.status;
  if (reply.headers) ctx.set(reply.headers);
  if (reply.body !== undefined) ctx.body = reply.body;
}

/** Refuses a URL whose escapes are no UTF-8: what it names can't be known. */
function readableUrl(ctx: Context, next: () => Promise<void>): Promise<void> {
  for (const [part, text] of [
    ['path', ctx.path],
    ['query', ctx.querystring],
  ]) {
    try {
      decodeURIComponent(text ?? '');
    } catch (error) {
      const detail = `The ${part} has a percent sign that is not followed by UTF-8 in hex.`;
      throw new Problem('malformed_request', detail, { cause: error });
    }
  }
  return next();
}

/** Each parameter of a query once: a list where one value is meant is an error of the caller. */
function singleValues(query: Context['query']): Record<string, string> {
  const entries = Object.entries(query).map(([name, value]) => {
    if (typeof value !== 'string') {
      throw new Problem('malformed_request', `The query names ${name} more than once.`);
    }
    return [name, value];
  });
  // Unlike an assignment, this keeps a parameter that is called __proto__.
  return Object.fromEntries(entries);
}

function rateLimit(perMinute: number): (caller: Caller) => Promise<void> {
  if (perMinute === 0) return async () => {};
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return async (caller) => {
    try {
      await limiter.consume(`${caller.storeId}:${caller.sub}`);
    } catch (rejection) {
      if (!(rejection instanceof RateLimiterRes)) throw rejection;
      const seconds = Math.max(1, Math.ceil(rejection.msBeforeNext / 1000));
      throw new Problem(
        'rate_limited',
        `No more than ${counted(perMinute, 'request')} a minute can be sent.`,
        {
          headers: { 'Retry-After': String(seconds) },
        },
      );
    }
  };
}

/** 405 with Allow where the path is known with other methods, else 404. */
function unmatched(routers: readonly Router[]) {
  return (ctx: Context) => {
    const allowed = new Set<string>();
    for (const router of routers) {
      for (const layer of router.match(ctx.path, ctx.method).path) {
        for (const method of layer.methods) allowed.add(method);
      }
    }
    if (allowed.size === 0) {
      throw new Problem('not_found', `There is nothing at ${ctx.path}. See /docs.`);
    }
    const allow = [...allowed].sort().join(', ');
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      ctx.set('Allow', allow);
      return;
    }
    throw new Problem(
      'method_not_allowed',
      `${ctx.method} is not possible here. Possible: ${allow}.`,
      {
        headers: { Allow: allow },
      },
    );
  };
}
