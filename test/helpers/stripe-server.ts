import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';

export const STRIPE_KEY = 'sk_test_of_tests';
export const WEBHOOK_SECRET = 'whsec_of_tests';

/** How a request that makes something goes wrong. */
export interface Fault {
  /** status of the answer; left out: there is none, and the connection stays open or is cut */
  readonly status?: number;
  readonly cut?: boolean;
  /** whether what was asked for is done all the same */
  readonly done?: boolean;
  readonly message?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: objects of another service, of any shape
type Thing = any;

/** A message as Stripe sends it. */
export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly object: Thing };
}

/** A request that the server got. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly form: Record<string, string>;
}

/**
 * A server that speaks Stripe's wire format: forms in, objects of the documented shape out,
 * idempotency keys honoured, and messages signed as Stripe signs them.
 */
export interface StripeServer {
  readonly url: string;
  readonly intents: ReadonlyMap<string, Thing>;
  readonly sessions: ReadonlyMap<string, Thing>;
  readonly asked: readonly Asked[];
  /** ids of the orders that money came for, be it that it went back */
  paidOrders(): ReadonlySet<string>;
  /** The next requests that make something go wrong, one after another; with none, none does. */
  fail(...faults: Fault[]): void;
  /** Resolves when a request has come that makes something. */
  nextMade(): Promise<void>;
  /** What the buyer does; each returns the message that Stripe would send of it. */
  pay(intentId: string): StripeEvent;
  decline(intentId: string, message?: string): StripeEvent;
  cancel(intentId: string): StripeEvent;
  refund(intentId: string, amount?: number): StripeEvent;
  complete(sessionId: string, paid: boolean): StripeEvent;
  asyncPaid(sessionId: string): StripeEvent;
  asyncFailed(sessionId: string): StripeEvent;
  expire(sessionId: string): StripeEvent;
  close(): Promise<void>;
}

const newId = (prefix: string) => `${prefix}_${randomBytes(12).toString('hex')}`;
const nowSeconds = () => Math.floor(Date.now() / 1000);

