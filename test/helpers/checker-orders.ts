import type { CheckOptions, Exchange } from './checker.js';
import type { OrderRow, Tables } from './checker-tables.js';

/** I2 and I6: an order is what its events, its holds, its rentals and its payment say. */
export function* ordersAreInOrder(tables: Tables, options: CheckOptions): Generator<string> {
  const pending = new Map<string, string>();
  for (const order of tables.orders.values()) {
    const name = `order ${order.id} (${order.status})`;
    if ((order.pending === 1) !== (order.status === 'pending')) {
      yield `${name} has pending ${order.pending}`;
    }
    if (order.status === 'pending') {
      const key = JSON.stringify([order.store_id, order.cart_id]);
      const other = pending.get(key);
      if (other) yield `${name} and ${other} are both pending, and the same cart's`;
      pending.set(key, order.id);
    }
    const amount = order.items.reduce((sum, item) => sum + item.quantity * item.unitAmount, 0);
    if (amount !== Number(order.amount))
      yield `${name} is for ${order.amount}, its lines ${amount}`;
    const told = tables.orderEvents.filter(({ orderId }) => orderId === order.id);
    const turns = told.map(({ status }) => status);
    yield* turnsAreAllowed(order, turns, name);
    yield* rentalsAreItsOwn(tables, order, { turns, name });
    const isPaid = options.paidOrders?.has(order.id);
    if (isPaid === false && PAID.has(order.status)) yield `${name} was never paid`;
  }
  yield* holdsAreOfPendingOrders(tables);
}

/** Statuses of which only money that came is the cause. */
const PAID = new Set(['confirmed', 'refund_required', 'refunded']);

const NEXT: Readonly<Record<string, readonly string[]>> = {
  pending: ['confirmed', 'failed', 'cancelled', 'expired', 'refund_required'],
  failed: ['confirmed', 'refund_required'],
  expired: ['confirmed', 'refund_required'],
  cancelled: ['refund_required'],
  confirmed: ['refund_required'],
};

/** Each turn of an order was told, once, and was one that it may take. */
function* turnsAreAllowed(
  order: OrderRow,
  turns: readonly string[],
  name: string,
): Generator<string> {
  let at = 'pending';
  for (const turn of turns) {
    if (!NEXT[at]?.includes(turn)) yield `${name} was told to be ${turn} after it was ${at}`;
    at = turn;
  }
  // Nothing is told of money that went back.
  if (order.status !== 'refunded' && at !== order.status) yield `${name} was last told to be ${at}`;
}

/** What was confirmed has a rental for each product, with its units; what was not, has none. */
function* rentalsAreItsOwn(
  { rentals }: Tables,
  order: OrderRow,
  { turns, name }: { turns: readonly string[]; name: string },
): Generator<string> {
  const own = [...rentals.values()].filter(({ order_id }) => order_id === order.id);
  if (!turns.includes('confirmed')) {
    if (own.length > 0) yield `${name} was never confirmed and has ${own.length} rentals`;
    return;
  }
  const productIds = new Set(order.items.map(({ productId }) => productId));
  if (own.length !== productIds.size) {
    yield `${name} has ${own.length} rentals for ${productIds.size} products`;
  }
  for (const productId of productIds) {
    const items = order.items.filter((item) => item.productId === productId);
    const units = items.reduce((sum, { quantity }) => sum + quantity, 0);
    const rental = own.find(({ product_id }) => product_id === productId);
    if (rental?.quantity !== units) {
      yield `${name} was confirmed and has ${rental?.quantity ?? 0} of ${units} units of product ${productId}`;
    }
    if (items.some(({ rentalId }) => rentalId !== rental?.id)) {
      yield `${name} names another rental of product ${productId} than ${rental?.id}`;
    }
    if (order.status === 'refund_required' && rental?.status === 'active') {
      yield `${name} was cancelled and still has product ${productId}`;
    }
  }
}

/** A hold that was made for orders ends with them, unless one of them was paid and left some of it. */
function* holdsAreOfPendingOrders({ orders, reservations }: Tables): Generator<string> {
  const naming = new Map<string, OrderRow[]>();
  for (const order of orders.values()) {
    for (const { reservationId } of order.items) {
      naming.set(reservationId, [...(naming.get(reservationId) ?? []), order]);
    }
  }
  for (const [id, named] of naming) {
    const hold = reservations.get(id);
    if (!hold) {
      yield `order ${named[0]?.id} names the reservation ${id}, which is not there`;
      continue;
    }
    const isHeld = hold.status === 'reserved' && hold.expires_at > Date.now();
    const mayBeHeld = ({ status, items }: OrderRow) =>
      status === 'pending' || items.some(({ rentalId }) => rentalId !== null);
    if (isHeld && !named.some(mayBeHeld)) {
      yield `reservation ${id} is held for order ${named[0]?.id}, which is ${named[0]?.status}`;
    }
  }
}

/** I3 and I4: what was told of orders is so, and each message of the provider's counted once. */
export function* ordersAreAsTold(
  { orders, paymentEventIds }: Tables,
  exchanges: readonly Exchange[],
): Generator<string> {
  const firsts = new Map<string, number>();
  for (const { path, body, answer, storeId } of exchanges) {
    if (!answer || answer.status >= 300) continue;
    if (path.startsWith('/api/checkout/')) {
      const order = orders.get(answer.body.orderId);
      const said = [storeId, answer.body.amount];
      const kept = [order?.store_id, Number(order?.amount)];
      if (said.join() !== kept.join())
        yield `order ${answer.body.orderId} was told and is not there`;
    }
    if (path !== '/api/webhooks/stripe') continue;
    const id = String(body?.['id']);
    if (!paymentEventIds.has(id)) yield `message ${id} was taken and is not there`;
    if (!answer.body.duplicate) firsts.set(id, (firsts.get(id) ?? 0) + 1);
    const orderId = paidOrderIn(body);
    const status = orders.get(orderId ?? '')?.status;
    if (orderId !== null && !PAID.has(status ?? '')) {
      yield `order ${orderId} was paid, as message ${id} said, and is ${status}`;
    }
  }
  for (const [id, times] of firsts) {
    if (times > 1) yield `message ${id} was taken for new ${times} times`;
  }
}

/** The order that a message of the provider's says is paid. */
function paidOrderIn(body: Exchange['body']): string | null {
  const message = body as
    | {
        type?: string;
        data?: { object?: { payment_status?: string; metadata?: { orderId?: string } } };
      }
    | undefined;
  const { payment_status: payment, metadata } = message?.data?.object ?? {};
  const isPaid =
    message?.type === 'payment_intent.succeeded' ||
    message?.type === 'checkout.session.async_payment_succeeded' ||
    (message?.type === 'checkout.session.completed' && payment === 'paid');
  return isPaid ? (metadata?.orderId ?? null) : null;
}
