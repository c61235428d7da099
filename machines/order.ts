import { assign, setup } from 'xstate';

export const ORDER_STATUSES = [
  'pending',
  'confirmed',
  'failed',
  'cancelled',
  'expired',
  'refund_required',
  'refunded',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Times are UTC ms, `now` is the database's. A `reason` is kept with the order. */
export type OrderEvent =
  /** money came; whether the units that it is for could be taken, and if not, why */
  | { type: 'PAY'; unitsTaken: boolean; reason: string | null }
  /** an attempt to pay failed; `isFinal`: there will be no other one */
  | { type: 'PAYMENT_FAILED'; isFinal: boolean; reason: string | null }
  /** the payment was ended at the provider */
  | { type: 'PAYMENT_CANCELLED'; reason: string | null }
  /** the buyer's time at the provider is over */
  | { type: 'SESSION_EXPIRED' }
  /** the hold's time is over */
  | { type: 'EXPIRE'; now: number }
  | { type: 'CANCEL'; reason: string | null }
  /** all of the money went back */
  | { type: 'REFUND' };

export interface OrderContext {
  /** when its hold ends, UTC ms */
  readonly expiresAt: number;
  /** why it is not confirmed, or why the last attempt to pay failed */
  readonly failureReason: string | null;
}

/**
 * The life of an order: `pending` until it is paid, or is not.
 *
 * Money that comes late is never passed over: an order that failed or expired is confirmed where
 * its units can be taken again, else it is to be refunded; so is one that was cancelled. Whatever
 * else is said of an order that is over is accepted and changes nothing, so that what is told twice,
 * or in another order than it happened, has one effect.
 */
export const orderMachine = setup({
  types: { context: {} as OrderContext, events: {} as OrderEvent },
  guards: {
    unitsTaken: (_, paid: { unitsTaken: boolean }) => paid.unitsTaken,
    isFinal: (_, failed: { isFinal: boolean }) => failed.isFinal,
    isDue: ({ context }, at: { now: number }) => context.expiresAt <= at.now,
  },
  actions: {
    accept: assign({}),
    forgetReason: assign({ failureReason: null }),
    keepReason: assign(({ context }, { reason }: { reason: string | null }) => ({
      failureReason: reason ?? context.failureReason,
    })),
  },
}).createMachine({
  id: 'order',
  context: { expiresAt: 0, failureReason: null },
  initial: 'pending',
  // What is not said otherwise below leaves an order as it is.
  on: {
    PAY: { actions: 'accept' },
    PAYMENT_FAILED: { actions: 'accept' },
    PAYMENT_CANCELLED: { actions: 'accept' },
    SESSION_EXPIRED: { actions: 'accept' },
    EXPIRE: { actions: 'accept' },
    CANCEL: { actions: 'accept' },
    REFUND: { actions: 'accept' },
  },
  states: {
    pending: {
      on: {
        PAY: paid(),
        PAYMENT_FAILED: [
          {
            guard: { type: 'isFinal', params: ({ event }) => event },
            target: 'failed',
            actions: { type: 'keepReason', params: ({ event }) => event },
          },
          { actions: { type: 'keepReason', params: ({ event }) => event } },
        ],
        PAYMENT_CANCELLED: {
          target: 'cancelled',
          actions: { type: 'keepReason', params: ({ event }) => event },
        },
        SESSION_EXPIRED: { target: 'expired' },
        EXPIRE: [
          { guard: { type: 'isDue', params: ({ event }) => event }, target: 'expired' },
          { actions: 'accept' },
        ],
        CANCEL: {
          target: 'cancelled',
          actions: { type: 'keepReason', params: ({ event }) => event },
        },
        REFUND: { target: 'refunded' },
      },
    },
    confirmed: {
      on: {
        CANCEL: {
          target: 'refund_required',
          actions: { type: 'keepReason', params: ({ event }) => event },
        },
        REFUND: { target: 'refunded' },
      },
    },
    failed: { on: { PAY: paid(), REFUND: { target: 'refunded' } } },
    expired: { on: { PAY: paid(), REFUND: { target: 'refunded' } } },
    cancelled: { on: { PAY: { target: 'refund_required' }, REFUND: { target: 'refunded' } } },
    refund_required: { on: { REFUND: { target: 'refunded' } } },
    refunded: {},
  },
});

type Paid = { event: { unitsTaken: boolean; reason: string | null } };

/** Money came for an order that may still be confirmed. */
function paid() {
  return [
    {
      guard: { type: 'unitsTaken' as const, params: ({ event }: Paid) => event },
      target: 'confirmed' as const,
      actions: 'forgetReason' as const,
    },
    {
      target: 'refund_required' as const,
      actions: { type: 'keepReason' as const, params: ({ event }: Paid) => event },
    },
  ];
}
