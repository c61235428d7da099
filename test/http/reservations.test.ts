import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.js';
import { DATABASES } from '../helpers/databases.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** minutes of a hold that a test sees expire */
const SOON = 0.3 / 60;
const MS = 1 / 60_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const minutesBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000;

describe.each(DATABASES)('reservations on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind, { MAX_ACTIVE_HOLDS: '3' });
    admin = service.client();
  });
  afterAll(() => service.stop());

  const name = (prefix: string) => `${prefix}-${++made}`;
  const customer = (sub: string) => service.client({ sub, role: 'customer' });

  async function makeProduct(fields: Record<string, unknown> = {}) {
    const sku = name('P');
    const product = { sku, name: sku, quantity: 10, publish: true, ...fields };
    return (await admin.post('/api/products', product)).body;
  }
  const product = async (id: number) => (await admin.get(`/api/products/${id}`)).body;

  /** Holds units; throws where that is refused. */
  async function hold(fields: Record<string, unknown>, by = admin) {
    const { status, body } = await by.post('/api/reservations', { quantity: 1, ...fields });
    if (status >= 300) throw new Error(`no hold: ${status} ${body.code}`);
    return body;
  }
  const stock = async (ref: number | string, cartId?: string) => {
    const query = cartId === undefined ? '' : `?cartId=${encodeURIComponent(cartId)}`;
    return (await admin.get(`/api/reservations/stock/${ref}${query}`)).body;
  };
  const audit = async (query: string) => (await admin.get(`/api/audit?${query}`)).body.data;
  const codeOf = ({ status, body }: { status: number; body: { code: string } }) => [
    status,
    body.code,
  ];

  describe('the examples of the document', () => {
    it('create, check, list, extend, release', async () => {
      // Its product goes by a SKU, and its supplier has ten.
      const { id } = await makeProduct({ sku: 'product-id' });
      const created = await admin.post('/api/reservations', {
        cartId: 'cart-123',
        resellerProductId: 'product-id',
        quantity: 2,
        expiresInMinutes: 15,
      });
      expect(created.status).toBe(201);
      expect(created.body).toEqual({
        id: expect.stringMatching(UUID),
        storeId: 1,
        cartId: 'cart-123',
        resellerProductId: 'product-id',
        sku: 'product-id',
        quantity: 2,
        status: 'reserved',
        expiresAt: expect.stringMatching(TIME),
        confirmedAt: null,
        releasedAt: null,
        orderId: null,
        customerId: null,
        createdAt: expect.stringMatching(TIME),
        updatedAt: expect.stringMatching(TIME),
        availableStock: 8,
      });
      const { availableStock, ...reservation } = created.body;
      expect(minutesBetween(reservation.createdAt, reservation.expiresAt)).toBe(15);

      expect(await stock('product-id')).toEqual({
        resellerProductId: 'product-id',
        sku: 'product-id',
        availableStock,
        syncedStock: 10,
        reservedQuantity: 2,
      });
      // Where the request does not name the product, it is its id.
      const byId = { ...reservation, resellerProductId: id };
      const listed = await admin.get('/api/reservations/cart/cart-123');
      expect(listed).toMatchObject({ status: 200, body: { cartId: 'cart-123', data: [byId] } });
      const path = `/api/reservations/${reservation.id}`;
      expect(await admin.get(path)).toMatchObject({ status: 200, body: byId });

      const extended = await admin.patch(`${path}/extend`, { additionalMinutes: 15 });
      expect(extended.status).toBe(200);
      expect(minutesBetween(reservation.expiresAt, extended.body.expiresAt)).toBe(15);

      const released = await admin.delete('/api/reservations/cart/cart-123');
      expect(released).toMatchObject({
        status: 200,
        body: {
          cartId: 'cart-123',
          released: 2,
          reservations: [{ id: reservation.id, status: 'released', quantity: 2 }],
        },
      });
      expect(released.body.reservations[0].releasedAt).toMatch(TIME);
      expect(await stock('product-id')).toMatchObject({ availableStock: 10, reservedQuantity: 0 });
    });

    it('a checkout: hold each item, confirm all with the order', async () => {
      const products = [await makeProduct(), await makeProduct()];
      const cartId = name('cart');
      for (const { id } of products) {
        const item = { cartId, resellerProductId: id, quantity: 3, expiresInMinutes: 15 };
        expect((await admin.post('/api/reservations', item)).status).toBe(201);
      }
      const path = `/api/reservations/cart/${cartId}/confirm`;
      const { status, body } = await admin.post(path, { orderId: 'order-1' });
      expect(status).toBe(200);
      expect(body).toMatchObject({ cartId, orderId: 'order-1' });
      products.forEach(({ id, sku }, i) => {
        expect(body.reservations[i]).toMatchObject({
          resellerProductId: id,
          sku,
          status: 'confirmed',
          orderId: 'order-1',
          confirmedAt: expect.stringMatching(TIME),
        });
        expect(body.rentals[i]).toEqual({
          id: expect.stringMatching(UUID),
          storeId: 1,
          productId: id,
          userId: null,
          quantity: 3,
          status: 'active',
          startsAt: null,
          endsAt: null,
          orderId: 'order-1',
          reservationId: body.reservations[i].id,
          createdAt: expect.stringMatching(TIME),
          completedAt: null,
          cancelledAt: null,
          cancelReason: null,
        });
      });
      for (const { id } of products) {
        expect(await stock(id)).toMatchObject({
          availableStock: 7,
          syncedStock: 7,
          reservedQuantity: 0,
        });
        expect(await product(id)).toMatchObject({ quantity_rented: 3, quantity_reserved: 0 });
      }
    });

    it('a checkout that fails gives back what it held, and the next order goes on', async () => {
      const { id } = await makeProduct({ quantity: 2 });
      const first = { cartId: name('cart'), resellerProductId: id, quantity: 2 };
      await hold(first);
      const second = { ...first, cartId: name('cart') };
      const refused = await admin.post('/api/reservations', second);
      expect(codeOf(refused)).toEqual([409, 'out_of_stock']);
      await admin.delete(`/api/reservations/cart/${first.cartId}`);
      expect((await admin.post('/api/reservations', second)).status).toBe(201);
    });

    it('resellers that list the same goods hold each their own product', async () => {
      const [mine, yours] = [await makeProduct(), await makeProduct()];
      const cartId = name('cart');
      await hold({ cartId, resellerProductId: mine.id, quantity: 4 });
      await hold({ cartId, resellerProductId: yours.id, quantity: 6 });
      expect((await stock(mine.id)).availableStock).toBe(6);
      expect((await stock(yours.id)).availableStock).toBe(4);
    });
  });

  describe('holding', () => {
    it('again for the same cart and product changes the hold, and its expiry', async () => {
      const { id } = await makeProduct();
      const fields = { cartId: name('cart'), resellerProductId: id };
      const first = await hold({ ...fields, quantity: 9, expiresInMinutes: 1 });
      const { status, body } = await admin.post('/api/reservations', {
        ...fields,
        quantity: 10,
        expiresInMinutes: 30,
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({ id: first.id, quantity: 10, availableStock: 0 });
      expect(minutesBetween(body.updatedAt, body.expiresAt)).toBe(30);
      expect((await product(id)).availability_status).toBe('rented_out');
      expect(await hold({ ...fields, quantity: 1 })).toMatchObject({ availableStock: 9 });
      // A cart is told what it could hold in all.
      const { body: short } = await admin.post('/api/reservations', { ...fields, quantity: 11 });
      expect(short).toMatchObject({
        code: 'insufficient_stock',
        available: 10,
        requested: 11,
        errors: [{ index: 0, resellerProductId: id, code: 'insufficient_stock', available: 10 }],
      });
    });

    it('repeats how the product was named', async () => {
      const { id, sku } = await makeProduct();
      for (const resellerProductId of [id, String(id), sku]) {
        const held = await hold({ cartId: name('cart'), resellerProductId });
        expect(held).toMatchObject({ resellerProductId, sku });
      }
      expect((await stock(id)).resellerProductId).toBe(id);
      expect((await stock(sku)).resellerProductId).toBe(sku);
    });

    it('lasts RESERVATION_EXPIRY_MINUTES where nothing else is said, or part of a minute', async () => {
      const { id } = await makeProduct();
      const usual = await hold({ cartId: name('cart'), resellerProductId: id });
      expect(minutesBetween(usual.createdAt, usual.expiresAt)).toBe(15);
      const short = { cartId: name('cart'), resellerProductId: id, expiresInMinutes: 0.5 };
      const half = await hold(short);
      expect(minutesBetween(half.createdAt, half.expiresAt)).toBe(0.5);
    });

    it('lasts RESERVATION_MAX_MINUTES at most: more is 422, and extensions end there', async () => {
      const { id } = await makeProduct();
      const fields = { resellerProductId: id, quantity: 1 };
      const longest = { ...fields, cartId: name('cart'), expiresInMinutes: 1440 };
      const { id: reservationId } = await hold(longest);
      const path = `/api/reservations/${reservationId}/extend`;
      const extended = await admin.patch(path, { additionalMinutes: 0.5 });
      expect(codeOf(extended)).toEqual([409, 'extension_limit_reached']);
      const beyond = { ...longest, cartId: name('cart'), expiresInMinutes: 1440.1 };
      expect((await admin.post('/api/reservations', beyond)).body.errors).toEqual([
        { field: 'expiresInMinutes', message: 'must be at most 1440' },
      ]);
      const none = { ...beyond, expiresInMinutes: 0 };
      expect((await admin.post('/api/reservations', none)).body.errors).toEqual([
        { field: 'expiresInMinutes', message: 'must be more than 0' },
      ]);
      const { paths } = (await admin.get('/openapi.json')).body;
      const { schema } = paths['/api/reservations'].post.requestBody.content['application/json'];
      expect(schema.properties.expiresInMinutes).toMatchObject({
        exclusiveMinimum: 0,
        maximum: 1440,
        default: 15,
      });
    });

    it('takes nothing of a draft, nor of what is not there', async () => {
      const { id } = await makeProduct({ publish: false });
      const fields = { cartId: name('cart'), quantity: 1 };
      for (const [resellerProductId, expected] of [
        [id, [409, 'not_available']],
        [999_999, [404, 'product_not_found']],
        ['NOBODY', [404, 'product_not_found']],
      ] as const) {
        const answer = await admin.post('/api/reservations', { ...fields, resellerProductId });
        expect(codeOf(answer)).toEqual(expected);
      }
      expect(codeOf(await admin.get('/api/reservations/stock/NOBODY'))).toEqual([
        404,
        'product_not_found',
      ]);
    });

    it('50 at once for the last 10 units: exactly 10', async () => {
      const { id } = await makeProduct();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          admin.post('/api/reservations', {
            cartId: name('cart'),
            resellerProductId: id,
            quantity: 1,
          }),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(10);
      expect(statuses.filter((status) => status === 409)).toHaveLength(40);
      expect(await stock(id)).toMatchObject({ availableStock: 0, reservedQuantity: 10 });
      expect(await product(id)).toMatchObject({ quantity_available: 0, quantity_reserved: 10 });
    });
  });

  describe('what is free', () => {
    it('counts for a cart what it holds itself', async () => {
      const { id } = await makeProduct();
      const [mine, other] = [name('mine'), name('other')];
      await hold({ cartId: mine, resellerProductId: id, quantity: 4 });
      await hold({ cartId: other, resellerProductId: id, quantity: 1 });
      await admin.post('/api/rentals', { product_id: id, quantity: 2 });
      expect(await stock(id)).toMatchObject({
        availableStock: 3,
        syncedStock: 8,
        reservedQuantity: 5,
      });
      expect(await stock(id, mine)).toMatchObject({
        availableStock: 7,
        syncedStock: 8,
        reservedQuantity: 1,
      });
      expect(await stock(id, name('empty'))).toMatchObject({ availableStock: 3 });
    });
  });

  it('takes the cart of a user or a checkout whose id is as long as may be, and no longer', async () => {
    const { id } = await makeProduct({ quantity: 5 });
    const longest = name('u').padEnd(200, 'x');
    const asCustomer = service.client({ sub: longest, role: 'customer' });
    expect(
      (await asCustomer.post('/api/stock/reserve', { product_id: id, quantity: 1 })).status,
    ).toBe(200);
    const path = `/api/reservations/cart/user:${longest}`;
    expect((await asCustomer.get(path)).body.data).toMatchObject([{ quantity: 1 }]);
    expect(await stock(id, `user:${longest}`)).toMatchObject({ availableStock: 5 });
    const again = { cartId: `user:${longest}`, resellerProductId: id, quantity: 2 };
    expect((await asCustomer.post('/api/reservations', again)).status).toBe(200);
    const items = [{ productId: id, quantity: 5 }];
    const asked = await admin.post('/api/inventory/validate', { items, cartId: again.cartId });
    expect(asked.body.isValid).toBe(true);
    expect((await asCustomer.post(`${path}/confirm`, { orderId: 'O' })).body.rentals).toMatchObject(
      [{ userId: longest, quantity: 2 }],
    );
    await hold({ cartId: `checkout:${longest}`, resellerProductId: id });
    for (const cartId of [`user:${longest}x`, `checkout:${longest}x`, `${longest}x`]) {
      const { status, body } = await admin.post('/api/reservations', { ...again, cartId });
      expect([status, body.errors]).toEqual([
        422,
        [{ field: 'cartId', message: expect.stringMatching(/at most 20[09] characters/) }],
      ]);
    }
  });

  describe('expiry', () => {
    /** A hold on all units of a product that is over, and that no job has seen. */
    async function holdThatIsDue(fields: Record<string, unknown> = {}) {
      const { id } = await makeProduct({ quantity: 2 });
      const held = await hold({
        cartId: name('cart'),
        resellerProductId: id,
        quantity: 2,
        expiresInMinutes: SOON,
        ...fields,
      });
      return { ...held, path: `/api/reservations/${held.id}` };
    }
    const untilDue = () => sleep(320);

    it('is true at once: it reads expired, holds nothing, and can not be used', async () => {
      const { cartId, resellerProductId, path } = await holdThatIsDue();
      expect(await stock(resellerProductId)).toMatchObject({ availableStock: 0 });
      await untilDue();
      expect((await admin.get(path)).body).toMatchObject({ status: 'expired', releasedAt: null });
      expect((await admin.get(`/api/reservations/cart/${cartId}`)).body.data).toEqual([]);
      for (const cart of [undefined, cartId]) {
        expect(await stock(resellerProductId, cart)).toMatchObject({
          availableStock: 2,
          syncedStock: 2,
          reservedQuantity: 0,
        });
      }
      const expired = [409, 'reservation_expired'];
      expect(codeOf(await admin.patch(`${path}/extend`, { additionalMinutes: 5 }))).toEqual(
        expired,
      );
      expect(codeOf(await admin.post(`${path}/confirm`, { orderId: 'O' }))).toEqual(expired);
      // Releasing it is answered as it stands.
      const released = await admin.delete(path);
      expect(released).toMatchObject({ status: 200, body: { status: 'expired' } });
      const cart = await admin.delete(`/api/reservations/cart/${cartId}`);
      expect(cart).toMatchObject({ status: 200, body: { released: 0, reservations: [] } });
      expect(
        await audit(`resellerProductId=${resellerProductId}&action=RESERVATION_RELEASED`),
      ).toEqual([]);
    });

    it('frees the units for a rental at once, with a line of its own', async () => {
      const { id, resellerProductId } = await holdThatIsDue();
      const rental = { product_id: resellerProductId, quantity: 2 };
      expect(codeOf(await admin.post('/api/rentals', rental))).toEqual([409, 'out_of_stock']);
      await untilDue();
      expect((await admin.post('/api/rentals', rental)).status).toBe(201);
      expect(await audit(`reservationId=${id}&action=RESERVATION_RELEASED`)).toMatchObject([
        { reason: 'expired', actor: 'system', quantity: 2, after: { status: 'expired' } },
      ]);
    });

    it('lets the cart hold anew: another reservation, 201', async () => {
      const first = await holdThatIsDue();
      await untilDue();
      const { cartId, resellerProductId } = first;
      const again = await admin.post('/api/reservations', {
        cartId,
        resellerProductId,
        quantity: 2,
      });
      expect(again.status).toBe(201);
      expect(again.body.id).not.toBe(first.id);
    });

    it('of one hold of a cart lets nothing be confirmed, and names it', async () => {
      const { id, cartId, resellerProductId, expiresAt } = await holdThatIsDue();
      const other = await makeProduct();
      await hold({ cartId, resellerProductId: other.id });
      await untilDue();
      const path = `/api/reservations/cart/${cartId}/confirm`;
      const refused = await admin.post(path, { orderId: 'O' });
      expect(codeOf(refused)).toEqual([409, 'reservation_expired']);
      expect(refused.body.errors).toMatchObject([
        { reservationId: id, resellerProductId, expiredAt: expiresAt, code: 'reservation_expired' },
      ]);
      expect((await product(other.id)).quantity_rented).toBe(0);
      // Held anew, it is no longer in the way.
      await hold({ cartId, resellerProductId });
      expect((await admin.post(path, { orderId: 'O' })).body.rentals).toHaveLength(2);
    });

    it.each(['as it is', 'after the cleanup'])(
      'lets the rest of the cart be confirmed once the cart lets go of it, %s',
      async (when) => {
        const lost = await holdThatIsDue();
        const other = await makeProduct();
        await hold({ cartId: lost.cartId, resellerProductId: other.id });
        await untilDue();
        if (when === 'after the cleanup') await admin.post('/api/reservations/cleanup');
        const before = (await admin.get(lost.path)).body;
        expect((await admin.delete(lost.path)).body).toEqual(before);
        // It stands as it stood, and its units were free before.
        expect((await admin.get(lost.path)).body).toEqual(before);
        expect(await stock(lost.resellerProductId)).toMatchObject({ availableStock: 2 });
        const path = `/api/reservations/cart/${lost.cartId}/confirm`;
        const confirmed = await admin.post(path, { orderId: 'O' });
        expect(confirmed.status).toBe(200);
        expect(confirmed.body.rentals).toMatchObject([{ productId: other.id }]);
        expect((await admin.post(path, { orderId: 'O' })).body).toEqual(confirmed.body);
      },
    );

    it('is let go of with the whole cart, and by a checkout that is given up', async () => {
      for (const [cartId, giveUp] of [
        [name('cart'), (cart: string) => admin.delete(`/api/reservations/cart/${cart}`)],
        [
          `checkout:${name('check')}`,
          (cart: string) =>
            admin.post('/api/inventory/release', { reservationId: cart.slice('checkout:'.length) }),
        ],
      ] as const) {
        await holdThatIsDue({ cartId });
        const other = await makeProduct();
        await hold({ cartId, resellerProductId: other.id });
        await untilDue();
        const path = `/api/reservations/cart/${encodeURIComponent(cartId)}/confirm`;
        expect(codeOf(await admin.post(path, { orderId: 'O' }))).toEqual([
          409,
          'reservation_expired',
        ]);
        expect((await giveUp(cartId)).status).toBe(200);
        expect(codeOf(await admin.post(path, { orderId: 'O' }))).toEqual([
          404,
          'reservation_not_found',
        ]);
        await hold({ cartId, resellerProductId: other.id });
        expect((await admin.post(path, { orderId: 'O' })).body.rentals).toHaveLength(1);
      }
    });

    it('is written down by the cleanup, of this store alone', async () => {
      await admin.post('/api/reservations/cleanup');
      const { id, resellerProductId } = await holdThatIsDue();
      await untilDue();
      const elsewhere = await service.client({ storeId: 2 }).post('/api/reservations/cleanup');
      expect(elsewhere.body).toEqual({ expired: 0, released: 0, errors: 0 });
      const { status, body } = await admin.post('/api/reservations/cleanup');
      expect({ status, body }).toEqual({
        status: 200,
        body: { expired: 1, released: 2, errors: 0 },
      });
      expect(await audit(`reservationId=${id}&action=RESERVATION_RELEASED`)).toMatchObject([
        { reason: 'expired', actor: 'admin', resellerProductId },
      ]);
      const none = { expired: 0, released: 0, errors: 0 };
      expect((await admin.post('/api/reservations/cleanup')).body).toEqual(none);
    });

    it('is written down once for a key: a repeat tells what the first did', async () => {
      const { id } = await holdThatIsDue({ expiresInMinutes: MS });
      await sleep(5);
      const headers = { 'Idempotency-Key': name('cleanup') };
      const send = () => admin.post('/api/reservations/cleanup', undefined, headers);
      const first = (await send()).body;
      expect(first).toMatchObject({ expired: 1, released: 2 });
      await holdThatIsDue({ expiresInMinutes: MS });
      await sleep(5);
      const again = await send();
      expect(again.body).toEqual(first);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(await audit(`reservationId=${id}&action=RESERVATION_RELEASED`)).toMatchObject([
        { actor: 'admin' },
      ]);
      expect((await admin.post('/api/reservations/cleanup')).body.expired).toBe(1);
    });
  });

  describe('ending', () => {
    it('confirming gives the rental, and the same one again for the same order', async () => {
      const { id: resellerProductId } = await makeProduct();
      const held = await hold({
        cartId: name('cart'),
        resellerProductId,
        quantity: 2,
        customerId: 77,
      });
      const path = `/api/reservations/${held.id}`;
      const confirm = (orderId: unknown) => admin.post(`${path}/confirm`, { orderId });
      const first = await confirm(4711);
      expect(first).toMatchObject({
        status: 200,
        body: {
          id: held.id,
          status: 'confirmed',
          orderId: '4711',
          resellerProductId,
          rental: { productId: resellerProductId, userId: '77', quantity: 2, orderId: '4711' },
        },
      });
      expect((await confirm('4711')).body).toEqual(first.body);
      expect((await product(resellerProductId)).quantity_rented).toBe(2);
      for (const answer of [
        await confirm('another'),
        await admin.patch(`${path}/extend`, { additionalMinutes: 1 }),
        await admin.delete(path),
        await admin.delete(`/api/reservations/cart/${held.cartId}`),
      ]) {
        expect(codeOf(answer)).toEqual([409, 'invalid_transition']);
        expect(answer.body.reservationStatus).toBe('confirmed');
      }
    });

    it('releasing gives the units back, and is answered as it stands from then on', async () => {
      const { id: resellerProductId } = await makeProduct();
      const held = await hold({ cartId: name('cart'), resellerProductId, quantity: 2 });
      const path = `/api/reservations/${held.id}`;
      const first = await admin.delete(path);
      expect(first).toMatchObject({ status: 200, body: { status: 'released', quantity: 2 } });
      expect((await admin.delete(path)).body).toEqual(first.body);
      expect((await product(resellerProductId)).quantity_available).toBe(10);
      const confirmed = await admin.post(`${path}/confirm`, { orderId: 'O' });
      expect(codeOf(confirmed)).toEqual([409, 'invalid_transition']);
      const extended = await admin.patch(`${path}/extend`, { additionalMinutes: 1 });
      expect(codeOf(extended)).toEqual([409, 'invalid_transition']);
    });

    it('confirming a cart again for the same order is the same answer, also after it holds more', async () => {
      const products = [await makeProduct(), await makeProduct(), await makeProduct()];
      const cartId = name('cart / ä');
      for (const { id } of products) await hold({ cartId, resellerProductId: id });
      const path = `/api/reservations/cart/${encodeURIComponent(cartId)}`;
      const first = await admin.post(`${path}/confirm`, { orderId: 'O-1' });
      expect(first.body.rentals).toHaveLength(3);
      expect((await admin.post(`${path}/confirm`, { orderId: 'O-1' })).body).toEqual(first.body);
      const other = await admin.post(`${path}/confirm`, { orderId: 'O-2' });
      expect(codeOf(other)).toEqual([404, 'reservation_not_found']);

      const more = await hold({ cartId, resellerProductId: products[0].id });
      expect((await admin.post(`${path}/confirm`, { orderId: 'O-1' })).body).toEqual(first.body);
      const next = await admin.post(`${path}/confirm`, { orderId: 'O-2' });
      expect(next.body.reservations).toMatchObject([{ id: more.id, orderId: 'O-2' }]);
    });

    it('confirming a cart again is the same answer, oldest hold first, though it held one before', async () => {
      const [early, late] = [await makeProduct(), await makeProduct()];
      const cartId = name('cart');
      await admin.delete(
        `/api/reservations/${(await hold({ cartId, resellerProductId: late.id })).id}`,
      );
      for (const { id } of [early, late]) await hold({ cartId, resellerProductId: id });
      const path = `/api/reservations/cart/${cartId}/confirm`;
      const first = await admin.post(path, { orderId: 'O' });
      expect(first.body.reservations.map(({ sku }: { sku: string }) => sku)).toEqual([
        early.sku,
        late.sku,
      ]);
      expect((await admin.post(path, { orderId: 'O' })).body).toEqual(first.body);
    });

    it('of an unknown cart: nothing to confirm, and nothing to give back', async () => {
      const path = `/api/reservations/cart/${name('unknown')}`;
      expect((await admin.get(path)).body.data).toEqual([]);
      expect(codeOf(await admin.post(`${path}/confirm`, { orderId: 'O' }))).toEqual([
        404,
        'reservation_not_found',
      ]);
      expect((await admin.delete(path)).body).toMatchObject({ released: 0, reservations: [] });
    });

    it.each(['nothing', '00000000-0000-7000-8000-000000000000'])(
      'of a reservation called %s is 404',
      async (id) => {
        const path = `/api/reservations/${id}`;
        for (const answer of [
          await admin.get(path),
          await admin.patch(`${path}/extend`, { additionalMinutes: 1 }),
          await admin.post(`${path}/confirm`, { orderId: 'O' }),
          await admin.delete(path),
        ]) {
          expect(codeOf(answer)).toEqual([404, 'reservation_not_found']);
        }
      },
    );

    it('a cart is confirmed once, however many ask', async () => {
      const { id } = await makeProduct();
      const cartId = name('cart');
      await hold({ cartId, resellerProductId: id, quantity: 5 });
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          admin.post(`/api/reservations/cart/${cartId}/confirm`, { orderId: 'O' }),
        ),
      );
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(await product(id)).toMatchObject({ quantity_rented: 5, quantity_available: 5 });
    });
  });

  describe('a customer', () => {
    const forbidden = [403, 'forbidden'];
    const notFound = [404, 'reservation_not_found'];

    it('holds for itself, whatever the cart, and names nobody else', async () => {
      const { id: resellerProductId } = await makeProduct();
      const ann = customer('ann');
      const fields = { cartId: name('cart'), resellerProductId };
      expect(await hold(fields, ann)).toMatchObject({ customerId: 'ann' });
      expect(await hold({ ...fields, customerId: 'ann' }, ann)).toMatchObject({ quantity: 1 });
      const named = { ...fields, quantity: 1, customerId: 'bob' };
      expect(codeOf(await ann.post('/api/reservations', named))).toEqual(forbidden);
      await ann.delete(`/api/reservations/cart/${fields.cartId}`);
    });

    it('touches no cart in which another holds something, and no reservation of another', async () => {
      const { id: resellerProductId } = await makeProduct();
      const [ann, bob] = [customer('ann'), customer('bob')];
      const cartId = name('shared');
      const path = `/api/reservations/cart/${cartId}`;
      const held = await hold({ cartId, resellerProductId, quantity: 2 }, ann);
      const one = `/api/reservations/${held.id}`;
      const fields = { cartId, resellerProductId, quantity: 1 };
      for (const answer of [
        await bob.post('/api/reservations', fields),
        await bob.get(path),
        await bob.get(`/api/reservations/stock/${resellerProductId}?cartId=${cartId}`),
        await bob.post(`${path}/confirm`, { orderId: 'O' }),
        await bob.delete(path),
      ]) {
        expect(codeOf(answer)).toEqual(forbidden);
      }
      for (const answer of [
        await bob.get(one),
        await bob.patch(`${one}/extend`, { additionalMinutes: 1 }),
        await bob.post(`${one}/confirm`, { orderId: 'O' }),
        await bob.delete(one),
      ]) {
        expect(codeOf(answer)).toEqual(notFound);
      }
      expect((await ann.get(one)).body).toMatchObject({ status: 'reserved', quantity: 2 });
      // What ann bought is not told to bob, who may touch the cart that is empty now.
      expect((await ann.post(`${path}/confirm`, { orderId: 'O' })).status).toBe(200);
      expect(codeOf(await bob.post(`${path}/confirm`, { orderId: 'O' }))).toEqual(notFound);
      expect(await hold(fields, bob)).toMatchObject({ customerId: 'bob' });
      expect(codeOf(await ann.get(path))).toEqual(forbidden);
      await bob.delete(path);
    });

    it("neither meets nor touches what is over of another's in a cart", async () => {
      const [first, second] = [await makeProduct(), await makeProduct()];
      const [ann, bob] = [customer('ann'), customer('bob')];
      const cartId = name('shared');
      const path = `/api/reservations/cart/${cartId}`;
      const fields = { cartId, expiresInMinutes: SOON };
      const lost = await hold({ ...fields, resellerProductId: first.id }, ann);
      await sleep(320);
      const held = { cartId, resellerProductId: second.id };
      await hold(held, bob);
      expect((await bob.post(`${path}/confirm`, { orderId: 'B' })).body).toMatchObject({
        reservations: [{ resellerProductId: second.id }],
      });
      // Nor does bob let go of it for her.
      expect((await bob.delete(path)).status).toBe(409);
      await hold(held, ann);
      const refused = await ann.post(`${path}/confirm`, { orderId: 'A' });
      expect(codeOf(refused)).toEqual([409, 'reservation_expired']);
      expect(refused.body.errors).toMatchObject([{ reservationId: lost.id }]);
      await ann.delete(path);
      await hold(held, ann);
      expect((await ann.post(`${path}/confirm`, { orderId: 'A' })).status).toBe(200);
      // To a third it is a cart like one that never held anything.
      expect(await customer('cid').delete(path)).toMatchObject({
        status: 200,
        body: { released: 0, reservations: [] },
      });
    });

    it("has its own user's cart alone, and no checkout's", async () => {
      const { id: resellerProductId } = await makeProduct();
      const ann = customer('ann');
      const own = { cartId: 'user:ann', resellerProductId };
      expect(await hold(own, ann)).toMatchObject({ cartId: 'user:ann' });
      expect((await ann.get('/api/reservations/cart/user:ann')).body.data).toHaveLength(1);
      for (const cartId of ['user:bob', 'user:ANN', 'checkout:1']) {
        const fields = { ...own, cartId, quantity: 1 };
        expect(codeOf(await ann.post('/api/reservations', fields))).toEqual(forbidden);
        expect(codeOf(await ann.get(`/api/reservations/cart/${cartId}`))).toEqual(forbidden);
      }
      const checkout = await hold({ ...own, cartId: 'checkout:1', customerId: 'ann' });
      expect(codeOf(await ann.get(`/api/reservations/${checkout.id}`))).toEqual(notFound);
      await ann.delete('/api/reservations/cart/user:ann');
    });

    it("has a hold of nobody's where its cart is not another's", async () => {
      const { id: resellerProductId } = await makeProduct();
      const [ann, bob] = [customer('ann'), customer('bob')];
      const cartId = name('guest');
      const { id } = await hold({ cartId, resellerProductId });
      expect((await ann.get(`/api/reservations/${id}`)).status).toBe(200);
      const other = await makeProduct();
      await hold({ cartId, resellerProductId: other.id }, bob);
      expect(codeOf(await ann.get(`/api/reservations/${id}`))).toEqual(notFound);
      await bob.delete(`/api/reservations/cart/${cartId}`);
    });

    it('of two at once in one cart one comes first, and it is theirs', async () => {
      const products = [await makeProduct(), await makeProduct()];
      const cartId = name('race');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          customer(i % 2 === 0 ? 'cat' : 'dan').post('/api/reservations', {
            cartId,
            resellerProductId: products[0].id,
            quantity: 1 + i,
          }),
        ),
      );
      const owners = new Set(
        answers.filter(({ status }) => status < 300).map(({ body }) => body.customerId),
      );
      expect(owners.size).toBe(1);
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(5);
    });

    it('has MAX_ACTIVE_HOLDS at once, however fast it asks; what is due counts no more', async () => {
      const { id: resellerProductId } = await makeProduct({ quantity: 100 });
      const eve = customer('eve');
      const short = { resellerProductId, expiresInMinutes: SOON };
      await hold({ ...short, cartId: name('eve') }, eve);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          eve.post('/api/reservations', { cartId: name('eve'), resellerProductId, quantity: 1 }),
        ),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
      const [refused] = answers.filter(({ status }) => status !== 201);
      expect(refused?.body).toMatchObject({ status: 409, code: 'hold_limit_reached', limit: 3 });
      await sleep(320);
      expect(await hold({ cartId: name('eve'), resellerProductId }, eve)).toBeTruthy();
      // Nobody counts what a back end holds for it.
      expect(
        await hold({ cartId: name('eve'), resellerProductId, customerId: 'eve' }),
      ).toBeTruthy();
    });
  });

  describe('the audit', () => {
    it('has a row for each line: who, why, before and after', async () => {
      const { id: resellerProductId, sku } = await makeProduct();
      const cartId = name('cart');
      const fields = { cartId, resellerProductId };
      const first = await hold({ ...fields, quantity: 2 });
      await hold({ ...fields, quantity: 5 });
      await admin.patch(`/api/reservations/${first.id}/extend`, { additionalMinutes: 5 });
      const path = `/api/reservations/${first.id}/confirm`;
      const { body: confirmed } = await admin.post(path, { orderId: 'O-9' });
      await admin.post(`/api/rentals/${confirmed.rental.id}/complete`);
      const second = await hold(fields);
      await admin.delete(`/api/reservations/${second.id}`);
      await hold({ ...fields, quantity: 3 });
      await admin.delete(`/api/reservations/cart/${cartId}`);

      const rows = await audit(`resellerProductId=${sku}`);
      const seen = rows.map(
        ({ action, reason, before, after, quantity, availableStock }: Answer['body']) =>
          [action, reason, before.status, after.status, quantity, availableStock].join(' '),
      );
      expect(seen).toEqual([
        'RESERVATION_RELEASED cancelled reserved released 3 10',
        'RESERVATION_CREATED   reserved 3 7',
        'RESERVATION_RELEASED manual reserved released 1 10',
        'RESERVATION_CREATED   reserved 1 9',
        'RENTAL_COMPLETED  active completed 5 10',
        'RESERVATION_CONFIRMED  reserved confirmed 5 5',
        'RESERVATION_EXTENDED  reserved reserved 0 5',
        'RESERVATION_UPDATED  reserved reserved 3 5',
        'RESERVATION_CREATED   reserved 2 8',
        'PRODUCT_CREATED opening   10 10',
      ]);
      const [row] = await audit(`reservationId=${first.id}&action=RESERVATION_CONFIRMED`);
      expect(row).toEqual({
        id: expect.any(Number),
        action: 'RESERVATION_CONFIRMED',
        actor: 'admin',
        cartId,
        expiresAt: confirmed.expiresAt,
        resellerProductId,
        sku,
        reservationId: first.id,
        orderId: 'O-9',
        rentalId: confirmed.rental.id,
        quantity: 5,
        reason: null,
        before: { status: 'reserved' },
        after: { status: 'confirmed' },
        availableStock: 5,
        at: confirmed.confirmedAt,
      });
    });

    it('shows what else changes a product, and filters by each action', async () => {
      const { id } = await makeProduct({ publish: false });
      await admin.post(`/api/products/${id}/publish`);
      await admin.patch(`/api/products/${id}`, { quantity: 8 });
      const { body: rental } = await admin.post('/api/rentals', { product_id: id });
      await admin.post(`/api/rentals/${rental.id}/cancel`, { reason: 'rain' });
      await admin.post(`/api/products/${id}/unpublish`);
      for (const [action, expected] of [
        ['PRODUCT_CREATED', { quantity: 10, before: { status: null }, after: { status: null } }],
        ['PRODUCT_PUBLISHED', { quantity: 0 }],
        ['PRODUCT_UPDATED', { quantity: -2, availableStock: 8 }],
        ['RENTAL_CREATED', { rentalId: rental.id, quantity: 1, after: { status: 'active' } }],
        ['RENTAL_CANCELLED', { reason: 'rain', quantity: 1, after: { status: 'cancelled' } }],
        ['PRODUCT_UNPUBLISHED', { quantity: 0 }],
      ] as const) {
        expect(await audit(`resellerProductId=${id}&action=${action}`)).toMatchObject([
          { action, ...expected },
        ]);
      }
    });

    it('tells a hold that was used up from one that was used in part, and stock that changed', async () => {
      const { id: productId } = await makeProduct();
      const cartId = name('cart');
      await hold({ cartId, resellerProductId: productId, quantity: 5 });
      const header = () => ({ id: newId(), storeId: 1, actor: 'till', idempotency: null });
      const { core } = service.app;
      for (const quantity of [2, 3]) {
        const holdOfCart = { cartId, holdMustExist: true, userId: null, rentalId: newId() };
        const line = { productId, quantity, reason: 'sold', ...holdOfCart };
        const order = { orderId: null, boughtBy: null, ownerId: null };
        await core.send({ ...header(), kind: 'sell', lines: [line], ...order });
      }
      for (const kind of ['restock', 'adjust'] as const) {
        const lines = [{ productId, quantity: 4, reason: kind }];
        await core.send({ ...header(), kind, lines });
      }
      expect(await audit(`resellerProductId=${productId}&limit=4`)).toMatchObject([
        { action: 'STOCK_ADJUSTED', quantity: -5, reason: 'adjust', actor: 'till' },
        { action: 'STOCK_RESTOCKED', quantity: 4, availableStock: 9 },
        { action: 'RESERVATION_CONFIRMED', quantity: 3, after: { status: 'confirmed' } },
        { action: 'RESERVATION_CONFIRMED', quantity: 2, after: { status: 'reserved' } },
      ]);
    });

    it('comes in pages, newest first, and is empty for what is not there', async () => {
      const { id } = await makeProduct();
      for (let i = 0; i < 4; i++) await hold({ cartId: name('page'), resellerProductId: id });
      const query = `resellerProductId=${id}&action=RESERVATION_CREATED&limit=3`;
      const first = (await admin.get(`/api/audit?${query}`)).body;
      const second = (await admin.get(`/api/audit?${query}&cursor=${first.nextCursor}`)).body;
      expect([first.data.length, second.data.length, second.nextCursor]).toEqual([3, 1, null]);
      const ids = [...first.data, ...second.data].map((row: { id: number }) => row.id);
      expect(ids).toEqual([...ids].sort((a, b) => b - a));
      for (const nothing of ['resellerProductId=NOBODY', 'reservationId=x']) {
        expect(await audit(nothing)).toEqual([]);
      }
      expect(codeOf(await admin.get('/api/audit?action=RESERVATION_LOST'))).toEqual([
        400,
        'malformed_request',
      ]);
    });
  });
});
