import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { breachesInRows } from '../helpers/rows-law.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.each(DATABASES)('carts on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  async function makeProduct(fields: Record<string, unknown> = {}) {
    const sku = `P-${++made}`;
    const product = { sku, name: sku, quantity: 5, publish: true, ...fields };
    return (await admin.post('/api/products', product)).body;
  }
  const customer = (sub: string) => service.client({ sub, role: 'customer' });
  const add = (body: object, by = admin) => by.post('/api/cart/add', body);
  const remove = (body: object, by = admin) => by.delete('/api/cart/remove', body);
  const cart = async (user: string, by = admin) => (await by.get(`/api/cart/${user}`)).body;
  const stock = async (id: number) => {
    const { body } = await admin.get(`/api/stock/${id}`);
    return [body.stock, body.reserved_stock, body.available_stock];
  };
  const holdsOn = (id: number) =>
    service.rows.select(
      `SELECT cart_id, quantity FROM reservations WHERE product_id = ${id} AND active = 1`,
    );

  it("answers the document's own requests as it says", async () => {
    await makeProduct({ sku: 'uuid', quantity: 50 });
    const added = await add({
      user_id: 'uuid',
      product_id: 'uuid',
      quantity: 2,
      price: 299.99,
      shipping_amount: 50.0,
      decrease_stock: true,
    });
    expect(added.status).toBe(200);
    const cart_item = {
      id: expect.stringMatching(UUID),
      user_id: 'uuid',
      product_id: 'uuid',
      sku: 'uuid',
      quantity: 2,
      price: 299.99,
      shipping_amount: 50,
      reserved: true,
      reservation_id: expect.stringMatching(UUID),
      expires_at: expect.stringMatching(TIME),
    };
    expect(added.body).toEqual({
      success: true,
      message: 'Added to cart and stock decreased',
      cart_item,
      updated_stock: 48,
    });

    const removed = await remove({
      user_id: 'uuid',
      product_id: 'uuid',
      quantity: 2,
      increase_stock: true,
    });
    expect(removed.status).toBe(200);
    expect(removed.body).toEqual({
      success: true,
      message: 'Removed from cart and stock increased',
      updated_stock: 50,
    });
  });

  describe('adding', () => {
    it('adds to the line and to the hold, and repeats how the product was named', async () => {
      const { id, sku } = await makeProduct();
      const first = (await add({ user_id: 'ann', product_id: id, quantity: 1 })).body.cart_item;
      expect(first).toMatchObject({ product_id: id, sku, price: null, shipping_amount: null });
      // long enough for two instants to differ
      await new Promise((resolve) => setTimeout(resolve, 5));
      const again = (await add({ user_id: 'ann', product_id: sku, quantity: 2 })).body;
      expect(again).toMatchObject({
        cart_item: { id: first.id, product_id: sku, quantity: 3, reserved: true },
        updated_stock: 2,
      });
      expect(again.cart_item.reservation_id).toBe(first.reservation_id);
      expect(Date.parse(again.cart_item.expires_at)).toBeGreaterThan(Date.parse(first.expires_at));
      const text = (await add({ user_id: 'ann', product_id: String(id), quantity: 1 })).body;
      expect(text.cart_item).toMatchObject({ product_id: String(id), quantity: 4 });
      expect(await holdsOn(id)).toEqual([{ cart_id: 'user:ann', quantity: 4 }]);
    });

    it('lets the price given last stand for the whole line', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'price', product_id: id, quantity: 1 };
      await add({ ...line, price: 10, shipping_amount: 5.5 });
      // Neither leaving it out nor null changes it.
      expect((await add(line)).body.cart_item).toMatchObject({ price: 10, shipping_amount: 5.5 });
      const last = await add({ ...line, price: 9.99, shipping_amount: null });
      expect(last.body.cart_item).toMatchObject({ price: 9.99, shipping_amount: 5.5 });
      expect(await cart('price')).toMatchObject({ total_price: 29.97, total_shipping: 5.5 });
      await add({ ...line, price: 0, shipping_amount: 0 });
      expect(await cart('price')).toMatchObject({ total_price: 0, total_shipping: 0 });
    });

    it('adds nothing where the units are short, and says how many are left', async () => {
      const { id } = await makeProduct({ quantity: 3 });
      const { status, body } = await add({ user_id: 'short', product_id: id, quantity: 4 });
      expect(status).toBe(409);
      expect(body).toEqual({
        type: 'urn:problem:insufficient_stock',
        title: 'Not enough units',
        status: 409,
        detail: 'Only 3 left, and 4 were asked for.',
        instance: '/api/cart/add',
        code: 'insufficient_stock',
        available: 3,
        requested: 4,
      });
      expect((await cart('short')).items).toEqual([]);
      expect(await stock(id)).toEqual([3, 0, 3]);
    });

    it('holds nothing with decrease_stock: false, not even what there is', async () => {
      const { id } = await makeProduct({ quantity: 1 });
      const line = { user_id: 'wish', product_id: id, quantity: 7, decrease_stock: false };
      const { status, body } = await add(line);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        message: 'Added to cart',
        cart_item: { quantity: 7, reserved: false, reservation_id: null, expires_at: null },
        updated_stock: 1,
      });
      expect(await holdsOn(id)).toEqual([]);
    });

    it('is reserved only where all units of the line are held', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'part', product_id: id };
      const { reservation_id } = (await add({ ...line, quantity: 2 })).body.cart_item;
      const more = (await add({ ...line, quantity: 1, decrease_stock: false })).body.cart_item;
      expect(more).toMatchObject({ quantity: 3, reserved: false, reservation_id });
      await admin.post('/api/stock/reserve', { ...line, quantity: 1 });
      expect((await cart('part')).items[0]).toMatchObject({ reserved: true, reservation_id });
    });

    it('leaves a line with at most a million units', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'hoarder', product_id: id, decrease_stock: false };
      await add({ ...line, quantity: 1_000_000 });
      const { status, body } = await add({ ...line, quantity: 1 });
      expect([status, body.errors[0].field]).toEqual([422, 'quantity']);
    });

    it('needs a product', async () => {
      for (const product_id of ['NOTHING', 9_999_999]) {
        const { status, body } = await add({ product_id, quantity: 1, decrease_stock: false });
        expect([status, body.code]).toEqual([404, 'product_not_found']);
      }
    });
  });

  describe('removing', () => {
    it('takes units off the line and gives them back, the whole line where none are named', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'less', product_id: id };
      await add({ ...line, quantity: 4, price: 2 });
      const some = await remove({ ...line, quantity: 1 });
      expect(some.body).toMatchObject({ updated_stock: 2 });
      expect((await cart('less')).items[0]).toMatchObject({
        quantity: 3,
        price: 2,
        reserved: true,
        available_stock: 2,
      });
      expect((await remove(line)).body).toMatchObject({ updated_stock: 5 });
      expect((await cart('less')).items).toEqual([]);
      expect(await holdsOn(id)).toEqual([]);
      const reasons = (await admin.get(`/api/products/${id}/movements`)).body.data.map(
        (moved: { kind: string; reason: string }) => `${moved.kind}: ${moved.reason}`,
      );
      expect(reasons).toEqual([
        'release: remove_from_cart',
        'change_hold: remove_from_cart',
        'reserve: add_to_cart',
        'open: opening',
      ]);
    });

    it('leaves the hold with increase_stock: false, until it is released or bought', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'keep', product_id: id };
      await add({ ...line, quantity: 3 });
      const { body } = await remove({ ...line, increase_stock: false });
      expect(body).toEqual({ success: true, message: 'Removed from cart', updated_stock: 2 });
      expect((await cart('keep')).items).toEqual([]);
      expect(await stock(id)).toEqual([5, 3, 2]);
      await admin.post('/api/stock/release', { ...line, quantity: 1 });
      const items = [{ product_id: id, quantity: 2 }];
      await admin.post('/api/stock/purchase', { user_id: 'keep', items });
      expect(await stock(id)).toEqual([3, 0, 3]);
    });

    it.each([
      ['as it is', async () => {}],
      ['written down', () => admin.post('/api/reservations/cleanup')],
    ])(
      'lets go of a hold that expired, %s, so that the rest can be confirmed',
      async (how, first) => {
        const user = `lost ${how}`;
        const [lost, other] = [await makeProduct(), await makeProduct()];
        for (const { id } of [lost, other]) {
          await add({ user_id: user, product_id: id, quantity: 2 });
        }
        await service.rows.run(
          `UPDATE reservations SET expires_at = ${service.rows.dialect.now} WHERE product_id = ${lost.id}`,
        );
        await service.rows.run(
          `UPDATE products SET next_hold_due_at = ${service.rows.dialect.now} WHERE id = ${lost.id}`,
        );
        await first();
        const cartPath = `/api/reservations/cart/${encodeURIComponent(`user:${user}`)}/confirm`;
        const confirm = () => admin.post(cartPath, { orderId: user });
        const line = { user_id: user, product_id: lost.id };
        // The line is still wanted, and its units are not held.
        await remove({ ...line, quantity: 1 });
        expect((await confirm()).body.code).toBe('reservation_expired');
        expect((await remove(line)).body).toMatchObject({ updated_stock: 5 });
        expect((await confirm()).body).toMatchObject({ rentals: [{ productId: other.id }] });
        expect(await stock(lost.id)).toEqual([5, 0, 5]);
      },
    );

    it('gives back what the hold has, where that is less than the line', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'loose', product_id: id };
      await add({ ...line, quantity: 2 });
      await add({ ...line, quantity: 3, decrease_stock: false });
      expect((await remove({ ...line, quantity: 4 })).body.updated_stock).toBe(5);
      expect((await cart('loose')).items[0]).toMatchObject({ quantity: 1, reserved: false });
      expect((await remove(line)).status).toBe(200);
    });

    it('refuses more than the line has, and a line that is not there', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'few', product_id: id };
      await add({ ...line, quantity: 2 });
      const more = await remove({ ...line, quantity: 3 });
      expect([more.status, more.body.code]).toEqual([409, 'invalid_transition']);
      expect(more.body).toMatchObject({ in_cart: 2, requested: 3 });
      expect(await stock(id)).toEqual([5, 2, 3]);

      const none = await remove({ user_id: 'nobody', product_id: id });
      expect([none.status, none.body.code]).toEqual([404, 'cart_item_not_found']);
      const nothing = await remove({ ...line, product_id: 'NOTHING' });
      expect([nothing.status, nothing.body.code]).toEqual([404, 'product_not_found']);
    });
  });

  describe('reading', () => {
    it('shows every line with its hold and what is free, and exact totals', async () => {
      const one = await makeProduct();
      const two = await makeProduct();
      const user_id = 'reader';
      const held = (
        await add({ user_id, product_id: one.sku, quantity: 3, price: 0.1, shipping_amount: 0.2 })
      ).body.cart_item;
      await add({ user_id, product_id: two.id, quantity: 2, price: 299.99, decrease_stock: false });
      await add({ user_id: 'another', product_id: two.id, quantity: 1 });
      const { status, body } = await admin.get('/api/cart/reader');
      expect(status).toBe(200);
      expect(body).toEqual({
        user_id,
        items: [
          // Nothing named the product here: it is the id.
          { ...held, product_id: one.id, available_stock: 2 },
          {
            id: expect.stringMatching(UUID),
            user_id,
            product_id: two.id,
            sku: two.sku,
            quantity: 2,
            price: 299.99,
            shipping_amount: null,
            reserved: false,
            reservation_id: null,
            expires_at: null,
            available_stock: 4,
          },
        ],
        total_quantity: 5,
        total_price: 600.28,
        total_shipping: 0.2,
      });
    });

    it('shows an empty cart of a user that is not known', async () => {
      const { status, body } = await admin.get('/api/cart/stranger%20%2F%20%C3%A4');
      expect(status).toBe(200);
      expect(body).toEqual({
        user_id: 'stranger / ä',
        items: [],
        total_quantity: 0,
        total_price: 0,
        total_shipping: 0,
      });
    });

    it('still has a line whose hold is due, as not reserved', async () => {
      const { id } = await makeProduct();
      const line = { user_id: 'late', product_id: id };
      await add({ ...line, quantity: 2, price: 7 });
      await service.rows.run(
        `UPDATE reservations SET expires_at = '2020-01-01 00:00:00.000' WHERE product_id = ${id}`,
      );
      await service.rows.run(
        `UPDATE products SET next_hold_due_at = '2020-01-01 00:00:00.000' WHERE id = ${id}`,
      );
      expect(await cart('late')).toMatchObject({
        items: [
          {
            quantity: 2,
            reserved: false,
            reservation_id: null,
            expires_at: null,
            available_stock: 5,
          },
        ],
        total_quantity: 2,
        total_price: 14,
      });
      // Removing part of it gives back nothing that is held no more.
      expect((await remove({ ...line, quantity: 1 })).body.updated_stock).toBe(5);
      const items = [{ product_id: id, quantity: 1 }];
      expect((await admin.post('/api/stock/purchase', { user_id: 'late', items })).status).toBe(
        200,
      );
      expect((await cart('late')).items).toEqual([]);
      expect(await stock(id)).toEqual([4, 0, 4]);
    });

    it('no longer has what was bought', async () => {
      const { id } = await makeProduct();
      const other = await makeProduct();
      const user_id = 'buyer';
      await add({ user_id, product_id: id, quantity: 3, price: 4 });
      await add({ user_id, product_id: other.id, quantity: 1, price: 1 });
      await add({ user_id: 'bystander', product_id: id, quantity: 1 });
      const buy = (product_id: number, quantity: number) =>
        admin.post('/api/stock/purchase', { user_id, items: [{ product_id, quantity }] });
      await buy(id, 2);
      expect(await cart(user_id)).toMatchObject({ total_quantity: 2, total_price: 5 });
      expect((await cart(user_id)).items[0]).toMatchObject({ quantity: 1, reserved: true });
      await buy(id, 1);
      expect(await cart(user_id)).toMatchObject({ total_quantity: 1, total_price: 1 });
      expect(await cart('bystander')).toMatchObject({ total_quantity: 1 });
    });
  });

  it("is a customer's own: no other may be named", async () => {
    const { id } = await makeProduct();
    await add({ user_id: 'bob', product_id: id, quantity: 1 });
    const mallory = customer('mallory');
    const line = { user_id: 'bob', product_id: id };
    for (const { status, body } of [
      await add({ ...line, quantity: 1 }, mallory),
      await add({ ...line, quantity: 1, decrease_stock: false }, mallory),
      await remove(line, mallory),
      await mallory.get('/api/cart/bob'),
    ]) {
      expect([status, body.code]).toEqual([403, 'forbidden']);
    }
    expect(await cart('bob')).toMatchObject({ total_quantity: 1 });

    await add({ product_id: id, quantity: 2 }, mallory);
    await add({ product_id: id, quantity: 1, user_id: 42 }, customer('42'));
    expect(await cart('mallory', mallory)).toMatchObject({ user_id: 'mallory', total_quantity: 2 });
    expect(await cart('42', customer('42'))).toMatchObject({ user_id: '42', total_quantity: 1 });
    expect((await remove({ product_id: id, quantity: 1 }, mallory)).status).toBe(200);
  });

  it('ends with the right sum and one hold when 50 connections fill one cart at once', async () => {
    const { id } = await makeProduct({ quantity: 1_000 });
    const quantities = Array.from({ length: 50 }, (_, i) => (i % 5) + 1);
    const answers = await Promise.all(
      quantities.map((quantity) => add({ user_id: 'busy', product_id: id, quantity, price: 1.5 })),
    );
    expect(answers.map(({ status }) => status)).toEqual(quantities.map(() => 200));
    const ids = new Set(answers.map(({ body }) => body.cart_item.reservation_id));
    expect(ids.size).toBe(1);
    expect(await holdsOn(id)).toEqual([{ cart_id: 'user:busy', quantity: 150 }]);
    expect(await cart('busy')).toMatchObject({
      items: [{ quantity: 150, reserved: true, available_stock: 850 }],
      total_price: 225,
    });
    expect(await breachesInRows(service.rows)).toEqual([]);
  });
});
