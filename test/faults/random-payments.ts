import type { Random } from '../helpers/random.js';
import type { StripeEvent, StripeServer } from '../helpers/stripe-server.js';

/** An order that a client was told of, by what the payment provider calls its payment. */
export interface KnownOrder {
  readonly id: string;
  readonly storeId: number;
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
}

export interface Message {
  readonly event: StripeEvent;
  readonly storeId: number;
}

/** Lets something happen to a payment that can happen to it now; null where nothing can. */
export function atProvider(
  random: Random,
  stripe: StripeServer,
  { paymentIntentId, sessionId }: KnownOrder,
): StripeEvent | null {
  const possible: (() => StripeEvent)[] = [];
  const session = stripe.sessions.get(sessionId ?? '');
  if (session?.status === 'open') {
    possible.push(
      () => stripe.complete(session.id, true),
      () => stripe.complete(session.id, false),
      () => stripe.expire(session.id),
    );
  }
  const intentId = session ? session.payment_intent : paymentIntentId;
  const intent = stripe.intents.get(intentId ?? '');
  if (session && intent?.status === 'processing') {
    possible.push(
      () => stripe.asyncPaid(session.id),
      () => stripe.asyncFailed(session.id),
    );
  } else if (intent && !session && /^requires_/.test(intent.status)) {
    possible.push(
      () => stripe.pay(intentId),
      () => stripe.pay(intentId),
      () => stripe.decline(intentId),
      () => stripe.cancel(intentId),
    );
  }
  if (intent?.status === 'succeeded' && !intent.latest_charge.refunded && random.chance(0.15)) {
    possible.push(() => stripe.refund(intentId));
  }
  return random.one(possible)?.() ?? null;
}
