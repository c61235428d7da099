import type { Answer } from '../actors/committer.js';
import type { Send } from '../core.js';
import { userOfCart } from '../domain/carts.js';
import type { CommandHeader, CreateOrder, KnownOrder, NewPayment } from '../domain/command.js';
import { type Order, productIdsOfOrder } from '../domain/order.js';
import type { PaymentEvent, PaymentNews } from '../domain/payment-news.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { OrderReads } from '../persistence/reads/orders.js';
import {
  type MadePayment,
  type PaymentProvider,
  PaymentRefused,
  PaymentUncertain,
  type ProviderEvent,
} from './provider.js';

/** What a caller wants to have paid. */
export interface CheckoutRequest extends CommandHeader {
  /** the customer who asks, and who may only touch what is its own */
  readonly ownerId: string | null;
  readonly cartId: string;
  readonly lines: readonly {
    readonly productId: number;
    readonly quantity: number;
    readonly unitAmount: number | null;
  }[];
  readonly maySetPrices: boolean;
  readonly currency: string | null;
  readonly payment: CheckoutPayment;
}

type WithoutLength<T> = T extends unknown ? Omit<T, 'lastsMs'> : never;
export type CheckoutPayment = WithoutLength<NewPayment>;

/** A checkout's answer, and the payment where its order was made. */
export interface Checkout {
  readonly answer: Answer<CreateOrder>;
  readonly payment: MadePayment | null;
}

/** Taking payments for orders. */
export interface Payments {
  /**
   * Holds the units and makes the order, in one commit; then the provider is asked for a payment;
   * then that is noted. Sent again with the same key it goes on where it was cut off. Throws a
   * PaymentProblem where there is no payment in the end.
   */
  checkOut(request: CheckoutRequest): Promise<Checkout>;
  /** Carries out a message of the provider's. Throws what reading it throws, or a PaymentProblem. */
  receive(message: {
    readonly bytes: Buffer;
    readonly signature: string | undefined;
  }): Promise<{ duplicate: boolean }>;
  /** Writes down which orders are over unpaid. Returns how many. */
  expireDue(goOn?: GoOn): Promise<number>;
  /**
   * Sees to payments at the provider: those of which nobody knows whether they were made, and those
   * that are to be ended. Returns how many.
   */
  attend(goOn?: GoOn): Promise<number>;
  /** Asks the provider for all payments that may have been made without a word; returns how many were. */
  reconcile(goOn?: GoOn): Promise<number>;
}

/** Asked before each round of work that may take long. */
type GoOn = () => boolean | Promise<boolean>;

/** Why there is no payment. */
export class PaymentProblem extends Error {
  readonly code: PaymentProblemCode;
  /** the order that there is none for */
  readonly order: Order | null;

  constructor(code: PaymentProblemCode, order: Order | null = null, cause?: unknown) {
    super(code, { cause });
    this.name = 'PaymentProblem';
    this.code = code;
    this.order = order;
  }
}

/**
 * `refused`: the order failed; `uncertain`: the order is pending, and is settled later; `under_way`:
 * another copy is at it; `over`: the order was ended before there was a payment.
 */
export type PaymentProblemCode = 'not_configured' | 'refused' | 'uncertain' | 'under_way' | 'over';

export interface PaymentsOptions {
  /** ms that the hold for a payment intent lasts */
  readonly intentHoldMs: number;
  /** whether a failed attempt to pay gives the units back at once */
  readonly releaseOnFailure: boolean;
  /** longest time that a request to the provider takes with its repeats, in ms */
  readonly requestMaxMs: number;
}

/** The provider's least is 30 minutes from when it makes the session, which may be some time later. */
const SESSION_MIN_MS = 35 * 60_000;
/** The provider's most is 24 hours. */
const SESSION_MAX_MS = 23 * 3_600_000;
/** A hold outlives the session that it is for by so much. */
const SESSION_GRACE_MS = 5 * 60_000;
const ASK_SLACK_MS = 10_000;

