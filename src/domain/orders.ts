import type { OrderEvent, OrderStatus } from '../../machines/order.js';
import type { Batch } from './batch.js';
import { CartGrew } from './cart-grew.js';
import { userOfCart } from './carts.js';
import {
  type AttachPayment,
  type AttendOrder,
  type CancelOrder,
  type CommandHeader,
  type CreateOrder,
  done,
  type ExpireOrder,
  type KnownOrder,
  type NotePaymentEvent,
  type OrderCreated,
  type OrderSettled,
  type OrderTold,
  type Outcome,
  refused,
  type SettleOrder,
} from './command.js';
import type { LinelessEventType } from './event.js';
import { giveBackUnits, type HoldRules, mayTouch, reserve } from './holds.js';
import {
  nextOrder,
  type Order,
  type Payment,
  productIdsOfOrder,
  rentalIdsOfOrder,
  toldOrder,
} from './order.js';
import type { EventOutcome, PaymentNews } from './payment-news.js';
import type { FieldError } from './refusal.js';
import { endRental } from './rentals.js';
import { sell } from './sales.js';
import { sentenceOf } from './sentences.js';

/**
 * Makes an order of a cart: its units are held, and its older pending order is cancelled. All
 * lines, or none: each that falls short is named.
 */
export function createOrder(
  batch: Batch,
  command: CreateOrder,
  rules: HoldRules,
): Outcome<OrderCreated> {
  const { storeId, cartId, customerId, orderId, ownerId } = command;
  if (!mayTouch(batch, command, cartId)) return refused({ code: 'forbidden' });
  const older = batch.pendingOrder(command);
  // Its hold may have ended, and its buyer be paying all the same.
  const isAnothers = ownerId !== null && older && (older.customerId ?? ownerId) !== ownerId;
  if (isAnothers) return refused({ code: 'forbidden' });
  if (older) mustKnowProducts(command, older);
  const { prices, errors } = pricesOf(batch, command);
  if (errors.length > 0) return refused({ code: 'validation_failed', errors });

  const held = reserve(
    batch,
    {
      ...command,
      kind: 'reserve',
      how: 'set',
      reason: 'checkout',
      lines: command.lines.map(({ productId, quantity, reservationId }) => ({
        productId,
        cartId,
        quantity,
        customerId,
        expiry: { lastsMs: command.holdLastsMs },
        reservationId,
      })),
    },
    rules,
  );
  if (!held.ok) return held;
  const reservations = held.value.lines.map(({ reservation }) => reservation);
  if (older) {
    const cancel = {
      type: 'CANCEL' as const,
      reason: 'a newer checkout of the cart took its place',
    };
    turn(batch, command, older, cancel, new Set(reservations.map(({ id }) => id)));
  }
  const items = command.lines.map((line, i) => {
    const product = batch.product({ storeId, productId: line.productId });
    const reservation = reservations[i];
    if (!product || !reservation) throw new Error(`line ${i} of order ${orderId} was not held`);
    const { sku, name } = product.row;
    const { productId, quantity } = line;
    const unitAmount = prices.unitAmounts[i] ?? 0;
    return {
      productId,
      sku,
      name,
      quantity,
      unitAmount,
      reservationId: reservation.id,
      rentalId: null,
    };
  });
  const order: Order = {
    id: orderId,
    storeId,
    cartId,
    status: 'pending',
    customerId,
    createdBy: command.actor,
    amount: prices.amount,
    currency: prices.currency,
    items,
    payment: paymentOf(command, batch.now),
    paymentIntentId: null,
    sessionId: null,
    failureReason: null,
    expiresAt: Math.min(...reservations.map(({ expiresAt }) => expiresAt)),
    // Should nobody say what became of the call to the provider, it is asked.
    attendAt: batch.now + command.askAfterMs,
    createdAt: batch.now,
    updatedAt: batch.now,
  };
  batch.createOrder(order);
  return done({ order, reservations });
}

function paymentOf({ payment }: CreateOrder, now: number): Payment {
  if (payment.kind === 'intent') return payment;
  const { lastsMs, ...rest } = payment;
  // The provider counts whole seconds.
  return { ...rest, endsAt: Math.ceil((now + lastsMs) / 1000) * 1000, url: null };
}

