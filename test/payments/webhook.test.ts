import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { deliver, event, type StripeEvent } from '../helpers/stripe-server.js';
import { openShop, type Shop } from './setup.js';

describe.each(DATABASES)('what the payment provider says on %s', (kind) => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop(kind, { STRIPE_WEBHOOK_SECRET: 'whsec_new,whsec_of_tests' });
  });
  afterAll(() => shop.stop());
  afterEach(() => shop.expectLaw());

  it('a payment confirms the order: what was held is rented', async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId, reservations } = await shop.intent(id, 3);
    expect(await shop.level(id)).toEqual({ free: 7, held: 3, out: 0 });
    expect(await shop.say(shop.stripe.pay(paymentIntentId))).toEqual({
      received: true,
      duplicate: false,
    });
    expect(await shop.level(id)).toEqual({ free: 7, held: 0, out: 3 });
    const order = await shop.order(orderId);
    expect(order).toMatchObject({
      status: 'confirmed',
      amount: 3750,
      currency: 'EUR',
      paymentIntentId,
      failureReason: null,
      rentals: [{ quantity: 3, status: 'active', reservationId: reservations[0].id }],
    });
    const { body: rental } = await shop.admin.get(`/api/rentals/${order.rentals[0].id}`);
    expect(rental).toMatchObject({ order_id: orderId });
    expect(order.items[0].rentalId).toBe(rental.id);
    expect(await shop.told(orderId)).toEqual(['order.confirmed']);
    const { body: ledger } = await shop.admin.get(`/api/products/${id}/movements`);
    expect(ledger.data.map((line: { order_id: string }) => line.order_id)).toEqual([
      orderId,
      orderId,
      null,
    ]);
  });

  it('what the hold lacks is taken from free units, and what else the cart holds is left', async () => {
    const { id } = await shop.product();
    const cartId = `less-${id}`;
    const { orderId, paymentIntentId } = await shop.intent(id, 3, { cartId });
    const hold = { cartId, resellerProductId: id, quantity: 1 };
    await shop.admin.post('/api/reservations', hold);
    expect(await shop.level(id)).toEqual({ free: 9, held: 1, out: 0 });
    await shop.say(shop.stripe.pay(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
    expect(await shop.level(id)).toEqual({ free: 7, held: 0, out: 3 });

    const more = await shop.intent(id, 2, { cartId });
    await shop.admin.post('/api/reservations', { ...hold, quantity: 5 });
    await shop.say(shop.stripe.pay(more.paymentIntentId));
    expect(await shop.level(id)).toEqual({ free: 2, held: 3, out: 5 });
  });

  it('a session confirms the order once it is paid', async () => {
    const { id } = await shop.product();
    const { orderId, sessionId } = await shop.session(id, 2);
    await shop.say(shop.stripe.complete(sessionId, true));
    expect(await shop.order(orderId)).toMatchObject({
      status: 'confirmed',
      sessionId,
      paymentIntentId: expect.stringMatching(/^pi_/),
    });
    expect(await shop.level(id)).toEqual({ free: 8, held: 0, out: 2 });
  });

  it('a session whose money is under way waits for it, and is then confirmed, or failed', async () => {
    const { id } = await shop.product();
    for (const [end, status, level] of [
      ['asyncPaid', 'confirmed', { free: 8, held: 0, out: 2 }],
      ['asyncFailed', 'failed', { free: 8, held: 0, out: 2 }],
    ] as const) {
      const { orderId, sessionId } = await shop.session(id, 2);
      await shop.say(shop.stripe.complete(sessionId, false));
      expect(await shop.order(orderId)).toMatchObject({ status: 'pending' });
      await shop.say(shop.stripe[end](sessionId));
      expect(await shop.order(orderId)).toMatchObject({ status });
      expect(await shop.level(id)).toEqual(level);
    }
  });

  it('a failed attempt leaves the hold, so that the buyer can try another card', async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 2);
    await shop.say(shop.stripe.decline(paymentIntentId, 'No funds.'));
    expect(await shop.order(orderId)).toMatchObject({
      status: 'pending',
      failureReason: 'No funds.',
    });
    expect(await shop.level(id)).toEqual({ free: 8, held: 2, out: 0 });
    await shop.say(shop.stripe.pay(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed', failureReason: null });
  });

  it.each([
    ['cancel', 'intent', 'cancelled'],
    ['expire', 'session', 'expired'],
  ] as const)('%s of a %s gives the units back', async (how, what, status) => {
    const { id } = await shop.product();
    const made = await shop[what](id, 4);
    await shop.say(shop.stripe[how](made.paymentIntentId ?? made.sessionId));
    expect(await shop.order(made.orderId)).toMatchObject({ status });
    expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
    expect(await shop.told(made.orderId)).toEqual([`order.${status}`]);
  });

  describe('a payment that comes when the hold has ended', () => {
    it.each([['written down'], ['not written down yet']])(
      'takes free units again (%s)',
      async (when) => {
        const { id } = await shop.product({ quantity: 3 });
        const { orderId, paymentIntentId } = await shop.intent(id, 3);
        await shop.endHold(orderId);
        if (when === 'written down') {
          await shop.service.app.core.payments.expireDue();
          expect(await shop.order(orderId)).toMatchObject({ status: 'expired' });
        }
        await shop.say(shop.stripe.pay(paymentIntentId));
        expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
        expect(await shop.level(id)).toEqual({ free: 0, held: 0, out: 3 });
      },
    );

    it('is to be refunded where they are gone, also in part: never oversold, never silent', async () => {
      const one = await shop.product({ quantity: 3 });
      const other = await shop.product({ quantity: 3 });
      const items = [
        { productId: one.id, quantity: 2 },
        { productId: other.id, quantity: 2 },
      ];
      const { orderId, paymentIntentId } = await shop.intent(0, 0, { items });
      await shop.endHold(orderId);
      await shop.admin.post('/api/rentals', { product_id: other.id, quantity: 2 });
      await shop.say(shop.stripe.pay(paymentIntentId));
      expect(await shop.order(orderId)).toMatchObject({
        status: 'refund_required',
        rentals: [],
        failureReason: expect.stringContaining('Only 1 left'),
      });
      expect(await shop.told(orderId)).toEqual(['order.refund_required']);
      expect(await shop.level(one.id)).toMatchObject({ free: 3, out: 0 });
      const metrics = await (await fetch(`${shop.service.url}/metrics`)).text();
      expect(metrics).toMatch(/availability_orders_turned_total\{status="refund_required"\} [1-9]/);
      await shop.say(shop.stripe.refund(paymentIntentId));
      expect(await shop.order(orderId)).toMatchObject({ status: 'refunded' });
    });

    it('is not blocked by what its own cart holds by then', async () => {
      const { id } = await shop.product({ quantity: 2 });
      const cartId = `own-${id}`;
      const { orderId, paymentIntentId } = await shop.intent(id, 2, { cartId });
      await shop.endHold(orderId);
      await shop.service.app.core.payments.expireDue();
      const hold = { cartId, resellerProductId: id, quantity: 2 };
      expect((await shop.admin.post('/api/reservations', hold)).status).toBe(201);
      await shop.say(shop.stripe.pay(paymentIntentId));
      expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
      expect(await shop.level(id)).toEqual({ free: 0, held: 0, out: 2 });
    });

    it('takes no units that a newer order of the same cart holds', async () => {
      const { id } = await shop.product({ quantity: 2 });
      const cartId = `again-${id}`;
      const first = await shop.intent(id, 2, { cartId });
      await shop.endHold(first.orderId);
      await shop.service.app.core.payments.expireDue();
      const second = await shop.intent(id, 2, { cartId });
      await shop.say(shop.stripe.pay(second.paymentIntentId));
      await shop.say(
        event('payment_intent.succeeded', {
          ...shop.stripe.intents.get(first.paymentIntentId),
          status: 'succeeded',
          amount_received: 2500,
        }),
      );
      expect(await shop.order(second.orderId)).toMatchObject({ status: 'confirmed' });
      expect(await shop.order(first.orderId)).toMatchObject({ status: 'refund_required' });
      expect(await shop.level(id)).toEqual({ free: 0, held: 0, out: 2 });
    });
  });

  it('a payment on a cancelled order is to be refunded, whatever is free', async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 1);
    await shop.admin.post(`/api/orders/${orderId}/cancel`, { reason: 'wrong size' });
    await shop.say(shop.stripe.pay(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({
      status: 'refund_required',
      failureReason: 'wrong size',
    });
    expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
  });

  it('money that is less than the order, or in another currency, does not confirm it', async () => {
    const { id } = await shop.product();
    for (const less of [{ amount_received: 1249 }, { currency: 'huf' }]) {
      const { orderId, paymentIntentId } = await shop.intent(id, 1);
      const paid = shop.stripe.pay(paymentIntentId);
      await shop.say({ ...paid, data: { object: { ...paid.data.object, ...less } } });
      expect(await shop.order(orderId)).toMatchObject({
        status: 'refund_required',
        failureReason: expect.stringContaining('1250 EUR were due'),
      });
    }
    expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
  });

  it('part of the money back changes nothing, all of it makes the order refunded', async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 1);
    await shop.say(shop.stripe.pay(paymentIntentId));
    await shop.say(shop.stripe.refund(paymentIntentId, 100));
    expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
    await shop.say(shop.stripe.refund(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({ status: 'refunded' });
  });

  it('one message has one effect, ten times in a row and fifty times at once', async () => {
    const { id } = await shop.product();
    const first = await shop.intent(id, 2);
    const paid = shop.stripe.pay(first.paymentIntentId);
    const said: boolean[] = [];
    for (let i = 0; i < 10; i++) said.push((await shop.say(paid)).duplicate);
    expect(said).toEqual([false, ...Array(9).fill(true)]);

    const second = await shop.intent(id, 3);
    const together = shop.stripe.pay(second.paymentIntentId);
    const answers = await Promise.all(Array.from({ length: 50 }, () => shop.say(together)));
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await shop.level(id)).toEqual({ free: 5, held: 0, out: 5 });
    expect(await shop.told(second.orderId)).toEqual(['order.confirmed']);
  });

  it('messages in every order end in one state, and take the units once', async () => {
    const { id } = await shop.product({ quantity: 100 });
    const permutations: number[][] = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const permutation of permutations) {
      const { orderId, paymentIntentId } = await shop.intent(id, 1);
      const messages = [
        shop.stripe.decline(paymentIntentId),
        shop.stripe.pay(paymentIntentId),
        shop.stripe.refund(paymentIntentId),
      ];
      for (const i of permutation) await shop.say(messages[i] as StripeEvent);
      expect(await shop.order(orderId)).toMatchObject({ status: 'refunded' });
    }
    // Where the money came before it went back, the units are out until somebody ends the rental.
    const { held, out } = await shop.level(id);
    expect({ held, out }).toEqual({ held: 0, out: 3 });
  });

  it('a message of an unknown kind, and one for no order of ours: taken, kept, no effect', async () => {
    const before = await shop.service.rows.select('SELECT id, status FROM orders ORDER BY id');
    const unknown = event('customer.subscription.created', { id: 'sub_1', anything: [1] });
    const foreign = event('payment_intent.succeeded', {
      id: 'pi_of_somebody',
      amount_received: 1,
      currency: 'eur',
      metadata: { orderId: '01966f0a-7c00-7000-8000-000000000000' },
    });
    for (const message of [unknown, foreign]) {
      expect(await shop.say(message)).toEqual({ received: true, duplicate: false });
      expect(await shop.say(message)).toEqual({ received: true, duplicate: true });
    }
    const kept = await shop.service.rows.select(
      `SELECT outcome, order_id FROM webhook_events WHERE id IN ('${unknown.id}', '${foreign.id}') ORDER BY outcome`,
    );
    expect(kept.map((row) => ({ ...row }))).toEqual([
      { outcome: 'ignored', order_id: null },
      { outcome: 'unmatched', order_id: null },
    ]);
    expect(await shop.service.rows.select('SELECT id, status FROM orders ORDER BY id')).toEqual(
      before,
    );
  });

  it("another payment that names the order does not pass for the order's own", async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 1);
    const paid = shop.stripe.pay(paymentIntentId);
    const object = { ...paid.data.object, id: 'pi_another' };
    await shop.say(event('payment_intent.succeeded', object));
    expect(await shop.order(orderId)).toMatchObject({ status: 'pending', paymentIntentId });
  });

  describe('signatures', () => {
    const AGO = () => Math.floor(Date.now() / 1000);
    it('each secret of a rotation is good', async () => {
      for (const secret of ['whsec_new', 'whsec_of_tests']) {
        const message = event('ping', {});
        expect(await deliver(shop.service.url, message, { secret })).toMatchObject({ status: 200 });
      }
    });

    it.each([
      ['another secret', { secret: 'whsec_other' }],
      ['an old time', { timestamp: AGO() - 301 }],
      ['an altered body', { altered: '{"id": "evt_x", "type": "ping", "data": {"object": {}}}' }],
      ['no header', { header: '' }],
      ['a header of nonsense', { header: 't=1,v1=zz' }],
    ])('%s is refused', async (_what, how) => {
      const { id } = await shop.product();
      const { orderId, paymentIntentId } = await shop.intent(id, 1);
      const answer = await deliver(shop.service.url, shop.stripe.pay(paymentIntentId), how);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_signature' } });
      expect(await shop.order(orderId)).toMatchObject({ status: 'pending' });
    });

    it('a signed body that is no event is refused, and one that is too long', async () => {
      for (const text of ['no JSON', '[]', '{"id": "evt_1"}']) {
        const answer = await deliver(shop.service.url, text);
        expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
      }
      const long = JSON.stringify(event('ping', { text: 'x'.repeat(300_000) }));
      expect(await deliver(shop.service.url, long)).toMatchObject({ status: 413 });
    });
  });
});

describe.each(DATABASES)('PAYMENT_FAILED_POLICY=release on %s', (kind) => {
  it('gives the units back at once; a payment that gets through all the same takes them again', async () => {
    const shop = await openShop(kind, { PAYMENT_FAILED_POLICY: 'release' });
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 2);
    await shop.say(shop.stripe.decline(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({
      status: 'failed',
      failureReason: 'Your card was declined.',
    });
    expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
    await shop.say(shop.stripe.pay(paymentIntentId));
    expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed', failureReason: null });
    expect(await shop.told(orderId)).toEqual(['order.failed', 'order.confirmed']);
    await shop.expectLaw();
    await shop.stop();
  });
});