const ORDERS_AT_ONCE = 50;
const PARALLEL = 4;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** Then a payment whose end is not known is left to people. */
const GIVE_UP_MS = 72 * 3_600_000;

export function createPayments(parts: {
  send: Send;
  orders: OrderReads;
  /** null: none is set up */
  provider: PaymentProvider | null;
  /** Reads a message; null: none is set up. */
  readEvent: ((message: { bytes: Buffer; signature: string | undefined }) => ProviderEvent) | null;
  options: PaymentsOptions;
  log: Logger;
}): Payments {
  const { send, orders, provider, readEvent, options, log } = parts;
  /** payments that this copy is asking for, by order */
  const underWay = new Map<string, Promise<MadePayment>>();

  async function checkOut(request: CheckoutRequest): Promise<Checkout> {
    if (!provider) throw new PaymentProblem('not_configured');
    const { storeId, cartId } = request;
    const older = await orders.pendingOf(storeId, cartId);
    const sessionMs = Math.min(Math.max(SESSION_MIN_MS, options.intentHoldMs), SESSION_MAX_MS);
    const isSession = request.payment.kind === 'session';
    const answer = await send({
      ...request,
      kind: 'create_order',
      orderId: newId(),
      customerId: request.ownerId ?? userOfCart(cartId),
      lines: request.lines.map((line) => ({ ...line, reservationId: newId() })),
      productIds: [
        ...new Set([
          ...request.lines.map(({ productId }) => productId),
          ...(older ? productIdsOfOrder(older) : []),
        ]),
      ],
      holdLastsMs: isSession ? sessionMs + SESSION_GRACE_MS : options.intentHoldMs,
      payment:
        request.payment.kind === 'session'
          ? { ...request.payment, lastsMs: sessionMs }
          : request.payment,
      askAfterMs: options.requestMaxMs + ASK_SLACK_MS,
    });
    if (!answer.outcome.ok) return { answer, payment: null };
    const { order } = answer.outcome.value;
    const payment = answer.replayed ? await resume(order) : await makeOnce(order);
    return { answer, payment };
  }

  /** A repeat of a checkout gets its payment, or goes on to make it. A secret is shown once. */
  async function resume(made: Order): Promise<MadePayment> {
    // Looked for before the row is read: once this copy is done, the row says so.
    const running = underWay.get(made.id);
    if (running !== undefined) return { ...(await running), clientSecret: null };
    const found = await orders.find(made.storeId, made.id);
    const order = found?.order ?? made;
    const { paymentIntentId, sessionId, payment } = order;
    if (isAttached(order)) {
      const url = payment.kind === 'session' ? payment.url : null;
      return { paymentIntentId, sessionId, clientSecret: null, url };
    }
    if (order.status === 'failed') throw new PaymentProblem('refused', order);
    if (order.status !== 'pending') throw new PaymentProblem('over', order);
    return makeOnce(order);
  }

  function makeOnce(order: Order): Promise<MadePayment> {
    const known = underWay.get(order.id);
    if (known !== undefined) return known;
    const making = make(order).finally(() => underWay.delete(order.id));
    underWay.set(order.id, making);
    return making;
  }

  /** Asks the provider for the payment of a pending order, and notes it. Throws a PaymentProblem. */
  async function make(order: Order): Promise<MadePayment> {
    let made: MadePayment;
    try {
      made = await needProvider().make(order);
    } catch (error) {
      if (error instanceof PaymentRefused) {
        await settle(order, { ...NO_NEWS, what: 'failed', reason: error.message }, null);
        log.warn({ order: order.id, err: error }, 'the payment provider refused a payment');
        throw new PaymentProblem('refused', order, error);
      }
      if (!(error instanceof PaymentUncertain)) throw error;
      const { isUnderWay } = error;
      if (!isUnderWay) {
        log.warn({ order: order.id, err: error }, 'it is not known whether a payment was made');
      }
      throw new PaymentProblem(isUnderWay ? 'under_way' : 'uncertain', order, error);
    }
    const attached = await attach(order, made);
    if (attached.status === 'cancelled' || attached.status === 'expired') {
      throw new PaymentProblem('over', attached);
    }
    return made;
  }

  async function attach(order: Order, made: MadePayment): Promise<Order> {
    const { outcome } = await send({
      ...header(order),
      kind: 'attach_payment',
      orderId: order.id,
      paymentIntentId: made.paymentIntentId,
      sessionId: made.sessionId,
      url: made.url,
    });
    if (!outcome.ok) throw new Error(`order ${order.id} is gone: ${outcome.refusal.code}`);
    return outcome.value;
  }

  async function receive(message: { bytes: Buffer; signature: string | undefined }) {
    if (!readEvent) throw new PaymentProblem('not_configured');
    const { id, type, said } = readEvent(message);
    const event = { id, type };
    const order = said && (await orders.ofPayment({ ...said.news, orderId: said.orderId }));
    if (said && order) return settle(order, said.news, event);
    const { outcome } = await send({
      ...header({ storeId: 0 }),
      kind: 'note_payment_event',
      event,
      outcome: said ? 'unmatched' : 'ignored',
    });
    if (!outcome.ok) throw new Error(`event ${id} was refused: ${outcome.refusal.code}`);
    if (said && !outcome.value.duplicate) {
      log.info({ event: id, type }, 'a payment that is for no order of ours was passed over');
    }
    return { duplicate: outcome.value.duplicate };
  }

  /** Tells an order what became of its payment. */
  async function settle(order: Order, news: PaymentNews, event: PaymentEvent | null) {
    const isEnd = news.what === 'attempt_failed' && options.releaseOnFailure;
    const { outcome } = await send({
      ...known(order),
      kind: 'settle_order',
      news: isEnd ? { ...news, what: 'failed' } : news,
      event,
    });
    if (!outcome.ok) throw new Error(`order ${order.id} is gone: ${outcome.refusal.code}`);
    const { duplicate, outcome: became } = outcome.value;
    if (became === 'foreign' && news.what === 'paid') {
      log.error(
        { order: order.id, event: event?.id, payment: news.paymentIntentId },
        'MONEY CAME FOR AN ORDER THAT HAS ANOTHER PAYMENT: look at it at the provider',
      );
    }
    return { duplicate };
  }

  async function expireDue(goOn: GoOn = () => true): Promise<number> {
    return inRounds(
      goOn,
      () => orders.due(ORDERS_AT_ONCE),
      async (order) => {
        await send({ ...known(order), kind: 'expire_order' });
      },
    );
  }

  async function attend(goOn: GoOn = () => true): Promise<number> {
    if (!provider) return 0;
    return inRounds(goOn, () => orders.toAttend(ORDERS_AT_ONCE), attendOne);
  }

  async function attendOne(order: Order): Promise<void> {
    const again = (againInMs: number | null) =>
      send({ ...header(order), kind: 'attend_order', orderId: order.id, againInMs });
    const mustBeEnded = order.status === 'expired' || order.status === 'cancelled';
    try {
      if (isAttached(order)) {
        if (!mustBeEnded || (await endPayment(order))) await again(null);
        else await putOff(order, again);
      } else if (order.status === 'pending') {
        await make(order);
      } else if (mustBeEnded) {
        // Asked for once more, the provider names the payment that it may have made.
        await attach(order, await needProvider().make(order));
      } else await again(null);
    } catch (error) {
      if (error instanceof PaymentProblem && error.code !== 'uncertain') {
        if (error.code === 'under_way') await again(FIRST_PAUSE_MS);
        return;
      }
      if (error instanceof PaymentRefused) {
        // There is no such payment, and none is made any more.
        log.info({ order: order.id, err: error }, 'there is no payment that could be ended');
        await again(null);
        return;
      }
      const isUnknown = error instanceof PaymentUncertain || error instanceof PaymentProblem;
      if (!isUnknown) throw error;
      await putOff(order, again);
    }
  }

  /** Ends the payment of an order that is over; false where the money is still under way. */
  async function endPayment(order: Order): Promise<boolean> {
    const news = await needProvider().end(order);
    if (news.what === 'waiting') return false;
    if (news.what === 'paid' || news.what === 'refunded') {
      log.warn({ order: order.id, what: news.what }, 'an order was paid when its time was over');
      await settle(order, news, null);
    }
    return true;
  }

  async function putOff(
    order: Order,
    again: (againInMs: number | null) => Promise<unknown>,
  ): Promise<void> {
    const ageMs = Date.now() - order.createdAt;
    if (ageMs > GIVE_UP_MS) {
      log.error(
        { order: order.id, payment: order.paymentIntentId ?? order.sessionId },
        'what became of a payment could not be found out: look at it at the provider',
      );
      await again(null);
    } else await again(Math.min(Math.max(ageMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS));
  }

  async function reconcile(goOn: GoOn = () => true): Promise<number> {
    if (!provider) return 0;
    let found = 0;
    for (let after = ''; await goOn(); ) {
      const some = await orders.unsettled({ after, limit: ORDERS_AT_ONCE });
      const last = some.at(-1);
      if (!last) break;
      after = last.id;
      await inParallel(some.filter(isAttached), async (order) => {
        const news = await needProvider()
          .ask(order)
          .catch((error: unknown) => {
            if (!(error instanceof PaymentUncertain || error instanceof PaymentRefused))
              throw error;
            log.warn({ order: order.id, err: error }, 'the payment provider could not be asked');
            return null;
          });
        if (news === null || news.what === 'waiting') return;
        // What failed stays failed; only money that came is news to it.
        if (order.status === 'failed' && news.what !== 'paid' && news.what !== 'refunded') return;
        found++;
        log.error(
          { order: order.id, what: news.what },
          'A WEBHOOK DID NOT COME: the provider knew more of an order than we did. Look at its deliveries',
        );
        await settle(order, news, null);
      });
    }
    return found;
  }

  /** Does all that there is to do, some at a time; one that fails is left for the next time. */
  async function inRounds(
    goOn: GoOn,
    next: () => Promise<Order[]>,
    work: (order: Order) => Promise<void>,
  ): Promise<number> {
    const seen = new Set<string>();
    let done = 0;
    while (await goOn()) {
      // What turns up again so soon is done at the next tick, so that nothing goes round for ever.
      const some = (await next()).filter(({ id }) => !seen.has(id));
      if (some.length === 0) break;
      for (const { id } of some) seen.add(id);
      await inParallel(some, async (order) => {
        try {
          await work(order);
          done++;
        } catch (error) {
          log.warn({ order: order.id, err: error }, 'an order was not seen to; tried again later');
        }
      });
    }
    return done;
  }

  function needProvider(): PaymentProvider {
    if (!provider) throw new PaymentProblem('not_configured');
    return provider;
  }

  return { checkOut, receive, expireDue, attend, reconcile };
}

const NO_NEWS = {
  paymentIntentId: null,
  sessionId: null,
  amount: null,
  currency: null,
} as const;

const isAttached = ({ paymentIntentId, sessionId }: Order) =>
  paymentIntentId !== null || sessionId !== null;

function header({ storeId }: { storeId: number }): CommandHeader {
  return { id: newId(), storeId, actor: 'payments', idempotency: null };
}

/** What a command says of an order that was read. */
export function known(order: Order): KnownOrder {
  const productIds = productIdsOfOrder(order);
  return {
    ...header(order),
    orderId: order.id,
    cartId: order.cartId,
    lines: order.items.map(({ productId, quantity }) => ({ productId, quantity })),
    productIds,
    rentalIds: productIds.map(() => newId()),
  };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const one = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, one));
}
