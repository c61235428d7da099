import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.js';
import { DATABASES } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';
import { openShop, RETURN_URLS, type Shop } from './setup.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const INTENT = '/api/checkout/create-payment-intent';
const SESSION = '/api/checkout/create-session';
const minutesAhead = (time: string) => (Date.parse(time) - Date.now()) / 60_000;

describe.each(DATABASES)('checkout on %s', (kind) => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop(kind);
  });
  afterAll(() => shop.stop());
  afterEach(() => shop.expectLaw());

  const customer = (sub: string) => shop.service.client({ sub, role: 'customer' });
  const payments = () => shop.service.app.core.payments;
  const one = (productId: unknown, quantity = 1) => ({ items: [{ productId, quantity }] });
  const ordersOf = async (cartId: string) =>
    (await shop.admin.get('/api/orders')).body.data.filter(
      (order: { cartId: string }) => order.cartId === cartId,
    );
  /** Seeing to payments is put off after a failure; here it is not waited for. */
  async function attendNow(orderId: string) {
    await shop.service.rows.run(
      `UPDATE orders SET attend_at = '2020-01-01 00:00:00.000' WHERE id = '${orderId}' AND attend_at IS NOT NULL`,
    );
    await payments().attend();
  }

  describe('a payment intent', () => {
    it('is made for what the products cost, and holds them', async () => {
      const bike = await shop.product();
      const tent = await shop.product({ price_amount: 300 });
      const { status, body } = await shop.admin.post(INTENT, {
        cartId: 'C-1',
        items: [
          { productId: bike.sku, quantity: 2 },
          { productId: tent.id, quantity: 1 },
          { productId: String(tent.id), quantity: 3 },
        ],
        currency: 'eur',
        customerEmail: 'ann@example.org',
      });
      expect(status).toBe(201);
      const held = (productId: unknown, sku: string, quantity: number) => ({
        id: expect.stringMatching(UUID),
        productId,
        sku,
        quantity,
        status: 'reserved',
        expiresAt: body.expiresAt,
      });
      expect(body).toEqual({
        orderId: expect.stringMatching(UUID),
        status: 'pending',
        paymentIntentId: expect.stringMatching(/^pi_/),
        clientSecret: expect.stringMatching(/^pi_.*_secret_/),
        amount: 2 * 1250 + 4 * 300,
        currency: 'EUR',
        expiresAt: expect.stringMatching(TIME),
        reservations: [
          held(bike.sku, bike.sku, 2),
          held(tent.id, tent.sku, 4),
          held(tent.id, tent.sku, 4),
        ],
      });
      expect(minutesAhead(body.expiresAt)).toBeCloseTo(15, 0);
      const [asked] = shop.stripe.asked.filter(({ key }) => key === `order-${body.orderId}`);
      expect(asked?.form).toEqual({
        amount: '3700',
        currency: 'eur',
        'automatic_payment_methods[enabled]': 'true',
        receipt_email: 'ann@example.org',
        'metadata[orderId]': body.orderId,
        'metadata[storeId]': '1',
      });
      const order = await shop.order(body.orderId);
      expect(order).toEqual({
        id: body.orderId,
        cartId: 'C-1',
        status: 'pending',
        amount: 3700,
        currency: 'EUR',
        items: [
          {
            productId: bike.id,
            sku: bike.sku,
            name: bike.name,
            quantity: 2,
            unitAmount: 1250,
            reservationId: body.reservations[0].id,
            rentalId: null,
          },
          {
            productId: tent.id,
            sku: tent.sku,
            name: tent.name,
            quantity: 1,
            unitAmount: 300,
            reservationId: body.reservations[1].id,
            rentalId: null,
          },
          {
            productId: tent.id,
            sku: tent.sku,
            name: tent.name,
            quantity: 3,
            unitAmount: 300,
            reservationId: body.reservations[2].id,
            rentalId: null,
          },
        ],
        customerId: null,
        paymentIntentId: body.paymentIntentId,
        sessionId: null,
        failureReason: null,
        rentals: [],
        expiresAt: body.expiresAt,
        createdAt: expect.stringMatching(TIME),
        updatedAt: expect.stringMatching(TIME),
      });
      await shop.say(shop.stripe.pay(body.paymentIntentId));
      const { rentals } = await shop.order(body.orderId);
      expect(rentals.map((rental: { quantity: number }) => rental.quantity)).toEqual([2, 4]);
    });

    it('no secret of the provider is kept', async () => {
      const { id } = await shop.product();
      const { clientSecret, orderId } = await shop.intent(id, 1);
      for (const table of ['orders', 'idempotency_keys', 'events', 'webhook_events']) {
        const rows = await shop.service.rows.select(`SELECT * FROM ${table}`);
        expect(JSON.stringify(rows)).not.toContain(clientSecret);
      }
      expect(await shop.order(orderId)).toMatchObject({ status: 'pending' });
    });
  });

  it('a session is made with its lines; its hold ends 5 minutes after it does', async () => {
    const { id, name } = await shop.product();
    const made = await shop.session(id, 2, { customerEmail: 'ann@example.org' });
    expect(made).toMatchObject({
      status: 'pending',
      sessionId: expect.stringMatching(/^cs_/),
      url: `https://checkout.stripe.com/c/pay/${made.sessionId}`,
      amount: 2500,
    });
    const [asked] = shop.stripe.asked.filter(({ key }) => key === `order-${made.orderId}`);
    expect(asked?.form).toMatchObject({
      mode: 'payment',
      'line_items[0][quantity]': '2',
      'line_items[0][price_data][unit_amount]': '1250',
      'line_items[0][price_data][product_data][name]': name,
      success_url: RETURN_URLS.successUrl,
      cancel_url: RETURN_URLS.cancelUrl,
      customer_email: 'ann@example.org',
      client_reference_id: made.orderId,
      'metadata[orderId]': made.orderId,
      'payment_intent_data[metadata][orderId]': made.orderId,
    });
    const session = shop.stripe.sessions.get(made.sessionId);
    const gap = Date.parse(made.expiresAt) / 1000 - session.expires_at;
    expect(Math.round(gap / 60)).toBe(5);
    expect(await shop.order(made.orderId)).toMatchObject({ sessionId: made.sessionId });
  });

  it('a cart of many lines is one line of a session', async () => {
    const { id } = await shop.product({ quantity: 200 });
    const items = Array.from({ length: 120 }, () => ({ productId: id, quantity: 1 }));
    const { sessionId, amount } = await shop.session(0, 0, { items });
    expect(shop.stripe.sessions.get(sessionId).amount_total).toBe(amount);
  });

  describe('prices', () => {
    it('are believed from admin and service, and from nobody else', async () => {
      const { id } = await shop.product();
      const free = await shop.product({ price_amount: null, price_currency: null });
      const cart = (sub: string) => ({
        cartId: `price-${sub}`,
        items: [{ productId: id, quantity: 2, unitAmount: 1 }],
      });
      for (const [role, status] of [
        ['admin', 201],
        ['service', 201],
        ['reseller', 422],
        ['customer', 422],
      ] as const) {
        const answer = await shop.service.client({ sub: role, role }).post(INTENT, cart(role));
        expect([role, answer.status]).toEqual([role, status]);
        if (status === 201) expect(answer.body.amount).toBe(2);
        else expect(answer.body.errors[0].field).toBe('items[0].unitAmount');
      }
      const priced = {
        cartId: 'p',
        currency: 'CHF',
        items: [{ productId: free.id, quantity: 1, unitAmount: 700 }],
      };
      expect((await shop.admin.post(INTENT, priced)).body).toMatchObject({
        amount: 700,
        currency: 'CHF',
      });
    });

    it('that are missing, mixed, nothing or in another currency are refused', async () => {
      const euro = await shop.product();
      const franc = await shop.product({ price_currency: 'CHF' });
      const none = await shop.product({ price_amount: null, price_currency: null });
      const gift = await shop.product({ price_amount: 0 });
      const item = ({ id }: { id: number }) => ({ productId: id, quantity: 1 });
      for (const [items, currency, field] of [
        [[item(euro), item(none)], null, 'items[1].unitAmount'],
        [[item(euro), item(franc)], null, 'items'],
        [[item(gift)], null, 'items'],
        [[item(euro)], 'USD', 'currency'],
        [[{ ...item(none), unitAmount: 5 }], null, 'currency'],
      ] as const) {
        const { status, body } = await shop.admin.post(INTENT, {
          cartId: 'mixed',
          items,
          currency,
        });
        expect([status, body.errors?.[0]?.field]).toEqual([422, field]);
      }
      expect(await ordersOf('mixed')).toEqual([]);
      expect(await shop.level(euro.id)).toMatchObject({ held: 0 });
    });
  });

  it('what falls short is named line by line, as the request named it, and nothing is held', async () => {
    const [a, b, c] = [
      await shop.product({ quantity: 1 }),
      await shop.product(),
      await shop.product({ quantity: 2 }),
    ];
    const { status, body } = await shop.admin.post(INTENT, {
      cartId: 'short',
      items: [
        { productId: a.sku, quantity: 2 },
        { productId: b.id, quantity: 1 },
        { productId: c.id, quantity: 5 },
      ],
    });
    expect([status, body.code]).toEqual([409, 'insufficient_stock']);
    expect(body.errors).toEqual([
      expect.objectContaining({
        index: 0,
        productId: a.sku,
        code: 'insufficient_stock',
        requested: 2,
        available: 1,
      }),
      expect.objectContaining({ index: 2, productId: c.id, requested: 5, available: 2 }),
    ]);
    expect(await shop.level(b.id)).toMatchObject({ held: 0 });
    const unknown = await shop.admin.post(INTENT, {
      cartId: 'short',
      items: [
        { productId: b.id, quantity: 1 },
        { productId: 'NOBODY', quantity: 1 },
      ],
    });
    expect(unknown.body).toMatchObject({
      code: 'product_not_found',
      errors: [{ index: 1, productId: 'NOBODY' }],
    });
    expect(await ordersOf('short')).toEqual([]);
  });

  describe('again for the same cart', () => {
    it('cancels the older order, keeps what both want and gives the rest back', async () => {
      const [a, b] = [await shop.product({ quantity: 2 }), await shop.product({ quantity: 2 })];
      const cartId = `twice-${a.id}`;
      const items = [a, b].map(({ id }) => ({ productId: id, quantity: 2 }));
      const older = await shop.intent(0, 0, { cartId, items });
      const newer = await shop.intent(a.id, 1, { cartId });
      expect(newer.reservations[0].id).toBe(older.reservations[0].id);
      expect(await shop.order(older.orderId)).toMatchObject({ status: 'cancelled' });
      expect(await shop.told(older.orderId)).toEqual(['order.cancelled']);
      expect(await shop.level(a.id)).toEqual({ free: 1, held: 1, out: 0 });
      expect(await shop.level(b.id)).toEqual({ free: 2, held: 0, out: 0 });
      await payments().attend();
      expect(shop.stripe.intents.get(older.paymentIntentId)).toMatchObject({ status: 'canceled' });
      await shop.say(shop.stripe.pay(newer.paymentIntentId));
      expect(await shop.order(newer.orderId)).toMatchObject({ status: 'confirmed' });
    });

    it('twenty at once leave one pending order, and one hold', async () => {
      const [a, b] = [await shop.product({ quantity: 3 }), await shop.product({ quantity: 3 })];
      const cartId = `rush-${a.id}`;
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          shop.admin.post(INTENT, { cartId, ...one(i % 2 ? a.id : b.id, 3) }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(
        new Set([201, 409].filter((s) => answers.some(({ status }) => status === s))),
      );
      const orders = await ordersOf(cartId);
      const pending = orders.filter(({ status }: { status: string }) => status === 'pending');
      expect(pending).toHaveLength(1);
      const held = (await shop.level(a.id)).held + (await shop.level(b.id)).held;
      expect(held).toBe(3);
    });

    it('a refused one leaves the older order as it is', async () => {
      const { id } = await shop.product({ quantity: 2 });
      const cartId = `kept-${id}`;
      const older = await shop.intent(id, 2, { cartId });
      expect((await shop.admin.post(INTENT, { cartId, ...one(id, 3) })).status).toBe(409);
      expect(await shop.order(older.orderId)).toMatchObject({ status: 'pending' });
      expect(await shop.level(id)).toEqual({ free: 0, held: 2, out: 0 });
    });
  });

  it('fifty at once for ten units: ten orders, and no unit twice', async () => {
    const { id } = await shop.product({ quantity: 10 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        shop.admin.post(INTENT, { cartId: `fifty-${id}-${i}`, ...one(id) }),
      ),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(10);
    await Promise.all(made.map(({ body }) => shop.say(shop.stripe.pay(body.paymentIntentId))));
    expect(await shop.level(id)).toEqual({ free: 0, held: 0, out: 10 });
  });

  it("confirming takes what was bought out of the user's cart", async () => {
    const [a, b] = [await shop.product(), await shop.product()];
    const { core } = shop.service.app;
    const add = (productId: number, quantity: number) =>
      core.send({
        kind: 'add_to_cart',
        id: newId(),
        storeId: 1,
        actor: 'test',
        idempotency: null,
        ownerId: null,
        productId,
        userId: 'ann',
        quantity,
        priceAmount: null,
        shippingAmount: null,
        itemId: newId(),
        hold: { lastsMs: 60_000, reservationId: newId() },
      });
    await add(a.id, 3);
    await add(b.id, 1);
    const { orderId, paymentIntentId } = await shop.intent(
      a.id,
      2,
      { cartId: 'user:ann' },
      customer('ann'),
    );
    await shop.say(shop.stripe.pay(paymentIntentId));
    const cart = await core.readCart(1, 'ann');
    expect(cart.map(({ productId, quantity }) => [productId, quantity])).toEqual([
      [a.id, 1],
      [b.id, 1],
    ]);
    expect(await shop.order(orderId)).toMatchObject({
      customerId: 'ann',
      rentals: [{ userId: 'ann' }],
    });
  });

  describe('a customer', () => {
    it('checks its own carts out, and no other', async () => {
      const { id } = await shop.product();
      const ann = customer('ann-2');
      const attempt = async (cartId: string, by = ann) =>
        (await by.post(INTENT, { cartId, ...one(id) })).status;
      expect(await attempt('user:ann-2')).toBe(201);
      expect(await attempt('anns-bag')).toBe(201);
      expect(await attempt('user:bob')).toBe(403);
      expect(await attempt('checkout:1')).toBe(403);
      expect(await attempt('anns-bag', customer('bob-2'))).toBe(403);
      // Also while her order is not over yet and its hold is: she may be paying.
      const [order] = (await ann.get('/api/orders')).body.data;
      await shop.endHold(order.id);
      expect(await attempt('anns-bag', customer('bob-2'))).toBe(403);
      expect(await shop.order(order.id)).toMatchObject({ status: 'pending' });
    });

    it('sees its own orders, also those that a back end made of its cart, and no others', async () => {
      const { id } = await shop.product();
      const own = await shop.intent(id, 1, {}, customer('cy'));
      const made = await shop.intent(id, 1, { cartId: 'user:cy' });
      const nobodys = await shop.intent(id, 1);
      const listed = (await customer('cy').get('/api/orders')).body.data;
      expect(listed.map((order: { id: string }) => order.id)).toEqual([made.orderId, own.orderId]);
      for (const [orderId, who, status] of [
        [own.orderId, customer('cy'), 200],
        [nobodys.orderId, customer('cy'), 404],
        [own.orderId, customer('dora'), 404],
        [own.orderId, shop.service.client({ storeId: 2 }), 404],
      ] as const) {
        expect((await who.get(`/api/orders/${orderId}`)).status).toBe(status);
      }
      expect((await customer('cy').post(`/api/orders/${own.orderId}/cancel`)).status).toBe(403);
      const elsewhere = shop.service.client({ storeId: 2 });
      expect((await elsewhere.post(`/api/orders/${own.orderId}/cancel`)).status).toBe(404);
      expect((await elsewhere.get('/api/orders')).body.data).toEqual([]);
    });
  });

  it('orders are listed newest first, by status, page by page', async () => {
    const { id } = await shop.product();
    const [a, b, c] = [
      await shop.intent(id, 1),
      await shop.intent(id, 1),
      await shop.intent(id, 1),
    ];
    await shop.admin.post(`/api/orders/${b.orderId}/cancel`);
    const list = async (query: string) => (await shop.admin.get(`/api/orders?${query}`)).body;
    const ids = (page: { data: { id: string }[] }) => page.data.map((order) => order.id);
    const first = await list('limit=2');
    expect(ids(first)).toEqual([c.orderId, b.orderId]);
    expect(ids(await list(`limit=1&cursor=${first.nextCursor}`))).toEqual([a.orderId]);
    expect(ids(await list('status=pending&limit=2'))).toEqual([c.orderId, a.orderId]);
    expect(ids(await list('status=cancelled&limit=1'))).toEqual([b.orderId]);
  });

  describe('cancelling', () => {
    it('a pending order gives its holds back, and the payment is ended', async () => {
      const { id } = await shop.product();
      const { orderId, sessionId } = await shop.session(id, 2);
      const answer = await shop.admin.post(`/api/orders/${orderId}/cancel`, { reason: 'changed' });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'cancelled', failureReason: 'changed' },
      });
      expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
      await payments().attend();
      expect(shop.stripe.sessions.get(sessionId)).toMatchObject({ status: 'expired' });
      const again = await shop.admin.post(`/api/orders/${orderId}/cancel`, { reason: 'again' });
      expect(again.body).toMatchObject({ status: 'cancelled', failureReason: 'changed' });
    });

    it('a confirmed order cancels the rentals that are out, and is to be refunded', async () => {
      const { id } = await shop.product();
      const { orderId, paymentIntentId } = await shop.intent(id, 2);
      await shop.say(shop.stripe.pay(paymentIntentId));
      const { body } = await shop.admin.post(`/api/orders/${orderId}/cancel`, { reason: 'rain' });
      expect(body).toMatchObject({
        status: 'refund_required',
        rentals: [{ status: 'cancelled', cancelReason: 'rain' }],
      });
      expect(await shop.told(orderId)).toEqual(['order.confirmed', 'order.refund_required']);
      expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
    });
  });

  describe('an Idempotency-Key', () => {
    it('twenty at once make one order and one payment; the secret is shown once', async () => {
      const { id } = await shop.product();
      const headers = { 'Idempotency-Key': `key-${id}` };
      const body = { cartId: `key-${id}`, ...one(id, 2) };
      const asked = shop.stripe.asked.length;
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => shop.admin.post(INTENT, body, headers)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      const secrets = answers
        .map((answer) => answer.body.clientSecret)
        .filter((secret) => secret !== null);
      expect(secrets).toHaveLength(1);
      const [first] = answers;
      for (const answer of answers) {
        expect({ ...answer.body, clientSecret: null }).toEqual({
          ...first?.body,
          clientSecret: null,
        });
      }
      expect(shop.stripe.asked.length - asked).toBe(1);
      expect(await shop.level(id)).toMatchObject({ held: 2 });
      await shop.say(shop.stripe.pay(first?.body.paymentIntentId));
      const later = await shop.admin.post(INTENT, body, headers);
      expect(later.headers.get('idempotency-replayed')).toBe('true');
      expect({ ...later.body }).toEqual({ ...first?.body, clientSecret: null });
      const other = await shop.admin.post(INTENT, { ...body, ...one(id, 3) }, headers);
      expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    });

    it('a repeat goes on where the provider did not answer', async () => {
      const { id } = await shop.product();
      const headers = { 'Idempotency-Key': `resume-${id}` };
      const body = { cartId: `resume-${id}`, ...one(id, 2), ...RETURN_URLS };
      shop.stripe.fail({ cut: true }, { cut: true }, { cut: true }, { cut: true });
      const first = await shop.admin.post(SESSION, body, headers);
      expect(first).toMatchObject({ status: 502, body: { code: 'payment_provider_failed' } });
      shop.stripe.fail();
      const second = await shop.admin.post(SESSION, body, headers);
      expect(second).toMatchObject({ status: 201, body: { orderId: first.body.orderId } });
      const third = await shop.admin.post(SESSION, body, headers);
      expect(third.body).toEqual(second.body);
      expect(await ordersOf(body.cartId)).toHaveLength(1);
    });

    it('is told that the checkout is under way while another copy is at it', async () => {
      const { id } = await shop.product();
      const headers = { 'Idempotency-Key': `away-${id}` };
      const body = { cartId: `away-${id}`, ...one(id) };
      const copy = await startService(shop.service.testDatabase, {
        STRIPE_SECRET_KEY: 'sk_test_of_tests',
        STRIPE_API_BASE: shop.stripe.url,
        STRIPE_TIMEOUT_SECONDS: '1',
      });
      // The provider is at the first request for longer than the second one waits.
      shop.stripe.fail({ status: 409 }, { status: 409 });
      const answer = await copy.client().post(INTENT, body, headers);
      expect(answer).toMatchObject({ status: 409, body: { code: 'idempotency_in_progress' } });
      expect(await shop.admin.post(INTENT, body, headers)).toMatchObject({ status: 201 });
      await copy.stop();
    });
  });

  describe('a provider that fails', () => {
    it.each([
      [402, 'Your card was declined.'],
      [400, 'Amount must be at least 50 cents'],
    ])(
      '%i: it surely refused, so the order fails and its units are free',
      async (status, message) => {
        const { id } = await shop.product();
        const cartId = `refused-${id}`;
        shop.stripe.fail({ status, message });
        const answer = await shop.admin.post(INTENT, { cartId, ...one(id, 2) });
        expect(answer).toMatchObject({
          status: 502,
          body: { code: 'payment_provider_failed', orderId: expect.stringMatching(UUID) },
        });
        expect(await ordersOf(cartId)).toMatchObject([
          { status: 'failed', failureReason: message },
        ]);
        expect(await shop.level(id)).toEqual({ free: 10, held: 0, out: 0 });
      },
    );

    it.each([
      ['500, and it was done', { status: 500, done: true }],
      ['a cut connection, and it was done', { cut: true, done: true }],
      ['no answer, and it was done', { done: true }],
      ['503, and nothing was done', { status: 503 }],
      ['no answer, and nothing was done', {}],
    ])(
      '%s: the order waits, and is settled when the provider is asked again',
      async (_what, fault) => {
        const { id } = await shop.product();
        const cartId = `unknown-${id}`;
        // More than it is asked before that is given up: a cut connection may be tried once more.
        shop.stripe.fail(fault, fault, fault, fault);
        const made = shop.stripe.intents.size;
        const answer = await shop.admin.post(INTENT, { cartId, ...one(id, 2) });
        expect(answer).toMatchObject({ status: 502, body: { code: 'payment_provider_failed' } });
        shop.stripe.fail();
        const { orderId } = answer.body;
        expect(await shop.order(orderId)).toMatchObject({
          status: 'pending',
          paymentIntentId: null,
        });
        expect(await shop.level(id)).toEqual({ free: 8, held: 2, out: 0 });
        await attendNow(orderId);
        const { status, paymentIntentId } = await shop.order(orderId);
        expect(status).toBe('pending');
        expect(shop.stripe.intents.size - made).toBe(1);
        await shop.say(shop.stripe.pay(paymentIntentId));
        expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
      },
    );

    it('what it made without a word is ended when the order is over', async () => {
      const { id } = await shop.product();
      const unknown = { status: 500, done: true };
      shop.stripe.fail(unknown, unknown);
      const { body } = await shop.admin.post(INTENT, { cartId: `lost-${id}`, ...one(id, 2) });
      await shop.endHold(body.orderId);
      await payments().expireDue();
      await payments().attend();
      await attendNow(body.orderId);
      const { status, paymentIntentId } = await shop.order(body.orderId);
      expect(status).toBe('expired');
      expect(shop.stripe.intents.get(paymentIntentId)).toMatchObject({ status: 'canceled' });
    });
  });

  describe('when the hold ends unpaid', () => {
    it.each(['intent', 'session'] as const)(
      'the order expires and the %s is ended',
      async (what) => {
        const { id } = await shop.product();
        const made = await shop[what](id, 2);
        await shop.endHold(made.orderId);
        await payments().expireDue();
        await payments().attend();
        expect(await shop.order(made.orderId)).toMatchObject({ status: 'expired' });
        const things = what === 'intent' ? shop.stripe.intents : shop.stripe.sessions;
        const { status } = things.get(made.paymentIntentId ?? made.sessionId);
        expect(status).toBe(what === 'intent' ? 'canceled' : 'expired');
        expect((await shop.admin.post(INTENT, { cartId: 'next', ...one(id, 10) })).status).toBe(
          201,
        );
        await shop.admin.post(`/api/orders/${(await ordersOf('next'))[0].id}/cancel`);
      },
    );

    it('one that was paid in the last moment is found out, and confirmed', async () => {
      const { id } = await shop.product();
      const intent = await shop.intent(id, 2);
      const session = await shop.session(id, 3);
      shop.stripe.pay(intent.paymentIntentId);
      shop.stripe.complete(session.sessionId, true);
      for (const { orderId } of [intent, session]) await shop.endHold(orderId);
      await payments().expireDue();
      await payments().attend();
      for (const { orderId } of [intent, session]) {
        expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
        expect(await shop.told(orderId)).toEqual(['order.expired', 'order.confirmed']);
      }
      expect(await shop.level(id)).toEqual({ free: 5, held: 0, out: 5 });
    });

    it('money that is under way is waited for', async () => {
      const { id } = await shop.product();
      const { orderId, sessionId } = await shop.session(id, 2);
      await shop.say(shop.stripe.complete(sessionId, false));
      await shop.endHold(orderId);
      await payments().expireDue();
      await payments().attend();
      expect(await shop.order(orderId)).toMatchObject({ status: 'expired' });
      shop.stripe.asyncPaid(sessionId);
      await attendNow(orderId);
      expect(await shop.order(orderId)).toMatchObject({ status: 'confirmed' });
    });
  });

  it('what no webhook said is found out at night', async () => {
    const { id } = await shop.product();
    const paid = await shop.intent(id, 1);
    const cancelled = await shop.intent(id, 1);
    const refunded = await shop.intent(id, 1);
    const session = await shop.session(id, 1);
    const open = await shop.intent(id, 1);
    shop.stripe.pay(paid.paymentIntentId);
    shop.stripe.cancel(cancelled.paymentIntentId);
    shop.stripe.pay(refunded.paymentIntentId);
    shop.stripe.refund(refunded.paymentIntentId);
    shop.stripe.complete(session.sessionId, true);
    expect(await payments().reconcile()).toBe(4);
    const statusOf = async ({ orderId }: { orderId: string }) => (await shop.order(orderId)).status;
    expect(await statusOf(paid)).toBe('confirmed');
    expect(await statusOf(cancelled)).toBe('cancelled');
    expect(await statusOf(refunded)).toBe('refunded');
    expect(await statusOf(session)).toBe('confirmed');
    expect(await statusOf(open)).toBe('pending');
    expect(await shop.level(id)).toEqual({ free: 7, held: 1, out: 2 });
  });

  it('orders are seen to by themselves', async () => {
    const { id } = await shop.product();
    const { orderId, paymentIntentId } = await shop.intent(id, 2);
    await shop.endHold(orderId);
    const isOver = () => shop.stripe.intents.get(paymentIntentId).status === 'canceled';
    for (let i = 0; i < 200 && !isOver(); i++) await new Promise((r) => setTimeout(r, 50));
    expect(isOver()).toBe(true);
    expect(await shop.order(orderId)).toMatchObject({ status: 'expired' });
  });

  it('every query of orders is served by an index', async () => {
    const queries = [
      "SELECT id FROM orders WHERE status = 'pending' AND expires_at <= '2026-01-01' ORDER BY expires_at LIMIT 50",
      "SELECT id FROM orders WHERE attend_at <= '2026-01-01' ORDER BY attend_at LIMIT 50",
      "SELECT id FROM orders WHERE payment_intent_id = 'pi_1' ORDER BY id LIMIT 1",
      "SELECT id FROM orders WHERE session_id = 'cs_1' ORDER BY id LIMIT 1",
      "SELECT id FROM orders WHERE store_id = 1 AND cart_id = 'c' AND pending = 1 ORDER BY id LIMIT 1",
      "SELECT id FROM orders WHERE store_id = 1 AND customer_id = 'ann' ORDER BY id DESC LIMIT 51",
      "SELECT id FROM orders WHERE store_id = 1 AND status = 'pending' ORDER BY id DESC LIMIT 51",
    ];
    for (const query of queries) {
      const plan = await shop.service.rows.select(
        `${kind === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${query}`,
      );
      const text = JSON.stringify(plan);
      expect(text).toMatch(/orders_|const tables/);
    }
  });
});

describe.each(DATABASES)('without STRIPE_SECRET_KEY on %s', (kind) => {
  it('checkout and webhooks are 503, and everything else works', async () => {
    const service = await startService(kind);
    const admin = service.client();
    const product = {
      sku: 'A',
      name: 'A',
      quantity: 2,
      publish: true,
      price_amount: 5,
      price_currency: 'EUR',
    };
    const { id } = (await admin.post('/api/products', product)).body;
    const checkout = { cartId: 'c', items: [{ productId: id, quantity: 1 }] };
    const answers = [
      await admin.post(INTENT, checkout),
      await admin.post(SESSION, { ...checkout, ...RETURN_URLS }),
      await fetch(`${service.url}/api/webhooks/stripe`, { method: 'POST', body: '{}' }).then(
        async (response) => ({
          status: response.status,
          headers: response.headers,
          body: await response.json(),
        }),
      ),
    ];
    for (const { status, headers, body } of answers) {
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { code: 'payments_not_configured' },
      });
      expect(headers.get('retry-after')).not.toBeNull();
    }
    expect((await admin.post('/api/rentals', { product_id: id })).status).toBe(201);
    expect((await admin.get('/api/orders')).body).toEqual({ data: [], nextCursor: null });
    await service.stop();
  });
});
