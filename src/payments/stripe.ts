import Stripe from 'stripe';
import type { Order, PaymentSession } from '../domain/order.js';
import type { PaymentNews } from '../domain/payment-news.js';
import { type PaymentProvider, PaymentRefused, PaymentUncertain } from './provider.js';

export interface StripeOptions {
  readonly secretKey: string;
  /** where the API is: `https://api.stripe.com`, or something that speaks like it */
  readonly apiBase: string;
  /** longest wait for an answer; asked once more after that */
  readonly timeoutMs: number;
}

/** Lines that a session shows at most. */
const SESSION_LINES_MAX = 100;
const REASON_LENGTH_MAX = 500;

/** Takes payments through Stripe. The key of each request is the order's id: once is enough. */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const { protocol, hostname, port } = new URL(options.apiBase);
  const isPlain = protocol === 'http:';
  const stripe = new Stripe(options.secretKey, {
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
    protocol: isPlain ? 'http' : 'https',
    timeout: options.timeoutMs,
    maxNetworkRetries: 1,
    telemetry: false,
  });

  const askIntent = async (id: string) =>
    newsOfIntent(await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] }));
  const askSession = async (id: string) =>
    newsOfSession(
      await stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent.latest_charge'] }),
    );
  const ask = async ({ id, payment, paymentIntentId, sessionId }: Order) => {
    if (payment.kind === 'session' && sessionId !== null) return askSession(sessionId);
    if (paymentIntentId !== null) return askIntent(paymentIntentId);
    throw new Error(`order ${id} has no payment that could be asked for`);
  };
  const end = async ({ id, payment, paymentIntentId, sessionId }: Order) => {
    if (payment.kind === 'session' && sessionId !== null) {
      return newsOfSession(await stripe.checkout.sessions.expire(sessionId));
    }
    if (paymentIntentId === null) throw new Error(`order ${id} has no payment to be ended`);
    return newsOfIntent(await stripe.paymentIntents.cancel(paymentIntentId));
  };

  return {
    make: (order) =>
      asked(async () => {
        const { payment } = order;
        if (payment.kind === 'intent') {
          const intent = await stripe.paymentIntents.create(intentOf(order), keyOf(order));
          return {
            paymentIntentId: intent.id,
            sessionId: null,
            clientSecret: intent.client_secret,
            url: null,
          };
        }
        const session = await stripe.checkout.sessions.create(
          sessionOf(order, payment),
          keyOf(order),
        );
        return {
          paymentIntentId: idOf(session.payment_intent),
          sessionId: session.id,
          clientSecret: null,
          url: session.url,
        };
      }),
    ask: (order) => asked(() => ask(order)),
    end: (order) =>
      asked(async () => {
        try {
          return (await end(order)) ?? UNDER_WAY;
        } catch (error) {
          if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
          // It is too late to end it: it is over, or the money is under way.
          return (await ask(order)) ?? UNDER_WAY;
        }
      }),
  };
}

const keyOf = ({ id }: Order) => ({ idempotencyKey: `order-${id}` });
const metadataOf = ({ id, storeId }: Order) => ({ orderId: id, storeId: String(storeId) });

function intentOf(order: Order): Stripe.PaymentIntentCreateParams {
  const { customerEmail } = order.payment;
  return {
    amount: order.amount,
    currency: order.currency.toLowerCase(),
    automatic_payment_methods: { enabled: true },
    metadata: metadataOf(order),
    ...(customerEmail === null ? {} : { receipt_email: customerEmail }),
  };
}

function sessionOf(order: Order, payment: PaymentSession): Stripe.Checkout.SessionCreateParams {
  const currency = order.currency.toLowerCase();
  const line = (name: string, unit_amount: number, quantity: number) => ({
    quantity,
    price_data: { currency, unit_amount, product_data: { name } },
  });
  const lines = order.items.map(({ name, unitAmount, quantity }) =>
    line(name, unitAmount, quantity),
  );
  const metadata = metadataOf(order);
  return {
    mode: 'payment',
    line_items:
      lines.length > SESSION_LINES_MAX ? [line(`${lines.length} items`, order.amount, 1)] : lines,
    success_url: payment.successUrl,
    cancel_url: payment.cancelUrl,
    expires_at: payment.endsAt / 1000,
    client_reference_id: order.id,
    metadata,
    payment_intent_data: { metadata },
    ...(payment.customerEmail === null ? {} : { customer_email: payment.customerEmail }),
  };
}

/** What is told by whoever has no more to say. */
const NOTHING = {
  paymentIntentId: null,
  sessionId: null,
  amount: null,
  currency: null,
  reason: null,
} as const;
const UNDER_WAY: PaymentNews = { ...NOTHING, what: 'waiting' };

function newsOfIntent(intent: Stripe.PaymentIntent): PaymentNews | null {
  const news = { ...NOTHING, paymentIntentId: intent.id };
  switch (intent.status) {
    case 'succeeded': {
      const { latest_charge: charge } = intent;
      if (typeof charge === 'object' && charge?.refunded) return { ...news, what: 'refunded' };
      const currency = intent.currency.toUpperCase();
      return { ...news, what: 'paid', amount: intent.amount_received, currency };
    }
    case 'canceled':
      return { ...news, what: 'cancelled', reason: intent.cancellation_reason };
    case 'processing':
      return { ...news, what: 'waiting' };
    default:
      return null;
  }
}

function newsOfSession(session: Stripe.Checkout.Session): PaymentNews | null {
  const { payment_intent: intent } = session;
  const news = { ...NOTHING, sessionId: session.id, paymentIntentId: idOf(intent) };
  if (session.status === 'expired') return { ...news, what: 'session_expired' };
  if (session.status !== 'complete') return null;
  const ofIntent = typeof intent === 'object' && intent !== null ? newsOfIntent(intent) : null;
  if (session.payment_status === 'unpaid') {
    // A session that is complete takes no other attempt.
    return ofIntent?.what === 'waiting'
      ? { ...news, what: 'waiting' }
      : { ...news, what: 'failed' };
  }
  if (ofIntent?.what === 'refunded') return { ...news, what: 'refunded' };
  const currency = session.currency?.toUpperCase() ?? null;
  return { ...news, what: 'paid', amount: session.amount_total, currency };
}

const idOf = (named: string | { readonly id: string } | null) =>
  typeof named === 'string' ? named : (named?.id ?? null);

/** Says of a request that failed whether it was surely not carried out. */
async function asked<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const status = error.statusCode ?? 0;
    // 409: a request with the same key is under way; 429: nobody looked at it yet.
    const isRefusal = status >= 400 && status < 500 && status !== 409 && status !== 429;
    // The key was used with other words, as by another version of this service: for what, is unknown.
    const isAboutKey = error instanceof Stripe.errors.StripeIdempotencyError;
    if (!isRefusal || isAboutKey) throw new PaymentUncertain(status === 409, error);
    throw new PaymentRefused(error.message.slice(0, REASON_LENGTH_MAX), error);
  }
}