interface Prices {
  /** minor units, for each line */
  readonly unitAmounts: readonly number[];
  readonly amount: number;
  readonly currency: string;
}

/** What the lines cost. Products that do not exist are left for whoever looks for their units. */
function pricesOf(
  batch: Batch,
  command: CreateOrder,
): { prices: Prices; errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const currencies = new Set<string>();
  const unitAmounts = command.lines.map((line, i) => {
    const field = `items[${i}].unitAmount`;
    const row = batch.product({ ...command, ...line })?.row;
    if (line.unitAmount !== null) {
      if (!command.maySetPrices) {
        const message = "is not for the caller to say: the product's own price is taken";
        errors.push({ field, message });
      }
      const currency = row?.priceCurrency ?? command.currency;
      if (currency !== null) currencies.add(currency);
      else errors.push({ field: 'currency', message: 'is missing: the product has none' });
      return line.unitAmount;
    }
    if (row && (row.priceAmount === null || row.priceCurrency === null)) {
      const message = `can not be left out: product ${row.sku} has no price`;
      errors.push({ field, message });
    }
    if (row?.priceCurrency) currencies.add(row.priceCurrency);
    return row?.priceAmount ?? 0;
  });
  const [currency = command.currency ?? ''] = currencies;
  if (currencies.size > 1) {
    const message = `must have prices in one currency, and they are in ${[...currencies].join(' and ')}`;
    errors.push({ field: 'items', message });
  } else if (command.currency !== null && command.currency !== currency) {
    errors.push({ field: 'currency', message: `must be ${currency}, as the prices are` });
  }
  const amount = command.lines.reduce(
    (total, { quantity }, i) => total + quantity * (unitAmounts[i] ?? 0),
    0,
  );
  const exist = command.lines.every((line) => batch.product({ ...command, ...line }));
  if (errors.length === 0 && exist && !(Number.isSafeInteger(amount) && amount > 0)) {
    errors.push({
      field: 'items',
      message: 'must cost more than nothing, and no more than can be counted',
    });
  }
  return { prices: { unitAmounts, amount, currency }, errors };
}

/** Notes what the provider calls an order's payment. */
export function attachPayment(batch: Batch, command: AttachPayment): Outcome<Order> {
  const order = batch.order(command);
  if (!order) return refused({ code: 'order_not_found' });
  const { payment } = order;
  const mustBeClosed = order.status === 'cancelled' || order.status === 'expired';
  const attached: Order = {
    ...order,
    paymentIntentId: order.paymentIntentId ?? command.paymentIntentId,
    sessionId: order.sessionId ?? command.sessionId,
    payment: payment.kind === 'session' ? { ...payment, url: payment.url ?? command.url } : payment,
    attendAt: mustBeClosed ? batch.now : null,
  };
  batch.saveOrder(attached);
  return done(attached);
}

/** Notes when to see to an order's payment at the provider next. */
export function attendOrder(batch: Batch, command: AttendOrder): Outcome<null> {
  const order = batch.order(command);
  if (!order) return refused({ code: 'order_not_found' });
  const { againInMs } = command;
  batch.saveOrder({ ...order, attendAt: againInMs === null ? null : batch.now + againInMs });
  return done(null);
}

/** Carries out what the provider says became of an order's payment; what it said before, not again. */
export function settleOrder(batch: Batch, command: SettleOrder): Outcome<OrderSettled> {
  const { event, news } = command;
  if (event && batch.knowsPaymentEvent(event.id)) {
    return done({ duplicate: true, outcome: 'unchanged', status: null });
  }
  const order = batch.order(command);
  if (!order) return refused({ code: 'order_not_found' });
  mustKnowProducts(command, order);
  const isForeign =
    differ(order.paymentIntentId, news.paymentIntentId) || differ(order.sessionId, news.sessionId);
  const after = isForeign ? order : tellNews(batch, command, order);
  const outcome: EventOutcome = isForeign ? 'foreign' : after === order ? 'unchanged' : 'applied';
  if (event) batch.keepPaymentEvent({ ...event, orderId: order.id, outcome });
  return done({ duplicate: false, outcome, status: after.status });
}

const differ = (ours: string | null, theirs: string | null) =>
  ours !== null && theirs !== null && ours !== theirs;

