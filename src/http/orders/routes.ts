import type { Core } from '../../core.js';
import type { CommandHeader, OrderCreated } from '../../domain/command.js';
import { type CheckoutPayment, known, PaymentProblem } from '../../payments/payments.js';
import type { MadePayment } from '../../payments/provider.js';
import type { OrderWithRentals } from '../../persistence/reads/orders.js';
import { ANYONE, type Caller, ownerOf } from '../caller.js';
import { endpoint, type Reply, replyTo, type Surface } from '../endpoint.js';
import { camelListOf, nextCursorOf } from '../lists.js';
import { type ProblemCode, problemOf } from '../problem.js';
import { iso } from '../schemas.js';
import { toPaymentProblem } from './payment-problems.js';
import {
  CancelOrderBody,
  type CheckoutBody,
  NewPaymentIntentBody,
  NewSessionBody,
  OrderListQuery,
  OrderPath,
  OrderReply,
  PaymentIntentReply,
  SessionReply,
} from './schemas.js';

const tag = 'Checkout and orders';

const CHECKOUT_PROBLEMS: readonly ProblemCode[] = [
  'product_not_found',
  'not_available',
  'out_of_stock',
  'insufficient_stock',
  'hold_limit_reached',
  'invalid_transition',
  'idempotency_in_progress',
  'payment_provider_failed',
  'payments_not_configured',
];

const createPaymentIntent = endpoint({
  method: 'post',
  path: '/api/checkout/create-payment-intent',
  operationId: 'createPaymentIntent',
  summary: 'Hold what is in a cart, and have it paid on your own page',
  description:
    "The units are held for RESERVATION_EXPIRY_MINUTES. A new order for a cart cancels the cart's older one that is not paid yet.",
  tag,
  roles: ANYONE,
  body: NewPaymentIntentBody,
  takesList: true,
  replies: { 201: { description: 'The order, and its payment.', schema: PaymentIntentReply } },
  problems: CHECKOUT_PROBLEMS,
  handle({ core, caller, body, header }) {
    const payment = { kind: 'intent' as const, customerEmail: body.customerEmail };
    return checkOut(core, caller, { header: header(), body, payment }, (made) => ({
      paymentIntentId: made.paymentIntentId,
      clientSecret: made.clientSecret,
    }));
  },
});

const createSession = endpoint({
  method: 'post',
  path: '/api/checkout/create-session',
  operationId: 'createCheckoutSession',
  summary: "Hold what is in a cart, and have it paid on the provider's page",
  description: 'The units are held until 5 minutes after the session ends.',
  tag,
  roles: ANYONE,
  body: NewSessionBody,
  takesList: true,
  replies: { 201: { description: 'The order, and its payment.', schema: SessionReply } },
  problems: CHECKOUT_PROBLEMS,
  handle({ core, caller, body, header }) {
    const { customerEmail, successUrl, cancelUrl } = body;
    const payment = { kind: 'session' as const, customerEmail, successUrl, cancelUrl };
    return checkOut(core, caller, { header: header(), body, payment }, (made) => ({
      sessionId: made.sessionId,
      url: made.url,
    }));
  },
});