export async function startStripe(): Promise<StripeServer> {
  const intents = new Map<string, Thing>();
  const sessions = new Map<string, Thing>();
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  /** answers by idempotency key */
  const answers = new Map<string, { form: string; answer: Answer }>();
  const waiting: (() => void)[] = [];

  const server: Server = createServer((request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stripe');
    const method = request.method ?? 'GET';
    const form = Object.fromEntries(method === 'GET' ? searchParams : new URLSearchParams(text));
    const key = request.headers['idempotency-key'] as string | undefined;
    asked.push({ method, path: pathname, key, form });
    const isMaking =
      method === 'POST' && /^\/v1\/(payment_intents|checkout\/sessions)$/.test(pathname);
    if (isMaking) for (const tell of waiting.splice(0)) tell();

    const answer = () => {
      const known = key === undefined ? undefined : answers.get(key);
      if (known) return known.form === text ? known.answer : OTHER_WORDS;
      const fresh = answerTo(request, method, pathname, form);
      if (key !== undefined) answers.set(key, { form: text, answer: fresh });
      return fresh;
    };
    const fault = isMaking ? faults.shift() : undefined;
    if (!fault) return reply(response, answer());
    if (fault.done) answer();
    if (fault.cut) request.socket.destroy();
    else if (fault.status !== undefined) {
      reply(response, problem(fault.status, fault.message ?? 'It went wrong.'));
    }
  }

  function answerTo(
    request: IncomingMessage,
    method: string,
    path: string,
    form: Record<string, string>,
  ): Answer {
    if (request.headers.authorization !== `Bearer ${STRIPE_KEY}`) {
      return problem(401, 'Invalid API Key provided.');
    }
    const [, kind, id, action] =
      /^\/v1\/(payment_intents|checkout\/sessions)(?:\/([^/]+))?(?:\/(cancel|expire))?$/.exec(
        path,
      ) ?? [];
    if (kind === undefined) return problem(404, `Unrecognized request URL (${path}).`);
    if (id === undefined) {
      return kind === 'payment_intents' ? makeIntent(form) : makeSession(form);
    }
    const found = (kind === 'payment_intents' ? intents : sessions).get(id);
    if (!found) return problem(404, `No such ${kind}: '${id}'`);
    if (method === 'POST' && action === 'cancel') {
      if (!/^requires_/.test(found.status)) {
        return problem(
          400,
          `You cannot cancel this PaymentIntent because it has a status of ${found.status}.`,
        );
      }
      cancel(id);
    }
    if (method === 'POST' && action === 'expire') {
      if (found.status !== 'open') {
        return problem(400, `Only Checkout Sessions with a status in ["open"] can be expired.`);
      }
      found.status = 'expired';
    }
    return { status: 200, body: expanded(found) };
  }

  function expanded(thing: Thing): Thing {
    if (thing.object !== 'checkout.session' || thing.payment_intent === null) return thing;
    return { ...thing, payment_intent: intents.get(thing.payment_intent) };
  }

  function makeIntent(form: Record<string, string>): Answer {
    const amount = Number(form['amount']);
    if (!Number.isSafeInteger(amount) || amount < 1) return problem(400, 'Invalid integer: amount');
    if (!/^[a-z]{3}$/.test(form['currency'] ?? '')) return problem(400, 'Invalid currency');
    const intent = newIntent(amount, form['currency'] ?? '', metadataIn(form, 'metadata'));
    intents.set(intent.id, intent);
    return { status: 200, body: intent };
  }

  function makeSession(form: Record<string, string>): Answer {
    const expires_at = Number(form['expires_at']);
    const lasts = expires_at - nowSeconds();
    if (!(lasts >= 30 * 60 && lasts <= 24 * 3600)) {
      return problem(
        400,
        'The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.',
      );
    }
    let amount_total = 0;
    let lines = 0;
    while (form[`line_items[${lines}][quantity]`] !== undefined) {
      const price = `line_items[${lines}][price_data]`;
      amount_total +=
        Number(form[`line_items[${lines}][quantity]`]) * Number(form[`${price}[unit_amount]`]);
      lines++;
    }
    if (lines < 1 || lines > 100) return problem(400, 'line_items must have 1 to 100 entries');
    const id = newId('cs_test');
    sessions.set(id, {
      id,
      object: 'checkout.session',
      amount_total,
      currency: form['line_items[0][price_data][currency]'],
      client_reference_id: form['client_reference_id'] ?? null,
      customer_email: form['customer_email'] ?? null,
      expires_at,
      metadata: metadataIn(form, 'metadata'),
      intent_metadata: metadataIn(form, 'payment_intent_data[metadata]'),
      mode: form['mode'],
      payment_intent: null,
      payment_status: 'unpaid',
      status: 'open',
      success_url: form['success_url'],
      cancel_url: form['cancel_url'],
      url: `https://checkout.stripe.com/c/pay/${id}`,
    });
    return { status: 200, body: sessions.get(id) };
  }

  function get(things: Map<string, Thing>, id: string): Thing {
    const thing = things.get(id);
    if (!thing) throw new Error(`there is no ${id}`);
    return thing;
  }

  function succeed(intent: Thing): void {
    Object.assign(intent, {
      status: 'succeeded',
      amount_received: intent.amount,
      last_payment_error: null,
      latest_charge: {
        id: newId('ch'),
        object: 'charge',
        amount: intent.amount,
        amount_refunded: 0,
        refunded: false,
        payment_intent: intent.id,
        metadata: intent.metadata,
      },
    });
  }

  const cancel = (id: string): StripeEvent => {
    const intent = get(intents, id);
    Object.assign(intent, { status: 'canceled', cancellation_reason: 'requested_by_customer' });
    return event('payment_intent.canceled', intent);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intents,
    sessions,
    asked,
    paidOrders: () =>
      new Set(
        [...intents.values()]
          .filter(({ status }) => status === 'succeeded')
          .map(({ metadata }) => metadata.orderId),
      ),
    fail: (...some) => faults.splice(0, faults.length, ...some),
    nextMade: () => new Promise((resolve) => waiting.push(resolve)),
    pay(id) {
      const intent = get(intents, id);
      succeed(intent);
      return event('payment_intent.succeeded', intent);
    },
    decline(id, message = 'Your card was declined.') {
      const intent = get(intents, id);
      intent.last_payment_error = { type: 'card_error', code: 'card_declined', message };
      return event('payment_intent.payment_failed', intent);
    },
    cancel,
    refund(id, amount) {
      const { latest_charge: charge } = get(intents, id);
      charge.amount_refunded = amount ?? charge.amount;
      charge.refunded = charge.amount_refunded === charge.amount;
      return event('charge.refunded', charge);
    },
    complete(id, paid) {
      const session = get(sessions, id);
      const intent = newIntent(session.amount_total, session.currency, session.intent_metadata);
      intents.set(intent.id, intent);
      if (paid) succeed(intent);
      else intent.status = 'processing';
      Object.assign(session, {
        status: 'complete',
        payment_status: paid ? 'paid' : 'unpaid',
        payment_intent: intent.id,
      });
      return event('checkout.session.completed', session);
    },
    asyncPaid(id) {
      const session = get(sessions, id);
      succeed(get(intents, session.payment_intent));
      session.payment_status = 'paid';
      return event('checkout.session.async_payment_succeeded', session);
    },
    asyncFailed(id) {
      const session = get(sessions, id);
      get(intents, session.payment_intent).status = 'requires_payment_method';
      return event('checkout.session.async_payment_failed', session);
    },
    expire(id) {
      const session = get(sessions, id);
      session.status = 'expired';
      return event('checkout.session.expired', session);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly body: Thing;
}

function newIntent(amount: number, currency: string, metadata: Record<string, string>): Thing {
  const id = newId('pi');
  return {
    id,
    object: 'payment_intent',
    amount,
    amount_received: 0,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${randomBytes(12).toString('hex')}`,
    created: nowSeconds(),
    currency,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata,
    status: 'requires_payment_method',
  };
}

function metadataIn(form: Record<string, string>, name: string): Record<string, string> {
  const prefix = `${name}[`;
  return Object.fromEntries(
    Object.entries(form)
      .filter(([field]) => field.startsWith(prefix))
      .map(([field, value]) => [field.slice(prefix.length, -1), value]),
  );
}

/** A message about an object as it is at this moment. */
export function event(type: string, object: Thing): StripeEvent {
  return {
    id: newId('evt'),
    object: 'event',
    api_version: '2026-01-28.clover',
    created: nowSeconds(),
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    data: { object: structuredClone(object) },
  } as StripeEvent;
}

/** Sends a message as Stripe does, and returns what it was answered. */
export async function deliver(
  serviceUrl: string,
  message: StripeEvent | string,
  how: { secret?: string; timestamp?: number; header?: string; altered?: string } = {},
): Promise<{ status: number; body: Thing }> {
  const payload = typeof message === 'string' ? message : JSON.stringify(message, null, 2);
  const header =
    how.header ??
    Stripe.webhooks.generateTestHeaderString({
      payload,
      secret: how.secret ?? WEBHOOK_SECRET,
      ...(how.timestamp === undefined ? {} : { timestamp: how.timestamp }),
    });
  const response = await fetch(`${serviceUrl}/api/webhooks/stripe`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ...(header === '' ? {} : { 'Stripe-Signature': header }),
    },
    body: how.altered ?? payload,
  });
  return { status: response.status, body: await response.json() };
}

const problem = (status: number, message: string, type = 'invalid_request_error'): Answer => ({
  status,
  body: {
    error: { type: status >= 500 ? 'api_error' : status === 402 ? 'card_error' : type, message },
  },
});
const OTHER_WORDS = problem(
  400,
  'Keys for idempotent requests can only be used with the same parameters they were first used with.',
  'idempotency_error',
);

function reply(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
