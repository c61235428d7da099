import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe.each(DATABASES)('rentals on %s', (kind) => {
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
    const product = { sku, name: sku, quantity: 3, publish: true, ...fields };
    return (await admin.post('/api/products', product)).body;
  }

  async function rent(fields: Record<string, unknown>, by = admin) {
    const { status, body } = await by.post('/api/rentals', fields);
    expect(status).toBe(201);
    return body;
  }

  const customer = (sub: string) => service.client({ sub, role: 'customer' });
  const product = async (id: number) => (await admin.get(`/api/products/${id}`)).body;

  describe('renting', () => {
    it('takes units of a product, and says what is left', async () => {
      const { id, sku } = await makeProduct();
      const rental = await rent({
        product_id: sku,
        quantity: 2,
        user_id: 7,
        starts_at: '2026-01-02T03:04:05.6789+02:00',
        ends_at: '2030-01-01T00:00:00Z',
        order_id: 'O-7',
      });
      expect(rental).toEqual({
        id: expect.stringMatching(UUID),
        store_id: 1,
        product_id: id,
        user_id: '7',
        quantity: 2,
        status: 'active',
        starts_at: '2026-01-02T01:04:05.678Z',
        ends_at: '2030-01-01T00:00:00.000Z',
        order_id: 'O-7',
        reservation_id: null,
        created_at: expect.stringMatching(TIME),
        completed_at: null,
        cancelled_at: null,
        cancel_reason: null,
        quantity_available: 1,
        availability_status: 'available',
      });
      const { quantity_available, availability_status, ...stored } = rental;
      expect((await admin.get(`/api/rentals/${rental.id}`)).body).toEqual(stored);
      expect(await product(id)).toMatchObject({
        quantity_available,
        quantity_rented: 2,
        version: 2,
      });
    });

    it('takes one unit for nobody in particular where nothing else is said', async () => {
      const { id } = await makeProduct();
      expect(await rent({ product_id: String(id) })).toMatchObject({
        quantity: 1,
        user_id: null,
        order_id: null,
        starts_at: null,
        ends_at: null,
      });
    });

    it('is rented out with the last unit, and free again when one comes back', async () => {
      const { id } = await makeProduct({ quantity: 2 });
      const first = await rent({ product_id: id });
      const last = await rent({ product_id: id });
      expect(last).toMatchObject({ quantity_available: 0, availability_status: 'rented_out' });
      await admin.post(`/api/rentals/${first.id}/complete`);
      expect(await product(id)).toMatchObject({
        quantity_available: 1,
        availability_status: 'available',
      });
    });

    it('refuses more than is free, and says how many are', async () => {
      const { id } = await makeProduct({ quantity: 2 });
      const more = await admin.post('/api/rentals', { product_id: id, quantity: 3 });
      expect(more.status).toBe(409);
      expect(more.body).toMatchObject({ code: 'insufficient_stock', available: 2, requested: 3 });
      await rent({ product_id: id, quantity: 2 });
      const none = await admin.post('/api/rentals', { product_id: id });
      expect(none.status).toBe(409);
      expect(none.body).toMatchObject({ code: 'out_of_stock', available: 0, requested: 1 });
      expect(none.body.detail).toContain('out of stock');
    });

    it('refuses a draft', async () => {
      const { id } = await makeProduct({ publish: false });
      const { status, body } = await admin.post('/api/rentals', { product_id: id });
      expect(status).toBe(409);
      expect(body).toMatchObject({ code: 'not_available', requested: 1 });
      expect(body.detail).toContain('not available');
    });

    it('promises no unit twice to many who ask at once', async () => {
      const { id } = await makeProduct({ quantity: 5 });
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => admin.post('/api/rentals', { product_id: id })),
      );
      const taken = answers.filter(({ status }) => status === 201);
      const left = taken.map(({ body }) => body.quantity_available).sort();
      expect(left).toEqual([0, 1, 2, 3, 4]);
      expect(answers.filter(({ body }) => body.code === 'out_of_stock')).toHaveLength(15);
    });
  });

  describe('times', () => {
    it('may lie in the past, and the end too', async () => {
      const { id } = await makeProduct();
      const past = { starts_at: inHours(-48), ends_at: inHours(-24) };
      expect(await rent({ product_id: id, ...past })).toMatchObject(past);
    });

    it('a start in the future is refused, with the reason', async () => {
      const { id, version } = await makeProduct();
      const { status, body } = await admin.post('/api/rentals', {
        product_id: id,
        starts_at: inHours(1),
      });
      expect(status).toBe(422);
      expect(body).toMatchObject({
        code: 'validation_failed',
        errors: [
          {
            field: 'starts_at',
            message:
              'must not lie in the future: units are taken now, and bookings ahead are not supported yet',
          },
        ],
      });
      expect(await product(id)).toMatchObject({ version });
    });

    it.each([0, -1])('an end that is %i hours after the start is refused', async (hours) => {
      const { id } = await makeProduct();
      const starts_at = inHours(-10);
      const ends_at = new Date(Date.parse(starts_at) + hours * 3_600_000).toISOString();
      const { status, body } = await admin.post('/api/rentals', {
        product_id: id,
        starts_at,
        ends_at,
      });
      expect(status).toBe(422);
      expect(body.errors).toEqual([{ field: 'ends_at', message: 'must be after starts_at' }]);
    });

    it.each(['tomorrow', '2026-11-21', '2026-11-21T10:00:00', '2026-02-30T10:00:00Z', '1e3'])(
      '%s is no time',
      async (ends_at) => {
        const { status, body } = await admin.post('/api/rentals', { product_id: 1, ends_at });
        expect(status).toBe(422);
        expect(body.errors).toEqual([
          {
            field: 'ends_at',
            message: 'must be a time with its offset from UTC, like 2026-11-21T10:00:00Z',
          },
        ]);
      },
    );
  });

  describe('ending', () => {
    it('cancels with a reason, and gives the units back', async () => {
      const { id } = await makeProduct();
      const rental = await rent({ product_id: id, quantity: 3 });
      const answer = await admin.post(`/api/rentals/${rental.id}/cancel`, { reason: 'rain' });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        id: rental.id,
        status: 'cancelled',
        cancelled_at: expect.stringMatching(TIME),
        cancel_reason: 'rain',
        completed_at: null,
      });
      expect(await product(id)).toMatchObject({ quantity_available: 3, quantity_rented: 0 });
      expect((await admin.get(`/api/rentals/${rental.id}`)).body).toEqual(answer.body);
    });

    it('completes, and gives the units back', async () => {
      const { id } = await makeProduct();
      const rental = await rent({ product_id: id });
      const { body } = await admin.post(`/api/rentals/${rental.id}/complete`);
      expect(body).toMatchObject({
        status: 'completed',
        completed_at: expect.stringMatching(TIME),
        cancelled_at: null,
        cancel_reason: null,
      });
      expect(await product(id)).toMatchObject({ quantity_available: 3 });
    });

    it('is done once: what is over stays as it ended', async () => {
      const { id } = await makeProduct();
      for (const [end, status] of [
        ['cancel', 'cancelled'],
        ['complete', 'completed'],
      ]) {
        const rental = await rent({ product_id: id });
        await admin.post(`/api/rentals/${rental.id}/${end}`);
        for (const action of ['cancel', 'complete']) {
          const answer = await admin.post(`/api/rentals/${rental.id}/${action}`);
          expect(answer.status).toBe(409);
          expect(answer.body).toMatchObject({
            code: 'invalid_transition',
            rental_status: status,
            action,
          });
        }
        expect((await admin.get(`/api/rentals/${rental.id}`)).body.status).toBe(status);
      }
      expect(await product(id)).toMatchObject({ quantity_available: 3 });
    });

    it('gives units back once, however many cancel and complete at once', async () => {
      const { id } = await makeProduct();
      const rental = await rent({ product_id: id });
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          admin.post(`/api/rentals/${rental.id}/${i % 2 ? 'cancel' : 'complete'}`),
        ),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await product(id)).toMatchObject({ quantity_available: 3 });
    });
  });

  it('lists newest first, by every filter, page by page', async () => {
    const one = await makeProduct({ quantity: 9 });
    const other = await makeProduct();
    const at = { product_id: one.id };
    const plain = await rent({ ...at, user_id: 'ann' });
    const due = await rent({ ...at, user_id: 'bob', ends_at: inHours(1) });
    const late = await rent({ ...at, user_id: 'bob', ends_at: inHours(-1) });
    const lateButBack = await rent({ ...at, ends_at: inHours(-1) });
    await admin.post(`/api/rentals/${lateButBack.id}/complete`);
    const cancelled = await rent({ ...at, user_id: 'ann' });
    await admin.post(`/api/rentals/${cancelled.id}/cancel`);
    const elsewhere = await rent({ product_id: other.id, user_id: 'ann' });

    const all = { plain, due, late, lateButBack, cancelled, elsewhere };
    const named = Object.entries(all).map(([name, { id }]) => [id, name] as const);
    const names = new Map<string, string>(named);
    const list = async (query: string): Promise<(string | undefined)[]> =>
      (await admin.get(`/api/rentals?${query}`)).body.data.map((r: { id: string }) =>
        names.get(r.id),
      );
    const of = `product_id=${one.sku}`;
    expect(await list(of)).toEqual(['cancelled', 'lateButBack', 'late', 'due', 'plain']);
    expect(await list(`${of}&status=active`)).toEqual(['late', 'due', 'plain']);
    expect(await list(`${of}&status=completed`)).toEqual(['lateButBack']);
    expect(await list(`${of}&status=cancelled`)).toEqual(['cancelled']);
    expect(await list(`${of}&overdue=true`)).toEqual(['late']);
    expect(await list(`${of}&overdue=false`)).toEqual(['cancelled', 'lateButBack', 'due', 'plain']);
    expect(await list(`${of}&user_id=bob&overdue=false`)).toEqual(['due']);
    expect(await list('user_id=ann')).toEqual(['elsewhere', 'cancelled', 'plain']);
    expect(await list('product_id=NOBODY')).toEqual([]);
    const first = (await admin.get(`/api/rentals?${of}&limit=3`)).body;
    expect(first.data).toHaveLength(3);
    expect(await list(`${of}&limit=3&cursor=${first.next_cursor}`)).toEqual(['due', 'plain']);
  });

  it.each([
    ['status=lost', 'status', 'must be one of active, completed, cancelled'],
    ['overdue=maybe', 'overdue', 'must be one of true, false'],
    ['overdue=', 'overdue', 'must be one of true, false'],
    ['user_id=', 'user_id', 'must have at least 1 character'],
    ['product_id=%20a', 'product_id', 'must not begin or end with white space'],
    ['colour=red', 'colour', 'is not a field of this request'],
  ])('names what is wrong with ?%s', async (query, field, message) => {
    const { status, body } = await admin.get(`/api/rentals?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'malformed_request', errors: [{ field, message }] });
  });

  it('is found by its id in any case, and by nothing else', async () => {
    const { id } = await rent({ product_id: (await makeProduct()).id });
    expect((await admin.get(`/api/rentals/${id.toUpperCase()}`)).body).toMatchObject({ id });
    for (const other of ['1', 'é', '%27%20OR%201=1', id.slice(1), `${id}0`, '%F0%9F%8E%BF']) {
      for (const answer of [
        await admin.get(`/api/rentals/${other}`),
        await admin.post(`/api/rentals/${other}/cancel`),
        await admin.post(`/api/rentals/${other}/complete`),
      ]) {
        expect(answer.status).toBe(404);
        expect(answer.body.code).toBe('rental_not_found');
      }
    }
  });

  describe('a customer', () => {
    it('rents for itself, whether it says so or not', async () => {
      const { id } = await makeProduct();
      const ann = customer('ann-2');
      expect(await rent({ product_id: id }, ann)).toMatchObject({ user_id: 'ann-2' });
      expect(await rent({ product_id: id, user_id: 'ann-2' }, ann)).toMatchObject({
        user_id: 'ann-2',
      });
      // A number in the body is the same user as the text in the token.
      expect(await rent({ product_id: id, user_id: 42 }, customer('42'))).toMatchObject({
        user_id: '42',
      });
    });

    it('may name no other user', async () => {
      const { id, version } = await makeProduct();
      const ann = customer('ann');
      const answers = [
        await ann.post('/api/rentals', { product_id: id, user_id: 'bob' }),
        await ann.get('/api/rentals?user_id=bob'),
      ];
      for (const { status, body } of answers) {
        expect(status).toBe(403);
        expect(body.detail).toBe('A customer may name only itself as user_id.');
      }
      expect(await product(id)).toMatchObject({ version });
    });

    it('sees and cancels its own rentals alone', async () => {
      const { id } = await makeProduct();
      const eve = customer('eve');
      const own = await rent({ product_id: id }, eve);
      const others = await rent({ product_id: id, user_id: 'bob' });
      const nobodys = await rent({ product_id: id });
      const listed = (await eve.get('/api/rentals')).body.data;
      expect(listed.map((rental: { id: string }) => rental.id)).toEqual([own.id]);
      for (const rental of [others, nobodys]) {
        expect((await eve.get(`/api/rentals/${rental.id}`)).status).toBe(404);
        expect((await eve.post(`/api/rentals/${rental.id}/cancel`)).status).toBe(404);
      }
      expect((await eve.get(`/api/rentals/${own.id}`)).status).toBe(200);
      expect((await eve.post(`/api/rentals/${own.id}/complete`)).status).toBe(403);
      expect((await eve.post(`/api/rentals/${own.id}/cancel`)).status).toBe(200);
      expect(await product(id)).toMatchObject({ quantity_available: 1 });
    });
  });
});
