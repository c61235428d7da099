import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { breachesInRows } from '../helpers/rows-law.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.each(DATABASES)('stock on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind, { MAX_ACTIVE_HOLDS: '2' });
    admin = service.client();
  });
  afterAll(() => service.stop());

  async function makeProduct(fields: Record<string, unknown> = {}) {
    const sku = `P-${++made}`;
    const product = { sku, name: sku, quantity: 5, publish: true, ...fields };
    return (await admin.post('/api/products', product)).body;
  }
  const customer = (sub: string) => service.client({ sub, role: 'customer' });
  const reserve = (body: object, by = admin) => by.post('/api/stock/reserve', body);
  const release = (body: object, by = admin) => by.post('/api/stock/release', body);
  const purchase = (body: object, by = admin) => by.post('/api/stock/purchase', body);
  const stock = async (named: number | string) => {
    const { body } = await admin.get(`/api/stock/${named}`);
    return [body.stock, body.reserved_stock, body.available_stock];
  };
  const ledger = async (id: number) =>
    (await admin.get(`/api/products/${id}/movements`)).body.data.map(
      (line: Record<string, unknown>) => [
        line['kind'],
        line['quantity_available_delta'],
        line['reason'],
        line['actor'],
      ],
    );

  describe("the document's own requests", () => {
    it('are answered as it says', async () => {
      await makeProduct({ sku: 'uuid', quantity: 50 });
      const reserved = await reserve({
        product_id: 'uuid',
        quantity: 2,
        user_id: 'uuid',
        action: 'add_to_cart',
      });
      expect(reserved.status).toBe(200);
      expect(reserved.body).toEqual({
        success: true,
        message: 'Stock reserved successfully',
        reserved_quantity: 2,
        available_stock: 48,
        held_quantity: 2,
        reservation_id: expect.stringMatching(UUID),
        expires_at: expect.stringMatching(TIME),
      });
      expect(await stock('uuid')).toEqual([50, 2, 48]);

      const released = await release({
        product_id: 'uuid',
        quantity: 2,
        user_id: 'uuid',
        action: 'remove_from_cart',
      });
      expect(released.status).toBe(200);
      expect(released.body).toEqual({
        success: true,
        message: 'Stock released successfully',
        released_quantity: 2,
        available_stock: 50,
        held_quantity: 0,
      });
      expect(await stock('uuid')).toEqual([50, 0, 50]);
    });

    it('fail as its error handling says: no such product, and "Only 3 …"', async () => {
      const missing = await reserve({ product_id: 'nothing', quantity: 1 });
      expect(missing.status).toBe(404);
      expect(missing.body).toMatchObject({ title: 'No such product', code: 'product_not_found' });

      const { id } = await makeProduct({ quantity: 3 });
      const short = await reserve({ product_id: id, quantity: 4 });
      expect(short.status).toBe(409);
      expect(short.body).toEqual({
        type: 'urn:problem:insufficient_stock',
        title: 'Not enough units',
        status: 409,
        detail: 'Only 3 left, and 4 were asked for.',
        instance: '/api/stock/reserve',
        code: 'insufficient_stock',
        available: 3,
        requested: 4,
      });
    });
  });

  describe('reserving', () => {
    it('adds to what the user holds, and lets all of it last as long again', async () => {
      const { id } = await makeProduct();
      const first = (await reserve({ product_id: id, quantity: 2, user_id: 'ann' })).body;
      await someTime();
      const again = (await reserve({ product_id: id, quantity: 1, user_id: 'ann' })).body;
      expect(again).toMatchObject({
        reserved_quantity: 1,
        held_quantity: 3,
        available_stock: 2,
        reservation_id: first.reservation_id,
      });
      expect(Date.parse(again.expires_at)).toBeGreaterThan(Date.parse(first.expires_at));
      const [row] = await service.rows.select(
        `SELECT * FROM reservations WHERE id = '${first.reservation_id}'`,
      );
      expect(row).toMatchObject({
        cart_id: 'user:ann',
        customer_id: 'ann',
        quantity: 3,
        active: 1,
      });
      const lasts = Date.parse(again.expires_at) - toMs(row?.['updated_at']);
      expect(lasts).toBe(30 * 60_000);
    });

    it('keeps the action as the reason, and has one of its own', async () => {
      const { id } = await makeProduct();
      const line = { product_id: id, quantity: 1, user_id: 'ann' };
      await reserve(line);
      await reserve({ ...line, action: 'wish list' });
      await release({ ...line, action: 'second thoughts' });
      await release(line);
      expect(await ledger(id)).toEqual([
        ['release', 1, 'remove_from_cart', 'admin'],
        ['change_hold', 1, 'second thoughts', 'admin'],
        ['change_hold', -1, 'wish list', 'admin'],
        ['reserve', -1, 'add_to_cart', 'admin'],
        ['open', 5, 'opening', 'admin'],
      ]);
    });

    it('with the last free unit leads to rented_out, and back when it is released', async () => {
      const { id } = await makeProduct({ quantity: 1 });
      const status = async () => (await admin.get(`/api/products/${id}`)).body.availability_status;
      await reserve({ product_id: id, quantity: 1, user_id: 'ann' });
      expect(await status()).toBe('rented_out');
      const none = await reserve({ product_id: id, quantity: 1, user_id: 'bob' });
      expect([none.status, none.body.code]).toEqual([409, 'out_of_stock']);
      expect(none.body).toMatchObject({ available: 0, requested: 1 });
      await release({ product_id: id, quantity: 1, user_id: 'ann' });
      expect(await status()).toBe('available');
    });

    it('refuses a draft', async () => {
      const { id } = await makeProduct({ publish: false });
      const { status, body } = await reserve({ product_id: id, quantity: 1 });
      expect([status, body.code]).toEqual([409, 'not_available']);
    });

    it('stops a customer at MAX_ACTIVE_HOLDS, and no back office', async () => {
      const ids = [(await makeProduct()).id, (await makeProduct()).id, (await makeProduct()).id];
      const eve = customer('eve');
      const hold = (i: number, by: Client, user_id?: string) =>
        reserve({ product_id: ids[i], quantity: 1, user_id }, by);
      await hold(0, eve);
      await hold(1, eve);
      // More of what it holds is no further hold.
      expect((await hold(1, eve)).status).toBe(200);
      const third = await hold(2, eve);
      expect([third.status, third.body.code]).toEqual([409, 'hold_limit_reached']);
      expect(third.body.limit).toBe(2);
      expect((await hold(2, admin, 'eve')).status).toBe(200);
      await release({ product_id: ids[0], quantity: 1 }, eve);
      await release({ product_id: ids[1], quantity: 2 }, eve);
      expect((await hold(0, eve)).status).toBe(200);
    });
  });

  describe('releasing', () => {
    it('gives back no more than is held, and else changes nothing', async () => {
      const { id } = await makeProduct();
      const nothing = await release({ product_id: id, quantity: 1, user_id: 'ann' });
      expect([nothing.status, nothing.body.code]).toEqual([409, 'invalid_transition']);
      expect(nothing.body).toMatchObject({ held: 0, requested: 1 });

      await reserve({ product_id: id, quantity: 2, user_id: 'ann' });
      await reserve({ product_id: id, quantity: 2, user_id: 'bob' });
      const before = await ledger(id);
      const more = await release({ product_id: id, quantity: 3, user_id: 'ann' });
      expect(more.status).toBe(409);
      expect(more.body).toEqual({
        type: 'urn:problem:invalid_transition',
        title: 'Not possible any more',
        status: 409,
        detail: 'Only 2 units are held, and 3 were to be given back.',
        instance: '/api/stock/release',
        code: 'invalid_transition',
        held: 2,
        requested: 3,
      });
      expect(await ledger(id)).toEqual(before);
    });

    it('ends the hold with the last unit; the next one is a new one', async () => {
      const { id } = await makeProduct();
      const line = { product_id: id, quantity: 2, user_id: 'ann' };
      const { reservation_id, expires_at } = (await reserve(line)).body;
      const some = await release({ ...line, quantity: 1 });
      expect(some.body).toMatchObject({ released_quantity: 1, held_quantity: 1 });
      const read = async () => (await service.app.core.reservations.find(1, reservation_id)) ?? {};
      // What is left of it does not last longer for that.
      expect(await read()).toMatchObject({ quantity: 1, expiresAt: Date.parse(expires_at) });
      await release({ ...line, quantity: 1 });
      expect(await read()).toMatchObject({ status: 'released' });
      expect((await reserve(line)).body.reservation_id).not.toBe(reservation_id);
    });
  });

  describe('purchasing', () => {
    it('rents held units, and takes what is missing from free ones', async () => {
      const one = await makeProduct();
      const two = await makeProduct();
      const user_id = 'buyer';
      const hold = { product_id: one.id, quantity: 3, user_id };
      const { reservation_id } = (await reserve(hold)).body;
      await reserve({ product_id: one.id, quantity: 1, user_id: 'another' });
      const { status, body } = await purchase({
        user_id,
        order_id: 4711,
        items: [
          { product_id: one.id, quantity: 4 },
          { product_id: two.sku, quantity: 2 },
        ],
      });
      expect(status).toBe(200);
      const rental = {
        id: expect.stringMatching(UUID),
        store_id: 1,
        user_id,
        status: 'active',
        starts_at: null,
        ends_at: null,
        order_id: '4711',
        created_at: expect.stringMatching(TIME),
        completed_at: null,
        cancelled_at: null,
        cancel_reason: null,
      };
      expect(body).toEqual({
        success: true,
        message: 'Stock purchased successfully',
        order_id: '4711',
        rentals: [
          { ...rental, product_id: one.id, quantity: 4, reservation_id },
          { ...rental, product_id: two.id, quantity: 2, reservation_id: null },
        ],
      });
      for (const shown of body.rentals) {
        expect((await admin.get(`/api/rentals/${shown.id}`)).body).toEqual(shown);
      }
      expect(await stock(one.id)).toEqual([1, 1, 0]);
      expect(await stock(two.id)).toEqual([3, 0, 3]);
      expect((await ledger(one.id)).slice(0, 2)).toEqual([
        ['rent', -1, 'order_placed', 'admin'],
        ['confirm', 0, 'order_placed', 'admin'],
      ]);
    });

    it('leaves what it does not need of a hold, with its expiry', async () => {
      const { id } = await makeProduct();
      const { reservation_id, expires_at } = (
        await reserve({ product_id: id, quantity: 3, user_id: 'ann' })
      ).body;
      await purchase({ user_id: 'ann', items: [{ product_id: id, quantity: 1 }] });
      expect(await stock(id)).toEqual([4, 2, 2]);
      expect(await service.app.core.reservations.find(1, reservation_id)).toMatchObject({
        quantity: 2,
        status: 'reserved',
        expiresAt: Date.parse(expires_at),
      });
    });

    it('makes an order where none is named, the same one in a repeat', async () => {
      const { id } = await makeProduct();
      const order = { user_id: 'ann', items: [{ product_id: id, quantity: 1 }] };
      const headers = { 'Idempotency-Key': 'an order' };
      const first = await admin.post('/api/stock/purchase', order, headers);
      expect(first.body.order_id).toMatch(UUID);
      expect(first.body.rentals[0].order_id).toBe(first.body.order_id);
      const again = await admin.post('/api/stock/purchase', order, headers);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.body).toEqual(first.body);
      expect(await stock(id)).toEqual([4, 0, 4]);
    });

    it('takes lines of one product as their sum, and shows their rental once', async () => {
      const { id, sku } = await makeProduct();
      const { body } = await purchase({
        user_id: 'ann',
        items: [
          { product_id: id, quantity: 1 },
          { product_id: sku, quantity: 2 },
        ],
      });
      expect(body.rentals).toHaveLength(1);
      expect(body.rentals[0]).toMatchObject({ product_id: id, quantity: 3 });
    });

    it('takes all or nothing, and names every line that falls short', async () => {
      const full = await makeProduct();
      const short = await makeProduct({ quantity: 3 });
      const empty = await makeProduct({ quantity: 0 });
      const draft = await makeProduct({ publish: false });
      await reserve({ product_id: short.id, quantity: 1, user_id: 'ann' });
      const answer = await purchase({
        user_id: 'ann',
        items: [
          { product_id: full.id, quantity: 1 },
          { product_id: short.sku, quantity: 2 },
          { product_id: 'NOTHING', quantity: 1 },
          { product_id: short.id, quantity: 2 },
          { product_id: empty.id, quantity: 1 },
          { product_id: 9_999_999, quantity: 1 },
          { product_id: draft.id, quantity: 1 },
        ],
      });
      expect(answer.status).toBe(409);
      const message = 'Only 3 left, and 4 were asked for.';
      const ofShort = { code: 'insufficient_stock', available: 3, requested: 4, message };
      expect(answer.body).toMatchObject({
        code: 'insufficient_stock',
        available: 3,
        requested: 4,
        detail: message,
      });
      expect(answer.body.errors).toEqual([
        { index: 1, product_id: short.sku, ...ofShort },
        { index: 2, product_id: 'NOTHING', requested: 1, ...notFound },
        { index: 3, product_id: short.id, ...ofShort },
        {
          index: 4,
          product_id: empty.id,
          code: 'out_of_stock',
          available: 0,
          requested: 1,
          message: 'The product is out of stock: no unit is free.',
        },
        { index: 5, product_id: 9_999_999, requested: 1, ...notFound },
        {
          index: 6,
          product_id: draft.id,
          code: 'not_available',
          available: 0,
          requested: 1,
          message: expect.stringContaining('not available'),
        },
      ]);
      expect(await stock(full.id)).toEqual([5, 0, 5]);
      expect(await stock(short.id)).toEqual([3, 1, 2]);

      const alone = await purchase({ items: [{ product_id: 'NOTHING', quantity: 1 }] });
      expect(alone.status).toBe(404);
      expect(alone.body).toMatchObject({
        code: 'product_not_found',
        errors: [{ index: 0, product_id: 'NOTHING', requested: 1, ...notFound }],
      });
    });

    it('holds and buys more units in all than one line may ask for', async () => {
      const { id } = await makeProduct({ quantity: 10_000_000 });
      const line = { product_id: id, quantity: 1_000_000 };
      const user_id = 'wholesaler';
      for (let i = 0; i < 3; i++) await admin.post('/api/stock/reserve', { ...line, user_id });
      const held = await admin.get(`/api/reservations/cart/user:${user_id}`);
      expect(held.body.data).toMatchObject([{ quantity: 3_000_000 }]);
      const bought = await purchase({ user_id, items: Array.from({ length: 5 }, () => line) });
      expect(bought.body.rentals).toMatchObject([{ quantity: 5_000_000 }]);
      const [{ id: rentalId }] = bought.body.rentals;
      expect((await admin.get(`/api/rentals/${rentalId}`)).body.quantity).toBe(5_000_000);
    });

    it('takes 1 to 1,000 items', async () => {
      const { id } = await makeProduct({ quantity: 1_000 });
      const items = Array.from({ length: 1_001 }, () => ({ product_id: id, quantity: 1 }));
      for (const wrong of [[], items]) {
        const { status, body } = await purchase({ user_id: 'ann', items: wrong });
        expect([status, body.errors[0].field]).toEqual([422, 'items']);
      }
      const { status, body } = await purchase({ user_id: 'ann', items: items.slice(1) });
      expect([status, body.rentals.length, body.rentals[0].quantity]).toEqual([200, 1, 1_000]);
    });

    it('of a hold goes on when the product was unpublished meanwhile', async () => {
      const { id } = await makeProduct();
      await reserve({ product_id: id, quantity: 2, user_id: 'ann' });
      await admin.post(`/api/products/${id}/unpublish`);
      const items = [{ product_id: id, quantity: 2 }];
      expect((await purchase({ user_id: 'ann', items })).status).toBe(200);
      expect((await purchase({ user_id: 'ann', items })).body.code).toBe('not_available');
    });
  });

  describe('reading', () => {
    it('tells what is on hand, held and free, by id and by SKU', async () => {
      const { id, sku } = await makeProduct();
      await reserve({ product_id: id, quantity: 2, user_id: 'ann' });
      await admin.post('/api/rentals', { product_id: id, quantity: 1 });
      const figures = { sku, stock: 4, reserved_stock: 2, available_stock: 2 };
      const byId = await admin.get(`/api/stock/${id}`);
      expect([byId.status, byId.body]).toEqual([200, { product_id: id, ...figures }]);
      const bySku = await customer('eve').get(`/api/stock/${sku}`);
      expect([bySku.status, bySku.body]).toEqual([200, { product_id: sku, ...figures }]);
      const missing = await admin.get('/api/stock/NOTHING');
      expect([missing.status, missing.body.code]).toEqual([404, 'product_not_found']);
    });
  });

  describe('whose it is', () => {
    it("is the caller's where nobody is named, and a number is a user too", async () => {
      const { id } = await makeProduct();
      const line = { product_id: id, quantity: 1 };
      await reserve(line, service.client({ sub: 'shop', role: 'service' }));
      await reserve({ ...line, user_id: null }, customer('42'));
      expect((await reserve({ ...line, user_id: 42 })).body.held_quantity).toBe(2);
      expect((await reserve({ ...line, user_id: '42' }, customer('42'))).body).toMatchObject({
        held_quantity: 3,
      });
      const rows = await service.rows.select(
        `SELECT cart_id FROM reservations WHERE product_id = ${id} ORDER BY cart_id`,
      );
      expect(rows.map((row) => row['cart_id'])).toEqual(['user:42', 'user:shop']);
    });

    it('tells upper and lower case apart', async () => {
      const { id } = await makeProduct();
      await reserve({ product_id: id, quantity: 1, user_id: 'Ann' });
      const other = await release({ product_id: id, quantity: 1, user_id: 'ann' });
      expect(other.status).toBe(409);
    });

    it('may be no other for a customer', async () => {
      const { id } = await makeProduct();
      await reserve({ product_id: id, quantity: 1, user_id: 'bob' });
      const mallory = customer('mallory');
      const line = { product_id: id, quantity: 1, user_id: 'bob' };
      const answers: Answer[] = [
        await reserve(line, mallory),
        await release(line, mallory),
        await purchase({ user_id: 'bob', items: [{ product_id: id, quantity: 1 }] }, mallory),
      ];
      for (const { status, body } of answers) {
        expect([status, body.code]).toEqual([403, 'forbidden']);
      }
      expect(await stock(id)).toEqual([5, 1, 4]);
      // Its own it may.
      await reserve({ product_id: id, quantity: 1 }, mallory);
      const bought = await purchase({ items: [{ product_id: id, quantity: 1 }] }, mallory);
      expect(bought.body.rentals[0]).toMatchObject({ user_id: 'mallory', quantity: 1 });
    });
  });

  it('gives 20 units to 100 users who reserve, add to carts and buy at once', async () => {
    const { id } = await makeProduct({ quantity: 20 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        const line = { product_id: id, quantity: 1 };
        const user_id = `racer ${i}`;
        if (i % 3 === 0) return reserve({ ...line, user_id });
        if (i % 3 === 1) return admin.post('/api/cart/add', { ...line, user_id });
        return purchase({ user_id, items: [line] });
      }),
    );
    const counts = new Map<string, number>();
    for (const { status, body } of answers) {
      const name = body.code ?? String(status);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ 200: 20, out_of_stock: 80 });
    const { body } = await admin.get(`/api/products/${id}`);
    expect(body).toMatchObject({ quantity: 20, quantity_available: 0 });
    expect(body.quantity_reserved + body.quantity_rented).toBe(20);
    expect(await breachesInRows(service.rows)).toEqual([]);
  });
});