/** Keeps a message of the provider's that has no effect. */
export function notePaymentEvent(batch: Batch, command: NotePaymentEvent): Outcome<OrderSettled> {
  const { event, outcome } = command;
  if (batch.knowsPaymentEvent(event.id)) {
    return done({ duplicate: true, outcome: 'unchanged', status: null });
  }
  batch.keepPaymentEvent({ ...event, orderId: null, outcome });
  return done({ duplicate: false, outcome, status: null });
}

function tellNews(batch: Batch, command: SettleOrder, order: Order): Order {
  const { news } = command;
  let known = order;
  const paymentIntentId = order.paymentIntentId ?? news.paymentIntentId;
  const sessionId = order.sessionId ?? news.sessionId;
  if (paymentIntentId !== order.paymentIntentId || sessionId !== order.sessionId) {
    known = { ...order, paymentIntentId, sessionId };
    batch.saveOrder(known);
  }
  const { reason } = news;
  switch (news.what) {
    case 'paid':
      return pay(batch, command, known);
    case 'waiting':
      return known;
    case 'attempt_failed':
    case 'failed':
      return turn(batch, command, known, {
        type: 'PAYMENT_FAILED',
        isFinal: news.what === 'failed',
        reason,
      });
    case 'cancelled':
      return turn(batch, command, known, { type: 'PAYMENT_CANCELLED', reason });
    case 'session_expired':
      return turn(batch, command, known, { type: 'SESSION_EXPIRED' });
    case 'refunded':
      return turn(batch, command, known, { type: 'REFUND' });
  }
}

/** Money came. Where that confirms the order, its units are rented; where they are gone, not. */
function pay(batch: Batch, command: SettleOrder, order: Order): Order {
  const unpaid = (reason: string | null) =>
    turn(batch, command, order, { type: 'PAY', unitsTaken: false, reason });
  const isPaid = { type: 'PAY' as const, unitsTaken: true, reason: null };
  const mayConfirm =
    order.status !== 'confirmed' && nextOrder(order, isPaid, batch.now).status === 'confirmed';
  if (!mayConfirm) return unpaid(null);
  if (!coversAmount(order, command.news)) {
    const { amount, currency } = command.news;
    return unpaid(
      `${amount} ${currency} were paid, and ${order.amount} ${order.currency} were due`,
    );
  }
  let sold = sellItems(batch, command, order, { onlyItsHolds: true });
  // Nobody is blocked by what its own cart holds, unless that is for another order.
  const isAlone = (batch.pendingOrder(order) ?? order).id === order.id;
  if (!sold.ok && isAlone) sold = sellItems(batch, command, order, { onlyItsHolds: false });
  if (!sold.ok) return unpaid(`the units were gone when it was paid. ${sentenceOf(sold.refusal)}`);
  const items = order.items.map((item, i) => ({
    ...item,
    rentalId: sold.value.lines[i]?.rental.id ?? null,
  }));
  return turn(batch, command, { ...order, items }, isPaid);
}

/** Rents an order's units: those of its holds, and of free ones what these lack. */
function sellItems(
  batch: Batch,
  command: SettleOrder,
  { id: orderId, cartId, customerId: userId, items }: Order,
  { onlyItsHolds }: { onlyItsHolds: boolean },
) {
  return sell(batch, {
    ...command,
    kind: 'sell',
    ownerId: null,
    orderId,
    boughtBy: userOfCart(cartId),
    lines: items.map(({ productId, quantity, reservationId }) => ({
      productId,
      quantity,
      cartId,
      ...(onlyItsHolds ? { onlyHold: reservationId } : {}),
      holdMustExist: false,
      userId,
      reason: null,
      rentalId: rentalIdFor(command, productId),
    })),
  });
}

function coversAmount({ amount, currency }: Order, paid: PaymentNews): boolean {
  return (
    (paid.amount === null || paid.amount >= amount) &&
    (paid.currency === null || paid.currency === currency)
  );
}

function rentalIdFor(command: KnownOrder, productId: number): string {
  const id = command.rentalIds[command.productIds.indexOf(productId)];
  if (id === undefined) throw new Error(`no id was made for the rental of product ${productId}`);
  return id;
}

/** Cancels an order; one that is over and not confirmed stays as it is. */
export function cancelOrder(batch: Batch, command: CancelOrder): Outcome<OrderTold> {
  return change(batch, command, { type: 'CANCEL', reason: command.reason });
}