const listOrders = endpoint({
  method: 'get',
  path: '/api/orders',
  operationId: 'listOrders',
  summary: 'List orders, newest first',
  description: 'A customer sees its own.',
  tag,
  roles: ANYONE,
  query: OrderListQuery,
  replies: { 200: { description: 'A page.', schema: camelListOf(OrderReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const page = await core.orders.list({
      storeId: caller.storeId,
      customerId: ownerOf(caller),
      status: query.status ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const data = page.rows.map(renderOrder);
    return {
      status: 200,
      body: { data, nextCursor: nextCursorOf(page, ({ order }) => order.id) },
    };
  },
});

const getOrder = endpoint({
  method: 'get',
  path: '/api/orders/:orderId',
  operationId: 'getOrder',
  summary: 'An order, with the rentals that it became',
  tag,
  roles: ANYONE,
  params: OrderPath,
  replies: { 200: { description: 'The order.', schema: OrderReply } },
  problems: ['order_not_found'],
  async handle({ core, caller, params }) {
    return { status: 200, body: renderOrder(await findOrder(core, caller, params.orderId)) };
  },
});

const cancelOrder = endpoint({
  method: 'post',
  path: '/api/orders/:orderId/cancel',
  operationId: 'cancelOrder',
  summary: 'Cancel an order',
  description:
    'A pending one gives its holds back; a confirmed one cancels its rentals and is to be refunded; any other stays as it is.',
  tag,
  roles: ['admin', 'service'],
  params: OrderPath,
  body: CancelOrderBody,
  replies: { 200: { description: 'The order.', schema: OrderReply } },
  problems: ['order_not_found'],
  async handle({ core, caller, params, body, header }) {
    const { order } = await findOrder(core, caller, params.orderId);
    const answer = await core.send({
      ...known(order),
      ...header(),
      kind: 'cancel_order',
      reason: body.reason,
    });
    return replyTo(answer, (told) => ({ status: 200, body: renderOrder(told) }));
  },
});

export const orderSurface: Surface = {
  spelling: 'camelCase',
  endpoints: [createPaymentIntent, createSession, listOrders, getOrder, cancelOrder],
};

/** No product has this id: the refusal names the line, with all others that fall short. */
const NO_PRODUCT = 0;

async function checkOut(
  core: Core,
  caller: Caller,
  asked: { header: CommandHeader; body: CheckoutBody; payment: CheckoutPayment },
  show: (made: MadePayment) => Record<string, unknown>,
): Promise<Reply> {
  const { header, body, payment } = asked;
  const lines = await Promise.all(
    body.items.map(async ({ productId: ref, quantity, unitAmount }) => {
      // An id is not looked up: the lock will find it or not.
      const found = typeof ref === 'number' ? null : await core.products.find(caller.storeId, ref);
      const productId = typeof ref === 'number' ? ref : (found?.id ?? NO_PRODUCT);
      return { productId, quantity, unitAmount };
    }),
  );
  try {
    const checkout = await core.payments.checkOut({
      ...header,
      ownerId: ownerOf(caller),
      cartId: body.cartId,
      lines,
      maySetPrices: caller.role === 'admin' || caller.role === 'service',
      currency: body.currency,
      payment,
    });
    return replyTo(
      checkout.answer,
      (created) => ({
        status: 201,
        body: {
          ...renderCreated(created, body),
          ...(checkout.payment ? show(checkout.payment) : {}),
        },
      }),
      {
        line: (index) => {
          const item = body.items[index];
          return { product_id: item?.productId, requested: item?.quantity };
        },
      },
    );
  } catch (error) {
    throw error instanceof PaymentProblem ? toPaymentProblem(error) : error;
  }
}

/** The order, where the caller may see it. Throws 404. */
async function findOrder(core: Core, caller: Caller, id: string): Promise<OrderWithRentals> {
  const found = await core.orders.find(caller.storeId, id);
  const owner = ownerOf(caller);
  if (!found || (owner !== null && found.order.customerId !== owner)) {
    throw problemOf({ code: 'order_not_found' });
  }
  return found;
}

/** As it was when the order was made: a repeat is told the same. */
function renderCreated({ order, reservations }: OrderCreated, body: CheckoutBody) {
  return {
    orderId: order.id,
    status: 'pending',
    amount: order.amount,
    currency: order.currency,
    expiresAt: iso(order.expiresAt),
    reservations: reservations.map((reservation, i) => ({
      id: reservation.id,
      productId: body.items[i]?.productId ?? reservation.productId,
      sku: reservation.sku,
      quantity: reservation.quantity,
      status: reservation.status,
      expiresAt: iso(reservation.expiresAt),
    })),
  };
}

function renderOrder({ order, rentals }: OrderWithRentals): OrderReply {
  return {
    id: order.id,
    cartId: order.cartId,
    status: order.status,
    amount: order.amount,
    currency: order.currency,
    items: [...order.items],
    customerId: order.customerId,
    paymentIntentId: order.paymentIntentId,
    sessionId: order.sessionId,
    failureReason: order.failureReason,
    rentals: rentals.map((rental) => ({
      id: rental.id,
      productId: rental.productId,
      userId: rental.userId,
      quantity: rental.quantity,
      status: rental.status,
      reservationId: rental.reservationId,
      createdAt: iso(rental.createdAt),
      completedAt: iso(rental.completedAt),
      cancelledAt: iso(rental.cancelledAt),
      cancelReason: rental.cancelReason,
    })),
    expiresAt: iso(order.expiresAt),
    createdAt: iso(order.createdAt),
    updatedAt: iso(order.updatedAt),
  };
}
