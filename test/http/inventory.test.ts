import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { breachesInRows } from '../helpers/product-law.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MINUTE = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString();
const until = (time: string) =>
  new Promise((resolve) => setTimeout(resolve, Date.parse(time) - Date.now() + 2));

describe.each(DATABASES)('the inventory on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  const unique = (prefix: string) => `${prefix}-${++made}`;
  const customer = (sub: string) => service.client({ sub, role: 'customer' });

  async function makeProduct(fields: Record<string, unknown> = {}, by = admin) {
    const sku = unique('V');
    const product = { sku, name: sku, quantity: 5, publish: true, ...fields };
    const { status, body } = await by.post('/api/products', product);
    expect(status).toBe(201);
    return body as { id: number; sku: string; name: string };
  }

  const reserve = (reservations: unknown[], by = admin) =>
    by.post('/api/inventory/reserve', { reservations });
  const confirm = (updates: unknown[]) => admin.post('/api/inventory/confirm-sale', { updates });
  const restock = (updates: unknown[]) => admin.post('/api/inventory/restock', { updates });
  const adjust = (updates: unknown[]) => admin.put('/api/inventory/adjust', { updates });
  const release = (reservationId: string, more: object = {}) =>
    admin.post('/api/inventory/release', { reservationId, ...more });
  const check = async (variantId: unknown, query = '', by = admin) =>
    (await by.get(`/api/inventory/check/${variantId}${query}`)).body;
  const logs = async (variantId: unknown, query = '') =>
    (await admin.get(`/api/inventory/logs/${variantId}${query}`)).body;
  const levelOf = async (id: number) =>
    (await admin.get(`/api/inventory/product/${id}`)).body.variants[0];

  function done<T>({ status, body }: Answer): T {
    expect({ status, body }).toMatchObject({ status: 200 });
    return body;
  }

  /** A hold of a checkout of its own. */
  async function hold(variantId: unknown, quantity: number, fields: object = {}) {
    const reservationId = unique('checkout');
    const answer = await reserve([{ variantId, quantity, reservationId, ...fields }]);
    const { reservations } = done<{ reservations: { id: string; expiresAt: string }[] }>(answer);
    return { reservationId, ...reservations[0] } as {
      reservationId: string;
      id: string;
      expiresAt: string;
    };
  }

  /** One that is over by the time it is returned, and that nobody has written down. */
  async function expiredHold(variantId: unknown, quantity: number) {
    const held = await hold(variantId, quantity, { expiresAt: inMinutes(200 / MINUTE) });
    await until(held.expiresAt);
    return held;
  }

  describe('check', () => {
    it('says what could be had, under the name that the request used', async () => {
      const { id, sku } = await makeProduct();
      const said = { sku, requestedQuantity: 1, availableQuantity: 5, available: true };
      expect(await check(id)).toEqual({ ...said, variantId: id });
      expect(await check(sku)).toEqual({ ...said, variantId: sku });
      expect(await check(id, '?quantity=6')).toEqual({
        ...said,
        variantId: id,
        requestedQuantity: 6,
        available: false,
      });
    });

    it('counts what the asking checkout holds as free for it, and what is due as free', async () => {
      const { id } = await makeProduct();
      const { reservationId } = await hold(id, 3);
      expect(await check(id, '?quantity=3')).toMatchObject({
        available: false,
        availableQuantity: 2,
      });
      const own = await check(id, `?quantity=5&reservationId=${reservationId}`);
      expect(own).toMatchObject({ available: true, availableQuantity: 5 });
      expect(await check(id, '?reservationId=unheard-of')).toMatchObject({ availableQuantity: 2 });
      const due = await expiredHold(id, 2);
      expect(await check(id, `?reservationId=${due.reservationId}`)).toMatchObject({
        availableQuantity: 2,
      });
    });

    it('has nothing of a draft, save what the checkout was promised', async () => {
      const { id } = await makeProduct();
      const { reservationId } = await hold(id, 2);
      await admin.post(`/api/products/${id}/unpublish`);
      expect(await check(id)).toMatchObject({ available: false, availableQuantity: 0 });
      const mine = `reservationId=${reservationId}`;
      expect(await check(id, `?quantity=2&${mine}`)).toMatchObject({
        available: true,
        availableQuantity: 2,
      });
      expect(await check(id, `?quantity=3&${mine}`)).toMatchObject({ available: false });
      done(await reserve([{ variantId: id, quantity: 2, reservationId }]));
      expect((await reserve([{ variantId: id, quantity: 3, reservationId }])).body).toMatchObject({
        status: 409,
        code: 'not_available',
      });
      done(await confirm([{ variantId: id, quantity: 2, reason: 'promised', reservationId }]));
    });

    it('tells a customer nothing of a checkout', async () => {
      const { id } = await makeProduct();
      const ann = customer('ann');
      expect(await check(id, '', ann)).toMatchObject({ available: true });
      const answer = await ann.get(`/api/inventory/check/${id}?reservationId=mine`);
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    });
  });

  describe('reserve', () => {
    it('holds all lines, each told with the figures after all of them', async () => {
      const [tent, stove] = [await makeProduct(), await makeProduct()];
      const expiresAt = inMinutes(10);
      const reservationId = unique('checkout');
      const answer = await reserve([
        { variantId: tent.id, quantity: 2, reservationId, expiresAt },
        { variantId: stove.sku, quantity: 1, reservationId },
        { variantId: String(tent.id), quantity: 1, reservationId },
      ]);
      const ofTent = {
        id: expect.stringMatching(UUID),
        reservationId,
        sku: tent.sku,
        quantity: 3,
        status: 'reserved',
        expiresAt,
        availableQuantity: 2,
      };
      expect(done(answer)).toEqual({
        success: true,
        reservations: [
          { ...ofTent, variantId: tent.id },
          {
            id: expect.stringMatching(UUID),
            reservationId,
            variantId: stove.sku,
            sku: stove.sku,
            quantity: 1,
            status: 'reserved',
            expiresAt: expect.stringMatching(TIME),
            availableQuantity: 4,
          },
          { ...ofTent, variantId: String(tent.id) },
        ],
      });
      expect(answer.body.reservations[2].id).toBe(answer.body.reservations[0].id);
    });

    it('lasts RESERVATION_EXPIRY_MINUTES where nothing is said', async () => {
      const { id } = await makeProduct();
      const before = Date.now();
      const { expiresAt } = await hold(id, 1);
      expect(Date.parse(expiresAt) - before).toBeGreaterThanOrEqual(15 * MINUTE - 1);
      expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(15 * MINUTE);
    });

    it('replaces what the checkout held before, so that its own hold never stands in its way', async () => {
      const { id } = await makeProduct();
      const { reservationId, id: first } = await hold(id, 4);
      const again = (quantity: number) => reserve([{ variantId: id, quantity, reservationId }]);
      expect(done<object>(await again(5))).toMatchObject({
        reservations: [{ id: first, quantity: 5, availableQuantity: 0 }],
      });
      expect(done<object>(await again(1))).toMatchObject({
        reservations: [{ id: first, quantity: 1, availableQuantity: 4 }],
      });
      expect((await again(6)).body).toMatchObject({
        code: 'insufficient_stock',
        available: 5,
        requested: 6,
      });
    });

    it('names every line that falls short, and then holds nothing', async () => {
      const [full, empty, draft] = [
        await makeProduct(),
        await makeProduct({ quantity: 0 }),
        await makeProduct({ publish: false }),
      ];
      const reservationId = unique('checkout');
      const wishes: [variantId: unknown, quantity: number][] = [
        [full.id, 3],
        [empty.sku, 1],
        ['NOWHERE', 7],
        [full.sku, 3],
        [draft.id, 1],
        [999_999_999, 2],
        ['ELSEWHERE', 8],
      ];
      const { status, body } = await reserve(
        wishes.map(([variantId, quantity]) => ({ variantId, quantity, reservationId })),
      );
      const message = expect.stringMatching(/\.$/);
      const tooMany = { code: 'insufficient_stock', available: 5, requested: 6, message };
      const unknown = { code: 'product_not_found', available: 0, message };
      expect({ status, body }).toEqual({
        status: 409,
        body: {
          type: 'urn:problem:insufficient_stock',
          title: 'Not enough units',
          status: 409,
          detail: 'Only 5 left, and 6 were asked for.',
          instance: '/api/inventory/reserve',
          code: 'insufficient_stock',
          available: 5,
          requested: 6,
          errors: [
            { index: 0, variantId: full.id, ...tooMany },
            {
              index: 1,
              variantId: empty.sku,
              code: 'out_of_stock',
              available: 0,
              requested: 1,
              message,
            },
            { index: 2, variantId: 'NOWHERE', requested: 7, ...unknown },
            { index: 3, variantId: full.sku, ...tooMany },
            {
              index: 4,
              variantId: draft.id,
              code: 'not_available',
              available: 0,
              requested: 1,
              message,
            },
            { index: 5, variantId: 999_999_999, requested: 2, ...unknown },
            { index: 6, variantId: 'ELSEWHERE', requested: 8, ...unknown },
          ],
        },
      });
      expect(await check(full.id)).toMatchObject({ availableQuantity: 5 });
      const first = await reserve([{ variantId: 'NOWHERE', quantity: 1, reservationId }]);
      expect(first).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
    });

    it('expires neither in the past nor beyond the limit, and says which line does', async () => {
      const { id } = await makeProduct();
      const reservationId = unique('checkout');
      const at = (expiresAt: string) =>
        reserve([
          { variantId: id, quantity: 1, reservationId: 'fine' },
          { variantId: id, quantity: 1, reservationId, expiresAt },
        ]);
      for (const wrong of [inMinutes(-1), '2025-10-16T15:30:00Z', inMinutes(1441)]) {
        const { status, body } = await at(wrong);
        expect({ status, code: body.code }).toEqual({ status: 422, code: 'validation_failed' });
        expect(body.errors).toEqual([
          { field: 'reservations[1].expiresAt', message: expect.stringMatching(/^must lie /) },
        ]);
      }
      expect(await check(id)).toMatchObject({ availableQuantity: 5 });
      done(await at(inMinutes(1439)));
    });

    it('does not let a hold outlive the limit by being renewed', async () => {
      const { id } = await makeProduct();
      const { reservationId } = await hold(id, 1);
      // As if it had been made an hour ago.
      const madeAt = new Date(Date.now() - 60 * MINUTE)
        .toISOString()
        .replace('T', ' ')
        .slice(0, 23);
      await service.rows.run(
        `UPDATE reservations SET created_at = '${madeAt}' WHERE cart_id = 'checkout:${reservationId}'`,
      );
      const renew = (minutes: number) =>
        reserve([{ variantId: id, quantity: 1, reservationId, expiresAt: inMinutes(minutes) }]);
      const { status, body } = await renew(1390);
      expect({ status, errors: body.errors }).toEqual({
        status: 422,
        errors: [
          {
            field: 'reservations[0].expiresAt',
            message: expect.stringMatching(
              /^must lie at most 1440 minutes after the hold was made/,
            ),
          },
        ],
      });
      done(await renew(1370));
    });

    it('takes up to 1,000 lines', async () => {
      const { id } = await makeProduct({ quantity: 1000 });
      const reservationId = unique('checkout');
      const lines = Array.from({ length: 1000 }, () => ({
        variantId: id,
        quantity: 1,
        reservationId,
      }));
      const { reservations } = done<{ reservations: { quantity: number }[] }>(await reserve(lines));
      expect(reservations).toHaveLength(1000);
      expect(reservations[999]).toMatchObject({ quantity: 1000, availableQuantity: 0 });
    });
  });

  describe('confirm-sale', () => {
    const sold = (update: object) => ({
      success: true,
      updates: [expect.objectContaining(update)],
    });

    it('sells free units where no checkout is named', async () => {
      const { id, sku, name } = await makeProduct();
      const answer = await confirm([{ variantId: sku, quantity: 2, reason: 'walk-in' }]);
      expect(done(answer)).toEqual({
        success: true,
        updates: [
          {
            variantId: sku,
            sku,
            name,
            quantity: 5,
            quantityOnHand: 3,
            quantityAvailable: 3,
            quantityReserved: 0,
            quantityRented: 2,
            availabilityStatus: 'available',
            rentalId: expect.stringMatching(UUID),
            change: -2,
          },
        ],
      });
      const { body } = await admin.get(`/api/rentals/${answer.body.updates[0].rentalId}`);
      expect(body).toMatchObject({ product_id: id, quantity: 2, status: 'active', user_id: null });
    });

    it('uses up the hold of a checkout, leaves the rest of it, and takes what it lacks', async () => {
      const { id } = await makeProduct({ quantity: 6 });
      const { reservationId } = await hold(id, 3);
      const sell = async (quantity: number) =>
        done(await confirm([{ variantId: id, quantity, reason: 'paid', reservationId }]));
      expect(await sell(2)).toEqual(
        sold({ quantityAvailable: 3, quantityReserved: 1, quantityRented: 2, change: -2 }),
      );
      expect(await sell(3)).toEqual(
        sold({ quantityAvailable: 1, quantityReserved: 0, quantityRented: 5, change: -3 }),
      );
      const { data } = await logs(id, '?limit=2');
      expect(data.map((line: { quantityChange: number }) => line.quantityChange)).toEqual([-2, -1]);
      expect(await breachesInRows(service.rows, id)).toEqual([]);
    });

    it('makes one rental of the lines of one variant and checkout', async () => {
      const { id } = await makeProduct();
      const { reservationId } = await hold(id, 3);
      const line = { variantId: id, reason: 'paid', reservationId };
      const { updates } = done<{ updates: Record<string, unknown>[] }>(
        await confirm([
          { ...line, quantity: 1 },
          { ...line, quantity: 2 },
          { variantId: id, quantity: 1, reason: 'free' },
        ]),
      );
      const [one, two, free] = updates;
      expect([one?.['change'], two?.['change'], free?.['change']]).toEqual([-1, -2, -1]);
      expect(one?.['rentalId']).toBe(two?.['rentalId']);
      expect(free?.['rentalId']).not.toBe(one?.['rentalId']);
      for (const update of updates) {
        expect(update).toMatchObject({ quantityRented: 4, quantityAvailable: 1 });
      }
    });

    it('refuses a hold that expired, was sold, or never was: each line is named', async () => {
      const { id } = await makeProduct();
      const late = await expiredHold(id, 1);
      const gone = await hold(id, 1);
      const line = { variantId: id, quantity: 1, reason: 'paid' };
      done(await confirm([{ ...line, reservationId: gone.reservationId }]));
      const { status, body } = await confirm([
        { ...line, reservationId: late.reservationId },
        line,
        { ...line, reservationId: 'never' },
        { ...line, reservationId: gone.reservationId },
      ]);
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'reservation_expired' });
      expect(body.errors).toMatchObject([
        { index: 0, variantId: id, code: 'reservation_expired' },
        { index: 2, variantId: id, code: 'reservation_not_found' },
        { index: 3, variantId: id, code: 'invalid_transition', reservationStatus: 'confirmed' },
      ]);
      const unknown = await confirm([{ ...line, reservationId: 'never' }]);
      expect(unknown).toMatchObject({ status: 404, body: { code: 'reservation_not_found' } });
      expect(await levelOf(id)).toMatchObject({ quantityRented: 1, quantityAvailable: 4 });
    });

    it('sells nothing where a line falls short, and tells a checkout what it could have', async () => {
      const [plenty, few] = [await makeProduct(), await makeProduct({ quantity: 3 })];
      const { reservationId } = await hold(few.id, 2);
      const { status, body } = await confirm([
        { variantId: plenty.id, quantity: 1, reason: 'paid' },
        { variantId: few.id, quantity: 4, reason: 'paid', reservationId },
      ]);
      expect(status).toBe(409);
      expect(body.errors).toMatchObject([
        { index: 1, variantId: few.id, code: 'insufficient_stock', available: 3, requested: 4 },
      ]);
      expect(await levelOf(plenty.id)).toMatchObject({ quantityRented: 0 });
      expect(await levelOf(few.id)).toMatchObject({ quantityReserved: 2, quantityRented: 0 });
    });
  });

  describe('release', () => {
    it('gives back all that a checkout holds, once', async () => {
      const [tent, stove] = [await makeProduct(), await makeProduct()];
      const reservationId = unique('checkout');
      done(
        await reserve([
          { variantId: tent.sku, quantity: 2, reservationId },
          { variantId: stove.sku, quantity: 1, reservationId },
        ]),
      );
      expect(done(await release(reservationId, { reason: 'payment failed' }))).toEqual({
        success: true,
        released: [
          { variantId: tent.id, sku: tent.sku, quantity: 2 },
          { variantId: stove.id, sku: stove.sku, quantity: 1 },
        ],
      });
      expect(done(await release(reservationId))).toEqual({ success: true, released: [] });
      expect(await levelOf(tent.id)).toMatchObject({ quantityAvailable: 5, quantityReserved: 0 });
      const { data } = await logs(tent.id, '?changeType=RELEASE');
      expect(data).toMatchObject([{ quantityChange: 2, reason: 'payment failed' }]);
    });

    it('has nothing to give back of what expired or was sold, however long ago', async () => {
      const { id } = await makeProduct();
      const nothing = { success: true, released: [] };
      const late = await expiredHold(id, 1);
      expect(done(await release(late.reservationId))).toEqual(nothing);
      const { reservationId } = await hold(id, 1);
      done(await confirm([{ variantId: id, quantity: 1, reason: 'paid', reservationId }]));
      await service.rows.run(
        `UPDATE reservations SET created_at = '2020-01-01 00:00:00.000', expires_at = '2020-01-01 00:15:00.000' WHERE cart_id = 'checkout:${reservationId}'`,
      );
      expect(done(await release(reservationId))).toEqual(nothing);
    });

    it('does not know a checkout that never held anything', async () => {
      const answer = await release('never');
      expect(answer).toMatchObject({ status: 404, body: { code: 'reservation_not_found' } });
    });
  });

  describe('restock and adjust', () => {
    it('add units owned, each line telling its own change', async () => {
      const { id, sku } = await makeProduct();
      const { updates } = done<{ updates: unknown[] }>(
        await restock([
          { variantId: id, quantity: 10, reason: 'bought' },
          { variantId: sku, quantity: 5, reason: 'found' },
        ]),
      );
      const after = { sku, quantity: 20, quantityOnHand: 20, quantityAvailable: 20 };
      expect(updates).toEqual([
        expect.objectContaining({ ...after, variantId: id, change: 10 }),
        expect.objectContaining({ ...after, variantId: sku, change: 5 }),
      ]);
    });

    it('set what is on hand to what was counted; what is rented stays owned', async () => {
      const { id } = await makeProduct({ quantity: 10 });
      await hold(id, 2);
      done(await confirm([{ variantId: id, quantity: 3, reason: 'paid' }]));
      const count = async (quantity: number) =>
        done(await adjust([{ variantId: id, quantity, reason: 'counted' }]));
      const level = { quantityReserved: 2, quantityRented: 3 };
      expect(await count(4)).toMatchObject({
        updates: [{ ...level, quantity: 7, quantityOnHand: 4, quantityAvailable: 2, change: -3 }],
      });
      expect(await count(9)).toMatchObject({
        updates: [{ ...level, quantity: 12, quantityOnHand: 9, quantityAvailable: 7, change: 5 }],
      });
      expect(await count(9)).toMatchObject({ updates: [{ change: 0 }] });
      expect(await breachesInRows(service.rows, id)).toEqual([]);
    });

    it('refuse a count below what is held, but not for holds that are due', async () => {
      const { id } = await makeProduct();
      await hold(id, 2);
      const { status, body } = await adjust([{ variantId: id, quantity: 1, reason: 'counted' }]);
      expect({ status, code: body.code }).toEqual({
        status: 409,
        code: 'quantity_below_committed',
      });
      expect(body.errors).toMatchObject([{ index: 0, variantId: id, requested: 1 }]);
      await expiredHold(id, 3);
      done(await adjust([{ variantId: id, quantity: 2, reason: 'counted' }]));
      expect(await levelOf(id)).toMatchObject({
        quantity: 2,
        quantityAvailable: 0,
        quantityReserved: 2,
      });
      expect(await breachesInRows(service.rows, id)).toEqual([]);
    });

    it('name each line that is wrong, and change nothing', async () => {
      const { id, sku } = await makeProduct();
      const twice = await adjust([
        { variantId: id, quantity: 1, reason: 'counted' },
        { variantId: 'NOWHERE', quantity: 1, reason: 'counted' },
        { variantId: sku, quantity: 1, reason: 'counted' },
        { variantId: 'ELSEWHERE', quantity: 1, reason: 'counted' },
      ]);
      const message = 'is counted twice: send one count for each product';
      const isTwice = { code: 'validation_failed', message };
      expect(twice.status).toBe(422);
      expect(twice.body.errors).toMatchObject([
        { index: 0, variantId: id, field: 'updates[0].quantity', ...isTwice },
        { index: 1, variantId: 'NOWHERE', code: 'product_not_found' },
        { index: 2, variantId: sku, field: 'updates[2].quantity', ...isTwice },
        { index: 3, variantId: 'ELSEWHERE', code: 'product_not_found' },
      ]);
      const full = await makeProduct({ quantity: 1_000_000_000 });
      const tooMany = await restock([
        { variantId: id, quantity: 1, reason: 'bought' },
        { variantId: full.id, quantity: 1, reason: 'bought' },
      ]);
      expect(tooMany.status).toBe(422);
      expect(tooMany.body.errors).toMatchObject([{ index: 1, field: 'updates[1].quantity' }]);
      expect(await levelOf(id)).toMatchObject({ quantity: 5 });
    });
  });

  describe('low stock', () => {
    it('lists published products at or below the threshold that applies, page by page', async () => {
      const store = service.client({ storeId: 31 });
      const own = await makeProduct({ quantity: 3, low_stock_threshold: 3 }, store);
      await makeProduct({ quantity: 3, low_stock_threshold: 2 }, store);
      const usual = await makeProduct({ quantity: 10 }, store);
      await makeProduct({ quantity: 11 }, store);
      await makeProduct({ quantity: 0, publish: false }, store);
      const held = await makeProduct({ quantity: 12 }, store);
      const line = { variantId: held.id, reservationId: 'x' };
      done(await reserve([{ ...line, quantity: 2 }], store));
      const alerts = async (query: string) =>
        done<{ data: { variantId: number; threshold: number }[]; nextCursor: string | null }>(
          await store.get(`/api/inventory/alerts/low-stock${query}`),
        );
      const { data, nextCursor } = await alerts('');
      expect(nextCursor).toBeNull();
      expect(data.map(({ variantId, threshold }) => [variantId, threshold])).toEqual([
        [own.id, 3],
        [usual.id, 10],
        [held.id, 10],
      ]);
      expect(data[2]).toEqual({
        variantId: held.id,
        sku: held.sku,
        name: held.name,
        quantity: 12,
        quantityOnHand: 12,
        quantityAvailable: 10,
        quantityReserved: 2,
        quantityRented: 0,
        availabilityStatus: 'available',
        threshold: 10,
      });
      const first = await alerts('?limit=2');
      const second = await alerts(`?limit=2&cursor=${first.nextCursor}`);
      expect([...first.data, ...second.data]).toEqual(data);
      const given = await alerts('?threshold=3');
      expect(given.data.map(({ threshold }) => threshold)).toEqual([3, 3]);
      expect((await alerts('?threshold=0')).data).toEqual([]);

      // A hold that is due does not make a product low.
      const expiresAt = inMinutes(200 / MINUTE);
      done(await reserve([{ ...line, quantity: 2, expiresAt, reservationId: 'y' }], store));
      done(await reserve([{ ...line, quantity: 1, reservationId: 'x' }], store));
      expect((await alerts('')).data).toHaveLength(3);
      await until(expiresAt);
      expect((await alerts('')).data).toHaveLength(2);
    });
  });

  describe('a product', () => {
    it('is the sum of its variants', async () => {
      const parent = await makeProduct({ quantity: 0 });
      const of = (fields: object) => makeProduct({ parent_id: parent.id, ...fields });
      const small = await of({ quantity: 30 });
      const medium = await of({ quantity: 12 });
      const large = await of({ quantity: 2, low_stock_threshold: 1 });
      await hold(medium.id, 2);
      done(await confirm([{ variantId: large.id, quantity: 2, reason: 'paid' }]));
      const report = (await admin.get(`/api/inventory/product/${parent.sku}`)).body;
      expect(report).toMatchObject({
        productId: parent.sku,
        sku: parent.sku,
        name: parent.name,
        totalStock: 42,
        lowStockCount: 2,
        outOfStockCount: 1,
      });
      expect(report.variants).toMatchObject([
        { variantId: small.id, quantityOnHand: 30 },
        { variantId: medium.id, quantityOnHand: 12, quantityAvailable: 10, quantityReserved: 2 },
        { variantId: large.id, quantityOnHand: 0, quantity: 2, availabilityStatus: 'rented_out' },
      ]);
    });

    it('without variants is its own only one, for customers too', async () => {
      const { id, sku, name } = await makeProduct({ quantity: 11 });
      expect((await customer('ann').get(`/api/inventory/product/${id}`)).body).toEqual({
        productId: id,
        sku,
        name,
        totalStock: 11,
        lowStockCount: 0,
        outOfStockCount: 0,
        variants: [
          {
            variantId: id,
            sku,
            name,
            quantity: 11,
            quantityOnHand: 11,
            quantityAvailable: 11,
            quantityReserved: 0,
            quantityRented: 0,
            availabilityStatus: 'available',
          },
        ],
      });
    });
  });

  describe('logs', () => {
    /** A product to which everything happened once. */
    async function eventful() {
      const { id, sku } = await makeProduct({ publish: false });
      await admin.post(`/api/products/${id}/publish`);
      done(await restock([{ variantId: id, quantity: 5, reason: 'bought' }]));
      done(await adjust([{ variantId: id, quantity: 9, reason: 'counted' }]));
      await admin.patch(`/api/products/${id}`, { name: 'renamed' });
      await admin.patch(`/api/products/${id}`, { quantity: 12 });
      const rental = { product_id: id, quantity: 2, order_id: 'O-1' };
      const { id: rentalId } = (await admin.post('/api/rentals', rental)).body;
      await admin.post(`/api/rentals/${rentalId}/complete`);
      const first = await hold(id, 4);
      const again = { variantId: id, reservationId: first.reservationId };
      done(await reserve([{ ...again, quantity: 4, expiresAt: inMinutes(20) }]));
      done(await reserve([{ ...again, quantity: 3 }]));
      const sale = await confirm([{ ...again, quantity: 1, reason: 'Order #1' }]);
      const soldId = done<{ updates: { rentalId: string }[] }>(sale).updates[0]?.rentalId;
      done(await release(first.reservationId));
      const late = await expiredHold(id, 1);
      await hold(id, 11);
      await admin.post(`/api/rentals/${soldId}/cancel`, { reason: 'changed my mind' });
      return { id, sku, soldId, first, late };
    }

    it('tell what happened to its units, newest first, as a shop counts them', async () => {
      const { id, sku, soldId, first, late } = await eventful();
      const { data, ...page } = await logs(id);
      expect(page).toEqual({ variantId: id, sku, nextCursor: null });
      const told = data.map((line: Record<string, unknown>) => [
        line['changeType'],
        line['quantityChange'],
        line['quantity'],
        line['quantityAvailable'],
        line['quantityReserved'],
        line['quantityRented'],
        line['reason'],
      ]);
      expect(told).toEqual([
        ['RETURN', 1, 12, 1, 11, 0, 'changed my mind'],
        ['RESERVATION', -11, 12, 0, 11, 1, null],
        ['EXPIRY', 1, 12, 11, 0, 1, 'expired'],
        ['RESERVATION', -1, 12, 10, 1, 1, null],
        ['RELEASE', 2, 12, 11, 0, 1, 'released'],
        ['SALE', -1, 12, 9, 2, 1, 'Order #1'],
        ['RESERVATION', 1, 12, 9, 3, 0, null],
        ['RESERVATION', -4, 12, 8, 4, 0, null],
        ['RETURN', 2, 12, 12, 0, 0, null],
        ['SALE', -2, 12, 10, 0, 2, null],
        ['ADJUSTMENT', 3, 12, 12, 0, 0, null],
        ['ADJUSTMENT', -1, 9, 9, 0, 0, 'counted'],
        ['RESTOCK', 5, 10, 10, 0, 0, 'bought'],
        ['RESTOCK', 5, 5, 5, 0, 0, 'opening'],
      ]);
      expect(data.slice(2, 6).map((line: { referenceId: string }) => line.referenceId)).toEqual([
        late.id,
        late.id,
        first.id,
        soldId,
      ]);
      expect([data[0], data[8], data[9]].map(({ referenceId }) => referenceId)).toEqual([
        soldId,
        'O-1',
        'O-1',
      ]);
      expect(data[2].userId).toBe('system');
      expect(data[5]).toEqual({
        id: expect.any(Number),
        changeType: 'SALE',
        quantityChange: -1,
        change: { quantity: 0, quantityAvailable: 0, quantityReserved: -1, quantityRented: 1 },
        reason: 'Order #1',
        userId: 'admin',
        referenceId: soldId,
        quantity: 12,
        quantityAvailable: 9,
        quantityReserved: 2,
        quantityRented: 1,
        createdAt: expect.stringMatching(TIME),
      });

      // Lines that are left out take no room on a page either.
      const pages: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const next: { data: unknown[]; nextCursor: string | null } = await logs(
          sku,
          `?limit=3${cursor && `&cursor=${cursor}`}`,
        );
        expect(next.data).toHaveLength(next.nextCursor === null ? 2 : 3);
        pages.push(...next.data);
        cursor = next.nextCursor;
      }
      expect(pages).toEqual(data);
      const types = new Set<string>(data.map((line: { changeType: string }) => line.changeType));
      for (const changeType of types) {
        const only = await logs(id, `?changeType=${changeType}`);
        expect(only.data).toEqual(
          data.filter((line: { changeType: string }) => line.changeType === changeType),
        );
      }
      expect((await admin.get(`/api/inventory/logs/${id}?changeType=PUBLISH`)).status).toBe(400);
    });

    it('tell a repair of drift that moved units, and not one that moved none', async () => {
      const { id } = await makeProduct();
      await service.rows.run(
        `UPDATE products SET quantity = 7, quantity_available = 7 WHERE id = ${id}`,
      );
      await admin.post(`/api/products/${id}/sync-quantity`);
      await service.rows.run(
        `UPDATE products SET availability_status = 'rented_out' WHERE id = ${id}`,
      );
      await admin.post(`/api/products/${id}/sync-quantity`);
      const { data } = await logs(id, '?changeType=SYNC');
      expect(data).toMatchObject([{ quantityChange: 2, quantity: 7 }]);
      const ledger = (await admin.get(`/api/products/${id}/movements`)).body.data;
      expect(ledger.map((line: { kind: string }) => line.kind)).toEqual(['sync', 'sync', 'open']);
    });
  });

  describe('validate', () => {
    const validate = (items: unknown[], more: object = {}, by = admin) =>
      by.post('/api/inventory/validate', { items, ...more });

    it('names everything that falls short, and holds nothing', async () => {
      const [full, empty, draft] = [
        await makeProduct(),
        await makeProduct({ quantity: 0 }),
        await makeProduct({ publish: false }),
      ];
      const fine = await validate([{ productId: full.id, quantity: 5 }], {}, customer('ann'));
      expect(done(fine)).toEqual({ isValid: true, errors: [] });
      const answer = await validate([
        { productId: full.id, quantity: 3 },
        { productId: empty.sku, quantity: 1 },
        { productId: 'NOWHERE', quantity: 7 },
        { productId: full.sku, quantity: 3 },
        { productId: draft.id, quantity: 1 },
      ]);
      const tooMany = {
        productTitle: full.name,
        error: 'Only 5 left, and 6 were asked for.',
        code: 'insufficient_stock',
        requested: 6,
        available: 5,
      };
      expect(done(answer)).toEqual({
        isValid: false,
        errors: [
          { index: 0, productId: full.id, ...tooMany },
          {
            index: 1,
            productId: empty.sku,
            productTitle: empty.name,
            error: 'The product is out of stock: no unit is free.',
            code: 'out_of_stock',
            requested: 1,
            available: 0,
          },
          {
            index: 2,
            productId: 'NOWHERE',
            productTitle: null,
            error: 'There is no such product in this store.',
            code: 'product_not_found',
            requested: 7,
            available: 0,
          },
          { index: 3, productId: full.sku, ...tooMany },
          {
            index: 4,
            productId: draft.id,
            productTitle: draft.name,
            error: 'The product is not available: it is not published.',
            code: 'not_available',
            requested: 1,
            available: 0,
          },
        ],
      });
      expect(await levelOf(full.id)).toMatchObject({ quantityReserved: 0 });
    });

    it('counts what the cart holds itself as free', async () => {
      const { id } = await makeProduct();
      const { reservationId } = await hold(id, 4);
      const items = [{ productId: id, quantity: 5 }];
      expect(done(await validate(items))).toMatchObject({ errors: [{ available: 1 }] });
      const cartId = `checkout:${reservationId}`;
      expect(done(await validate(items, { cartId }))).toEqual({ isValid: true, errors: [] });
    });

    it('lets a customer name no cart but its own', async () => {
      const { id } = await makeProduct();
      const items = [{ productId: id, quantity: 1 }];
      const ann = customer('ann');
      for (const cartId of ['checkout:x', 'user:bob']) {
        expect(await validate(items, { cartId }, ann)).toMatchObject({
          status: 403,
          body: { code: 'forbidden' },
        });
      }
      for (const cartId of ['user:ann', 'basket-1', null])
        done(await validate(items, { cartId }, ann));
    });
  });

  describe("document 3's examples", () => {
    const FUTURE = inMinutes(15);
    let ownStore = 300;
    /** `variant-123` in a store of its own, as the examples name it. */
    async function variant123(quantity = 20) {
      const shop = service.client({ storeId: ++ownStore, role: 'service', sub: 'checkout' });
      const product = { sku: 'variant-123', name: 'Variant', quantity, publish: true };
      const { id } = (await shop.post('/api/products', product)).body;
      return { shop, id: id as number };
    }
    const reservations = [
      { variantId: 'variant-123', quantity: 2, reservationId: 'checkout-456', expiresAt: FUTURE },
    ];
    const sale = { variantId: 'variant-123', quantity: 2, reason: 'Order #12345' };

    it('check stock availability', async () => {
      const { shop } = await variant123();
      const { body } = await shop.get('/api/inventory/check/variant-123?quantity=5');
      expect(body).toMatchObject({
        available: true,
        variantId: 'variant-123',
        requestedQuantity: 5,
      });
    });

    it('reserve stock', async () => {
      const { shop } = await variant123();
      const answer = await shop.post('/api/inventory/reserve', { reservations });
      expect(done<object>(answer)).toMatchObject({
        success: true,
        reservations: [
          {
            reservationId: 'checkout-456',
            variantId: 'variant-123',
            quantity: 2,
            status: 'reserved',
            expiresAt: FUTURE,
            availableQuantity: 18,
          },
        ],
      });
    });

    it('confirm a sale, restock, and adjust', async () => {
      const { shop } = await variant123();
      const put = async (method: 'post' | 'put', route: string, update: object) =>
        done<object>(await shop[method](`/api/inventory/${route}`, { updates: [update] }));
      const variantId = 'variant-123';
      expect(await put('post', 'confirm-sale', sale)).toMatchObject({
        success: true,
        updates: [{ variantId, change: -2, quantityOnHand: 18, rentalId: expect.any(String) }],
      });
      const shipment = { variantId, quantity: 50, reason: 'New shipment received' };
      expect(await put('post', 'restock', shipment)).toMatchObject({
        success: true,
        updates: [{ variantId, change: 50, quantityOnHand: 68 }],
      });
      const count = { variantId, quantity: 25, reason: 'Inventory count correction' };
      expect(await put('put', 'adjust', count)).toMatchObject({
        success: true,
        updates: [{ variantId, change: -43, quantityOnHand: 25, quantity: 27, quantityRented: 2 }],
      });
      const { body } = await shop.get('/api/inventory/logs/variant-123?limit=50');
      expect(body.data).toMatchObject([
        { changeType: 'ADJUSTMENT', quantityChange: -43, reason: 'Inventory count correction' },
        { changeType: 'RESTOCK', quantityChange: 50, reason: 'New shipment received' },
        { changeType: 'SALE', quantityChange: -2, reason: 'Order #12345', userId: 'checkout' },
        { changeType: 'RESTOCK', quantityChange: 20, reason: 'opening' },
      ]);
    });

    it('low stock alerts and the report', async () => {
      const { shop, id } = await variant123(5);
      const { body } = await shop.get('/api/inventory/alerts/low-stock?threshold=5');
      expect(body.data).toMatchObject([{ sku: 'variant-123', quantityAvailable: 5, threshold: 5 }]);
      const report = await shop.get(`/api/inventory/product/${id}`);
      expect(report.body).toMatchObject({ productId: id, totalStock: 5, lowStockCount: 1 });
    });

    it.each(['succeeds', 'fails'])('a checkout whose payment %s', async (payment) => {
      const { shop } = await variant123(3);
      const checked = await shop.get('/api/inventory/check/variant-123?quantity=5');
      // "Only X left in stock"
      expect(checked.body).toMatchObject({ available: false, availableQuantity: 3 });
      done(await shop.post('/api/inventory/reserve', { reservations }));
      if (payment === 'succeeds') {
        const updates = [{ ...sale, reservationId: 'checkout-456' }];
        done(await shop.post('/api/inventory/confirm-sale', { updates }));
      } else {
        done(await shop.post('/api/inventory/release', { reservationId: 'checkout-456' }));
      }
      const { body } = await shop.get('/api/inventory/product/variant-123');
      expect(body.variants[0]).toMatchObject({
        quantityAvailable: payment === 'succeeds' ? 1 : 3,
        quantityReserved: 0,
        quantityRented: payment === 'succeeds' ? 2 : 0,
      });
    });

    it('an order that is cancelled: its units are counted on hand again', async () => {
      const { shop, id } = await variant123(5);
      const { body } = await shop.post('/api/inventory/confirm-sale', { updates: [sale] });
      const [{ rentalId, quantityOnHand: currentStock }] = body.updates;
      const reason = 'Order cancellation: 12345';
      const quantity = sale.quantity + currentStock;
      const updates = [{ variantId: 'variant-123', quantity, reason }];
      expect(done<object>(await shop.put('/api/inventory/adjust', { updates }))).toMatchObject({
        updates: [{ change: 2, quantityOnHand: 5, quantityAvailable: 5, quantityRented: 2 }],
      });
      // A count does not end the rental; ended, its units are there beside those that were counted.
      await shop.post(`/api/rentals/${rentalId}/cancel`, { reason });
      expect(done<object>(await shop.put('/api/inventory/adjust', { updates }))).toMatchObject({
        updates: [{ change: -2, quantityOnHand: 5, quantity: 5, quantityRented: 0 }],
      });
      expect(await breachesInRows(service.rows, id)).toEqual([]);
    });

    it('insufficient stock: the item is no longer available', async () => {
      const { shop } = await variant123(1);
      const { status, body } = await shop.post('/api/inventory/reserve', { reservations });
      expect({ status, body }).toMatchObject({
        status: 409,
        body: { code: 'insufficient_stock', errors: [{ variantId: 'variant-123', available: 1 }] },
      });
    });

    it('a reservation that expired is cleaned up by whoever needs its units', async () => {
      const { shop, id } = await variant123(2);
      const [reservation] = reservations;
      const expiresAt = inMinutes(200 / MINUTE);
      done(
        await shop.post('/api/inventory/reserve', {
          reservations: [{ ...reservation, expiresAt }],
        }),
      );
      const another = [{ ...reservation, reservationId: 'checkout-789' }];
      const early = await shop.post('/api/inventory/reserve', { reservations: another });
      expect(early.body).toMatchObject({ code: 'out_of_stock' });
      await until(expiresAt);
      done(await shop.post('/api/inventory/reserve', { reservations: another }));
      const updates = [{ ...sale, reservationId: 'checkout-456' }];
      const late = await shop.post('/api/inventory/confirm-sale', { updates });
      expect(late.body).toMatchObject({ status: 409, code: 'reservation_expired' });
      expect(await breachesInRows(service.rows, id)).toEqual([]);
    });
  });

  it('never oversells 50 units to 200 who reserve and buy at once', async () => {
    const { id } = await makeProduct({ quantity: 50 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const reservationId = unique('race');
        const line = { variantId: id, quantity: 1 + (i % 2) };
        const buys = i % 3 === 0;
        if (!buys) {
          const held = await reserve([{ ...line, reservationId }]);
          if (held.status !== 200 || i % 3 === 1) return held;
        }
        return confirm([{ ...line, reason: `Order #${i}`, ...(buys ? {} : { reservationId }) }]);
      }),
    );
    for (const { status, body } of answers) {
      if (status !== 200) {
        expect(status).toBe(409);
        expect(['out_of_stock', 'insufficient_stock']).toContain(body.code);
      }
    }
    const level = await levelOf(id);
    expect(level).toMatchObject({
      quantity: 50,
      quantityAvailable: 0,
      availabilityStatus: 'rented_out',
    });
    const given = answers.filter(({ status }) => status === 200);
    const units = given.map(({ body }) =>
      body.updates ? -body.updates[0].change : body.reservations[0].quantity,
    );
    expect(units.reduce((total, n) => total + n, 0)).toBe(50);
    expect(await breachesInRows(service.rows, id)).toEqual([]);
  });
});
