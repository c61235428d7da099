import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { transition } from 'xstate';
import {
  ORDER_STATUSES,
  type OrderEvent,
  type OrderStatus,
  orderMachine,
} from '../../machines/order.js';

const DUE = 1_000;
const EVENTS = {
  paid: { type: 'PAY', unitsTaken: true, reason: null },
  'paid, no units': { type: 'PAY', unitsTaken: false, reason: 'gone' },
  'attempt failed': { type: 'PAYMENT_FAILED', isFinal: false, reason: 'declined' },
  failed: { type: 'PAYMENT_FAILED', isFinal: true, reason: 'declined' },
  'payment cancelled': { type: 'PAYMENT_CANCELLED', reason: null },
  'session expired': { type: 'SESSION_EXPIRED' },
  'not due': { type: 'EXPIRE', now: DUE - 1 },
  due: { type: 'EXPIRE', now: DUE },
  cancel: { type: 'CANCEL', reason: 'rain' },
  refund: { type: 'REFUND' },
} as const satisfies Record<string, OrderEvent>;
type EventName = keyof typeof EVENTS;

/** What becomes of an order; whatever is not listed leaves it as it is. */
const TURNS: Readonly<Record<OrderStatus, Partial<Record<EventName, OrderStatus>>>> = {
  pending: {
    paid: 'confirmed',
    'paid, no units': 'refund_required',
    failed: 'failed',
    'payment cancelled': 'cancelled',
    'session expired': 'expired',
    due: 'expired',
    cancel: 'cancelled',
    refund: 'refunded',
  },
  confirmed: { cancel: 'refund_required', refund: 'refunded' },
  failed: { paid: 'confirmed', 'paid, no units': 'refund_required', refund: 'refunded' },
  expired: { paid: 'confirmed', 'paid, no units': 'refund_required', refund: 'refunded' },
  cancelled: {
    paid: 'refund_required',
    'paid, no units': 'refund_required',
    refund: 'refunded',
  },
  refund_required: { refund: 'refunded' },
  refunded: {},
};

function told(status: OrderStatus, event: OrderEvent, failureReason: string | null = null) {
  const before = orderMachine.resolveState({
    value: status,
    context: { expiresAt: DUE, failureReason },
  });
  const [{ value, context }] = transition(orderMachine, before, event);
  return { status: value, failureReason: context.failureReason };
}

describe('an order', () => {
  for (const status of ORDER_STATUSES) {
    it.each(Object.keys(EVENTS) as EventName[])(`that is ${status} and told: %s`, (name) => {
      expect(told(status, EVENTS[name]).status).toBe(TURNS[status][name] ?? status);
    });
  }

  it('keeps why it is not confirmed, and forgets it when it is', () => {
    expect(told('pending', EVENTS['attempt failed']).failureReason).toBe('declined');
    expect(told('pending', EVENTS.paid, 'declined').failureReason).toBeNull();
    expect(told('expired', EVENTS['paid, no units']).failureReason).toBe('gone');
    expect(told('confirmed', EVENTS.cancel).failureReason).toBe('rain');
    expect(told('cancelled', EVENTS.cancel, 'first').failureReason).toBe('first');
    expect(told('cancelled', EVENTS.paid, 'first').failureReason).toBe('first');
  });

  it('is told anything any number of times: twice in a row is once', () => {
    const names = fc.constantFrom(...(Object.keys(EVENTS) as EventName[]));
    fc.assert(
      fc.property(fc.constantFrom(...ORDER_STATUSES), names, (status, name) => {
        const event = EVENTS[name];
        const once = told(status, event);
        // A confirmed order that is cancelled is over only then.
        expect(told(once.status, event, once.failureReason)).toEqual(once);
      }),
    );
  });

  it('that was paid is confirmed, or the money goes back, whatever else is said in whichever order', () => {
    const names = fc.array(fc.constantFrom(...(Object.keys(EVENTS) as EventName[])));
    fc.assert(
      fc.property(names, names, (before, behind) => {
        let status: OrderStatus = 'pending';
        for (const name of [...before, 'paid' as const, ...behind]) {
          status = told(status, EVENTS[name]).status;
        }
        expect(['confirmed', 'refund_required', 'refunded']).toContain(status);
      }),
    );
  });
});
