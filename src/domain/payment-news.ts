/**
 * What the provider says became of a payment. `attempt_failed`: the buyer may try again; `waiting`:
 * the buyer is done, and the money is under way.
 */
export const PAYMENT_NEWS = [
  'paid',
  'waiting',
  'attempt_failed',
  'failed',
  'cancelled',
  'session_expired',
  'refunded',
] as const;

export interface PaymentNews {
  readonly what: (typeof PAYMENT_NEWS)[number];
  /** the provider's ids, so far as it says them */
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
  /** minor units that were paid; null where it does not say */
  readonly amount: number | null;
  /** ISO 4217 */
  readonly currency: string | null;
  readonly reason: string | null;
}

/** A message of the provider's, which it may send any number of times. */
export interface PaymentEvent {
  /** the provider's id of it */
  readonly id: string;
  readonly type: string;
}

/**
 * What was done with a message: it changed an order; the order stayed as it was; it is of a kind
 * that means nothing here; it is for no order of ours; or its order has another payment.
 */
export const EVENT_OUTCOMES = ['applied', 'unchanged', 'ignored', 'unmatched', 'foreign'] as const;
export type EventOutcome = (typeof EVENT_OUTCOMES)[number];

/** A message that came, kept so that the next one with its id has no effect. */
export interface ReceivedEvent extends PaymentEvent {
  readonly orderId: string | null;
  readonly outcome: EventOutcome;
}