/** Writes down that an order's time is over; one that is not due stays as it is. */
export function expireOrder(batch: Batch, command: ExpireOrder): Outcome<OrderTold> {
  return change(batch, command, { type: 'EXPIRE', now: batch.now });
}

function change(batch: Batch, command: KnownOrder, event: OrderEvent): Outcome<OrderTold> {
  const order = batch.order(command);
  if (!order) return refused({ code: 'order_not_found' });
  mustKnowProducts(command, order);
  const after = turn(batch, command, order, event);
  return done({ order: after, rentals: rentalsOf(batch, after) });
}

/**
 * Throws CartGrew where a command knew nothing of a product of an order, so that nothing of it was
 * read for it.
 */
function mustKnowProducts({ productIds }: Pick<KnownOrder, 'productIds'>, order: Order): void {
  const unknown = productIdsOfOrder(order).filter((id) => !productIds.includes(id));
  if (unknown.length > 0) throw new CartGrew(unknown);
}

/**
 * Lets something happen to an order, with what follows from it: one that is over gives its holds
 * back (but for those that are to be kept), one that is no longer confirmed its rentals.
 */
function turn(
  batch: Batch,
  command: CommandHeader,
  order: Order,
  event: OrderEvent,
  keep: ReadonlySet<string> = new Set(),
): Order {
  const next = nextOrder(order, event, batch.now);
  if (next === order) return order;
  const { status } = next;
  if (status === order.status) {
    batch.saveOrder(next);
    return next;
  }
  if (order.status === 'pending' && status !== 'confirmed')
    giveHoldsBack(batch, command, next, keep);
  if (order.status === 'confirmed' && status === 'refund_required') {
    cancelRentals(batch, command, next);
  }
  // What was ended here, and not by the provider, is to be ended there too.
  const mustBeClosed = status === 'expired' || status === 'cancelled';
  const isOurWord = event.type === 'EXPIRE' || event.type === 'CANCEL';
  const turned = { ...next, attendAt: mustBeClosed && isOurWord ? batch.now : null };
  batch.saveOrder(turned);
  batch.changes.orderTurns.push(turned);
  const type = EVENT_TYPES[status];
  if (type !== null) {
    const data = toldOrder(turned, rentalsOf(batch, turned));
    batch.tell(command, { type, userId: turned.customerId, data });
  }
  return turned;
}

const EVENT_TYPES: Readonly<Record<OrderStatus, LinelessEventType | null>> = {
  pending: null,
  confirmed: 'order.confirmed',
  failed: 'order.failed',
  cancelled: 'order.cancelled',
  expired: 'order.expired',
  refund_required: 'order.refund_required',
  refunded: null,
};

/** The holds that are still the order's own are given back; a newer one of the cart is not. */
function giveHoldsBack(
  batch: Batch,
  command: CommandHeader,
  order: Order,
  keep: ReadonlySet<string>,
): void {
  const { storeId, cartId, id: orderId } = order;
  for (const { productId, reservationId } of order.items) {
    const product = batch.product({ storeId, productId });
    const hold = batch.hold({ storeId, productId, cartId });
    if (!product || hold?.id !== reservationId || keep.has(reservationId)) continue;
    const cause = { ...command, reason: `order_${order.status}`, orderId };
    giveBackUnits(batch, product, cause, hold, hold.quantity);
  }
}

function cancelRentals(batch: Batch, command: CommandHeader, order: Order): void {
  const reason = order.failureReason ?? 'order_cancelled';
  for (const rental of rentalsOf(batch, order)) {
    if (rental.status !== 'active') continue;
    const { id: rentalId, productId } = rental;
    const ended = endRental(batch, {
      ...command,
      kind: 'cancel',
      productId,
      rentalId,
      ownerId: null,
      reason,
    });
    if (!ended.ok) throw new Error(`rental ${rentalId} is active and can not be cancelled`);
  }
}

function rentalsOf(batch: Batch, order: Order) {
  const { storeId } = order;
  return rentalIdsOfOrder(order).map((rentalId) => {
    const rental = batch.rental({ storeId, rentalId });
    if (!rental) throw new Error(`rental ${rentalId} of order ${order.id} was not read`);
    return rental;
  });
}
