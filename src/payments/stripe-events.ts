import Stripe from 'stripe';
import { z } from 'zod';
import type { PaymentNews } from '../domain/payment-news.js';
import type { ProviderEvent } from './provider.js';

/** s that a signature may be old */
const TOLERANCE_SECONDS = 300;
const REASON_LENGTH_MAX = 500;
/** longer than any id that Stripe gives, and as long as is kept */
const id = z.string().min(1).max(255);

/** A message is not signed with a secret that is known here, or too long ago. */
export class InvalidSignature extends Error {
  constructor(cause: unknown) {
    super('the signature of a webhook is not valid', { cause });
    this.name = 'InvalidSignature';
  }
}

/** A message that is signed, and is none that could be read. */
export class UnreadableEvent extends Error {
  constructor(cause: unknown) {
    super('a signed webhook could not be read', { cause });
    this.name = 'UnreadableEvent';
  }
}

// Only what is needed is looked at, and whatever else a version of the API says is let be.
const Metadata = z.object({ orderId: z.string().optional() }).nullish();
const idOrObject = z
  .union([id, z.object({ id }).transform((named) => named.id)])
  .nullish()
  .transform((named) => named ?? null);
const currency = z
  .string()
  .nullish()
  .transform((code) => code?.toUpperCase() ?? null);

const Event = z.object({ id, type: id, data: z.object({ object: z.unknown() }) });
const Session = z.object({
  id,
  payment_intent: idOrObject,
  payment_status: z.string(),
  amount_total: z.int().nullish(),
  currency,
  client_reference_id: z.string().nullish(),
  metadata: Metadata,
});
const Intent = z.object({
  id,
  amount_received: z.int().nullish(),
  currency,
  cancellation_reason: z.string().nullish(),
  last_payment_error: z
    .object({ message: z.string().nullish(), code: z.string().nullish() })
    .nullish(),
  metadata: Metadata,
});
const Charge = z.object({ payment_intent: idOrObject, refunded: z.boolean(), metadata: Metadata });

type Said = ProviderEvent['said'];

/**
 * Checks a message against each of the secrets, and reads it. Throws InvalidSignature or
 * UnreadableEvent.
 */
export function readStripeEvent(
  message: { readonly bytes: Buffer; readonly signature: string | undefined },
  secrets: readonly string[],
): ProviderEvent {
  const signed = verified(message, secrets);
  const event = Event.safeParse(signed);
  if (!event.success) throw new UnreadableEvent(event.error);
  const { id, type, data } = event.data;
  return { id, type, said: whatIsSaid(type, data.object) };
}

function verified(
  { bytes, signature = '' }: { bytes: Buffer; signature: string | undefined },
  secrets: readonly string[],
): unknown {
  let failure: unknown = new Error('no secret is set');
  for (const secret of secrets) {
    try {
      return Stripe.webhooks.constructEvent(bytes, signature, secret, TOLERANCE_SECONDS);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) {
        throw new UnreadableEvent(error);
      }
      failure = error;
    }
  }
  throw new InvalidSignature(failure);
}

/** What a message says of a payment; null where it is of a kind that means nothing here. */
function whatIsSaid(type: string, object: unknown): Said {
  switch (type) {
    case 'checkout.session.completed':
      return ofSession(object, ({ payment_status }) =>
        payment_status === 'unpaid' ? 'waiting' : 'paid',
      );
    case 'checkout.session.async_payment_succeeded':
      return ofSession(object, () => 'paid');
    case 'checkout.session.async_payment_failed':
      // A session that is complete takes no other attempt.
      return ofSession(object, () => 'failed');
    case 'checkout.session.expired':
      return ofSession(object, () => 'session_expired');
    case 'payment_intent.succeeded':
      return ofIntent(object, 'paid');
    case 'payment_intent.payment_failed':
      return ofIntent(object, 'attempt_failed');
    case 'payment_intent.canceled':
      return ofIntent(object, 'cancelled');
    case 'charge.refunded':
      return ofCharge(object);
    default:
      return null;
  }
}

function ofSession(
  object: unknown,
  whatOf: (session: z.infer<typeof Session>) => PaymentNews['what'],
): Said {
  const session = read(Session, object);
  const what = whatOf(session);
  const isPaid = what === 'paid';
  return {
    orderId: session.metadata?.orderId ?? session.client_reference_id ?? null,
    news: {
      what,
      sessionId: session.id,
      paymentIntentId: session.payment_intent,
      amount: isPaid ? (session.amount_total ?? null) : null,
      currency: isPaid ? session.currency : null,
      reason: what === 'failed' ? 'the payment did not get through' : null,
    },
  };
}

function ofIntent(object: unknown, what: PaymentNews['what']): Said {
  const intent = read(Intent, object);
  const isPaid = what === 'paid';
  const { last_payment_error: error, cancellation_reason: cancelled } = intent;
  const reason = what === 'attempt_failed' ? (error?.message ?? error?.code) : cancelled;
  return {
    orderId: intent.metadata?.orderId ?? null,
    news: {
      what,
      sessionId: null,
      paymentIntentId: intent.id,
      amount: isPaid ? (intent.amount_received ?? null) : null,
      currency: isPaid ? intent.currency : null,
      reason: isPaid ? null : (reason?.slice(0, REASON_LENGTH_MAX) ?? null),
    },
  };
}

/** Part of the money back changes nothing about the order. */
function ofCharge(object: unknown): Said {
  const charge = read(Charge, object);
  if (!charge.refunded || charge.payment_intent === null) return null;
  return {
    orderId: charge.metadata?.orderId ?? null,
    news: {
      what: 'refunded',
      sessionId: null,
      paymentIntentId: charge.payment_intent,
      amount: null,
      currency: null,
      reason: null,
    },
  };
}

function read<T>(schema: z.ZodType<T>, object: unknown): T {
  const result = schema.safeParse(object);
  if (!result.success) throw new UnreadableEvent(result.error);
  return result.data;
}
