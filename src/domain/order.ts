import { transition } from 'xstate';
import { type OrderEvent, type OrderStatus, orderMachine } from '../../machines/order.js';
import type { Instant } from './instant.js';
import type { Rental } from './rental.js';

/** A line of an order. Several may be of one product: they share its hold and its rental. */
export interface OrderItem {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  /** units */
  readonly quantity: number;
  /** minor units of the order's currency, for one unit */
  readonly unitAmount: number;
  /** the hold that was made for it */
  readonly reservationId: string;
  /** what it became; null before the order is confirmed */
  readonly rentalId: string | null;
}

/** How an order is to be paid at the provider: all that is said when the payment is made. */
export type Payment = PaymentIntent | PaymentSession;

export interface PaymentIntent {
  readonly kind: 'intent';
  readonly customerEmail: string | null;
}

export interface PaymentSession {
  readonly kind: 'session';
  readonly customerEmail: string | null;
  readonly successUrl: string;
  readonly cancelUrl: string;
  /** when the session ends at the provider */
  readonly endsAt: Instant;
  /** where the buyer pays; null until the provider has made the session */
  readonly url: string | null;
}

/** A cart that is being paid for, or was. Its lines are its own: the cart may change meanwhile. */
export interface Order {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly cartId: string;
  readonly status: OrderStatus;
  /** the user whose own it is; null: nobody's in particular */
  readonly customerId: string | null;
  /** the `sub` of who made it */
  readonly createdBy: string;
  /** minor units */
  readonly amount: number;
  /** ISO 4217 */
  readonly currency: string;
  readonly items: readonly OrderItem[];
  readonly payment: Payment;
  /** the provider's ids; null while they are not known */
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
  readonly failureReason: string | null;
  /** when its hold ends */
  readonly expiresAt: Instant;
  /** when to see to its payment at the provider; null where there is nothing to be done */
  readonly attendAt: Instant | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Asks the order's machine what an event makes of it; where nothing, the same object comes back. */
export function nextOrder(order: Order, event: OrderEvent, now: Instant): Order {
  const { expiresAt, failureReason } = order;
  const before = orderMachine.resolveState({
    value: order.status,
    context: { expiresAt, failureReason },
  });
  const [{ value: status, context }] = transition(orderMachine, before, event);
  if (status === order.status && context.failureReason === failureReason) return order;
  return { ...order, status, failureReason: context.failureReason, updatedAt: now };
}

/** The products of an order's lines, each once. */
export function productIdsOfOrder({ items }: Pick<Order, 'items'>): number[] {
  return [...new Set(items.map(({ productId }) => productId))];
}

/** The rentals that an order became, each once. */
export function rentalIdsOfOrder({ items }: Pick<Order, 'items'>): string[] {
  return [...new Set(items.flatMap(({ rentalId }) => (rentalId === null ? [] : [rentalId])))];
}

/** An order as the world is told of it: plain data, instants in ms. */
export function toldOrder(order: Order, rentals: readonly Rental[]): Record<string, unknown> {
  const { id, cartId, status, customerId, amount, currency, items } = order;
  const { paymentIntentId, sessionId, failureReason, createdAt, updatedAt } = order;
  return {
    id,
    cartId,
    status,
    customerId,
    amount,
    currency,
    items,
    paymentIntentId,
    sessionId,
    failureReason,
    rentals,
    createdAt,
    updatedAt,
  };
}