describe.each(DATABASES)('a hold that is due on %s', (kind) => {
  let service: Service;
  let admin: Client;

  beforeAll(async () => {
    // as short as a hold may be: a second
    service = await startService(kind, { CART_RESERVATION_MINUTES: String(1 / 60) });
    admin = service.client();
  });
  afterAll(() => service.stop());

  it('blocks nobody from its first moment, before and after the cleanup', async () => {
    const product = { sku: 'DUE', name: 'x', quantity: 5, publish: true };
    const { id } = (await admin.post('/api/products', product)).body;
    const line = { product_id: id, quantity: 2, user_id: 'late' };
    const { reservation_id, expires_at } = (await admin.post('/api/stock/reserve', line)).body;
    await admin.post('/api/stock/reserve', { ...line, user_id: 'later' });
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expires_at) - Date.now() + 100));

    // Nobody has written it down, and yet:
    const stock = async () => (await admin.get(`/api/stock/${id}`)).body;
    expect(await stock()).toMatchObject({ stock: 5, reserved_stock: 0, available_stock: 5 });
    const gone = await admin.post('/api/stock/release', line);
    expect([gone.status, gone.body.held]).toEqual([409, 0]);
    // `late` has a new hold; another buys what was held before.
    const anew = await admin.post('/api/stock/reserve', { ...line, quantity: 1 });
    expect(anew.body).toMatchObject({ held_quantity: 1, available_stock: 4 });
    expect(anew.body.reservation_id).not.toBe(reservation_id);
    const items = [{ product_id: id, quantity: 4 }];
    const bought = await admin.post('/api/stock/purchase', { user_id: 'quick', items });
    expect(bought.status).toBe(200);
    expect(await stock()).toMatchObject({ stock: 1, reserved_stock: 1, available_stock: 0 });

    // What the document's job does, on what is left due.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await service.app.core.cleanup.run(1)).toEqual({ expired: 1, released: 1, errors: 0 });
    const rows = await service.rows.select('SELECT DISTINCT status FROM reservations');
    expect(rows).toEqual([{ status: 'expired' }]);
    expect(await stock()).toMatchObject({ stock: 1, reserved_stock: 0, available_stock: 1 });
    expect(await breachesInRows(service.rows)).toEqual([]);
  });
});

const notFound = {
  code: 'product_not_found',
  available: 0,
  message: 'There is no such product in this store.',
};

/** Long enough for two instants to differ. */
const someTime = () => new Promise((resolve) => setTimeout(resolve, 5));

function toMs(value: unknown): number {
  return value instanceof Date ? value.getTime() : Date.parse(`${value}Z`);
}
