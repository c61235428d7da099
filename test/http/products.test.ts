import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe.each(DATABASES)('products on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  /** Makes a product with a SKU of its own. */
  async function make(fields: Record<string, unknown> = {}) {
    const sku = `SKU-${++made}`;
    const { status, body } = await admin.post('/api/products', {
      sku,
      name: sku,
      quantity: 5,
      publish: true,
      ...fields,
    });
    expect(status).toBe(201);
    return body;
  }

  const movements = async (id: number) =>
    (await admin.get(`/api/products/${id}/movements`)).body.data;

  describe('making one', () => {
    it('answers with every field, and the version as ETag', async () => {
      const parent = await make();
      const answer = await admin.post('/api/products', {
        sku: 'DRILL-18V',
        name: 'Cordless drill 🛠 18 V',
        quantity: 7,
        publish: true,
        parent_id: parent.id,
        low_stock_threshold: 2,
        price_amount: 1250,
        price_currency: 'EUR',
        supplier_email: 'supply@example.com',
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('etag')).toBe('"1"');
      expect(answer.body).toEqual({
        id: expect.any(Number),
        store_id: 1,
        sku: 'DRILL-18V',
        name: 'Cordless drill 🛠 18 V',
        parent_id: parent.id,
        quantity: 7,
        quantity_available: 7,
        quantity_reserved: 0,
        quantity_rented: 0,
        availability_status: 'available',
        low_stock_threshold: 2,
        price_amount: 1250,
        price_currency: 'EUR',
        supplier_email: 'supply@example.com',
        version: 1,
        created_at: expect.stringMatching(TIME),
        updated_at: answer.body.created_at,
      });
    });

    it('is a draft unless it is published, with nothing where nothing was said', async () => {
      const { body } = await admin.post('/api/products', { sku: 'BARE', name: 'B', quantity: 0 });
      expect(body).toMatchObject({
        availability_status: 'draft',
        parent_id: null,
        low_stock_threshold: null,
        price_amount: null,
        price_currency: null,
        supplier_email: null,
      });
    });

    it('is rented out at once where it is published without units', async () => {
      expect(await make({ quantity: 0 })).toMatchObject({ availability_status: 'rented_out' });
    });

    it('takes the bounds of every range', async () => {
      const fields = {
        sku: 's'.repeat(100),
        name: 'n'.repeat(255),
        quantity: 1_000_000_000,
        low_stock_threshold: 1_000_000_000,
        price_amount: Number.MAX_SAFE_INTEGER,
        price_currency: 'JPY',
      };
      expect(await make(fields)).toMatchObject(fields);
      await make({ sku: '12345678901' });
    });

    it('compares SKUs exactly: case and accents make another one', async () => {
      await make({ sku: 'exact' });
      await make({ sku: 'Exact' });
      await make({ sku: 'éxact' });
      const answer = await admin.post('/api/products', { sku: 'exact', name: 'x', quantity: 1 });
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({ code: 'sku_taken', sku: 'exact' });
    });

    it('takes a parent by SKU, and refuses one that does not exist', async () => {
      const parent = await make();
      expect(await make({ parent_id: parent.sku })).toMatchObject({ parent_id: parent.id });
      const { status, body } = await admin.post('/api/products', {
        sku: 'ORPHAN',
        name: 'x',
        quantity: 1,
        parent_id: 'NOBODY',
      });
      expect(status).toBe(404);
      expect(body).toMatchObject({
        code: 'product_not_found',
        detail: 'There is no product NOBODY to be the parent.',
      });
    });

    it('gives one SKU to one of many who ask at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          admin.post('/api/products', { sku: 'WANTED', name: 'x', quantity: 1 }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    });
  });

  describe('making a batch', () => {
    it('answers for each product in order, and lets no other one suffer', async () => {
      const taken = await make();
      const product = (sku: string) => ({ sku, name: sku, quantity: 1 });
      const { status, body } = await admin.post('/api/products/batch', {
        products: [product('B-1'), product(taken.sku), product('B-2'), product('B-1')],
      });
      expect(status).toBe(200);
      expect(body.data.map((one: { status: number }) => one.status)).toEqual([201, 409, 201, 409]);
      expect(body.data[0].product).toMatchObject({ sku: 'B-1', version: 1 });
      expect(body.data[2].product).toMatchObject({ sku: 'B-2' });
      expect(body.data[3].error).toEqual({
        type: 'urn:problem:sku_taken',
        title: 'SKU taken',
        status: 409,
        detail: 'Another product of this store has the SKU B-1.',
        instance: '/api/products/batch',
        code: 'sku_taken',
        sku: 'B-1',
      });
    });

    it('takes 1,000 products and no more, and none at all is a mistake', async () => {
      const products = Array.from({ length: 1001 }, (_, i) => ({
        sku: `MANY-${i}`,
        name: 'x',
        quantity: 1,
      }));
      const all = await admin.post('/api/products/batch', { products: products.slice(1) });
      expect(all.body.data).toHaveLength(1000);
      expect(all.body.data.every((one: { status: number }) => one.status === 201)).toBe(true);
      for (const [wrong, message] of [
        [products, 'must have at most 1000 entries'],
        [[], 'must have at least 1 entry'],
      ] as const) {
        const refused = await admin.post('/api/products/batch', { products: wrong });
        expect(refused.status).toBe(422);
        expect(refused.body.errors).toEqual([{ field: 'products', message }]);
      }
    });

    it('names a wrong field with its place, and makes none of them', async () => {
      const { status, body } = await admin.post('/api/products/batch', {
        products: [
          { sku: 'GOOD', name: 'x', quantity: 1 },
          { sku: 'BAD', name: 'x', quantity: -1, colour: 'red' },
        ],
      });
      expect(status).toBe(422);
      expect(body.errors).toEqual([
        { field: 'products[1].quantity', message: 'must be at least 0' },
        { field: 'products[1].colour', message: 'is not a field of this request' },
      ]);
      expect((await admin.get('/api/products?sku=GOOD')).body.data).toEqual([]);
    });
  });

  describe('reading', () => {
    it('finds one by id and by SKU, also where the SKU has to be escaped', async () => {
      const product = await make({ sku: 'A/B %41 ü?#' });
      for (const ref of [product.id, encodeURIComponent(product.sku)]) {
        const answer = await admin.get(`/api/products/${ref}`);
        expect(answer.status).toBe(200);
        expect(answer.headers.get('etag')).toBe('"1"');
        expect(answer.body).toEqual(product);
      }
    });

    it('reads up to ten digits as an id, and more as a SKU', async () => {
      const product = await make({ sku: '4006381333931' });
      expect((await admin.get('/api/products/4006381333931')).body).toEqual(product);
      const padded = String(product.id).padStart(10, '0');
      expect((await admin.get(`/api/products/${padded}`)).body).toEqual(product);
      expect((await admin.get('/api/products/9999999999')).status).toBe(404);
    });

    it('pages through a list in order of id, each product once', async () => {
      const ids: number[] = [];
      const parent = await make();
      for (let i = 0; i < 7; i++) ids.push((await make({ parent_id: parent.id })).id);
      const pages: number[][] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await admin.get(`/api/products?parent_id=${parent.id}&limit=3${from}`);
        pages.push(body.data.map((product: { id: number }) => product.id));
        cursor = body.next_cursor;
      }
      expect(pages).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    });

    it('filters by status, SKU and parent, and by all of them together', async () => {
      const parent = await make({ publish: false });
      const draft = await make({ parent_id: parent.id, publish: false });
      const free = await make({ parent_id: parent.id });
      const out = await make({ parent_id: parent.id, quantity: 0 });
      const skus = async (query: string) =>
        (await admin.get(`/api/products?${query}`)).body.data.map((p: { sku: string }) => p.sku);
      const of = `parent_id=${parent.sku}`;
      expect(await skus(of)).toEqual([draft.sku, free.sku, out.sku]);
      expect(await skus(`${of}&status=draft`)).toEqual([draft.sku]);
      expect(await skus(`${of}&status=available`)).toEqual([free.sku]);
      expect(await skus(`${of}&status=rented_out`)).toEqual([out.sku]);
      expect(await skus(`sku=${free.sku}`)).toEqual([free.sku]);
      expect(await skus(`${of}&sku=${free.sku}&status=draft`)).toEqual([]);
      expect(await skus('parent_id=NOBODY')).toEqual([]);
    });

    it('keeps pages within their bounds', async () => {
      expect((await admin.get('/api/products?limit=200')).body.data).toHaveLength(200);
      expect((await admin.get('/api/products')).body.data).toHaveLength(50);
      for (const limit of ['0', '201', '-1', '1.5', '1e1', 'ten', '', '%201']) {
        const { status, body } = await admin.get(`/api/products?limit=${limit}`);
        expect(status).toBe(400);
        expect(body.errors).toEqual([
          { field: 'limit', message: 'must be a whole number from 1 to 200' },
        ]);
      }
    });

    it.each(['x', '', 'MA%3D%3D', Buffer.from('1 OR 1=1').toString('base64url')])(
      'refuses the cursor "%s", which it never gave',
      async (cursor) => {
        const { status, body } = await admin.get(`/api/products?cursor=${cursor}`);
        expect(status).toBe(400);
        expect(body.errors).toEqual([
          { field: 'cursor', message: 'is no cursor that this list gave' },
        ]);
      },
    );
  });

  describe('changing one', () => {
    it('changes the fields that are named, and leaves the others', async () => {
      const product = await make({ name: 'old', supplier_email: 'a@example.com' });
      const changes = {
        name: 'new',
        low_stock_threshold: 3,
        price_amount: 100,
        price_currency: 'USD',
      };
      const answer = await admin.patch(`/api/products/${product.sku}`, changes);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('etag')).toBe('"2"');
      expect(answer.body).toEqual({
        ...product,
        ...changes,
        version: 2,
        updated_at: expect.stringMatching(TIME),
      });
      const cleared = { price_amount: null, price_currency: null, supplier_email: null };
      const again = await admin.patch(`/api/products/${product.id}`, cleared);
      expect(again.body).toMatchObject({ ...cleared, name: 'new', version: 3 });
    });

    it('restocks and takes units away, down to what is out', async () => {
      const { id } = await make({ quantity: 5 });
      await admin.post('/api/rentals', { product_id: id, quantity: 3 });
      const patch = (quantity: number) => admin.patch(`/api/products/${id}`, { quantity });
      expect((await patch(9)).body).toMatchObject({ quantity: 9, quantity_available: 6 });
      expect((await patch(3)).body).toMatchObject({
        quantity: 3,
        quantity_available: 0,
        quantity_rented: 3,
        availability_status: 'rented_out',
      });
      const refused = await patch(2);
      expect(refused.status).toBe(409);
      expect(refused.body).toMatchObject({
        code: 'quantity_below_committed',
        committed: 3,
        requested: 2,
      });
      expect((await patch(4)).body).toMatchObject({ availability_status: 'available' });
    });

    it('changes nothing where all is as it should be: no version, no line', async () => {
      const product = await make({ price_amount: 1, price_currency: 'EUR' });
      for (const same of [{}, { name: product.name, quantity: 5, price_currency: 'EUR' }]) {
        const { status, body } = await admin.patch(`/api/products/${product.id}`, same);
        expect(status).toBe(200);
        expect(body).toEqual(product);
      }
      expect(await movements(product.id)).toHaveLength(1);
    });

    it('wants a price to have an amount and a currency, or neither', async () => {
      const { id } = await make();
      const amount = await admin.patch(`/api/products/${id}`, { price_amount: 5 });
      expect(amount.status).toBe(422);
      expect(amount.body.errors).toEqual([
        { field: 'price_currency', message: 'is missing: price_amount was given without it' },
      ]);
      await admin.patch(`/api/products/${id}`, { price_amount: 5, price_currency: 'EUR' });
      const { status } = await admin.patch(`/api/products/${id}`, { price_amount: null });
      expect(status).toBe(422);
      expect((await admin.patch(`/api/products/${id}`, { price_amount: 6 })).status).toBe(200);
      const product = { sku: 'PRICELESS', name: 'x', quantity: 1, price_currency: 'EUR' };
      const made = await admin.post('/api/products', product);
      expect(made.status).toBe(422);
      expect(made.body.errors[0].field).toBe('price_amount');
    });
  });

  describe('publishing', () => {
    it('goes to available or rented_out and back to draft; twice changes nothing', async () => {
      const { id } = await make({ publish: false, quantity: 1 });
      const post = async (what: string) => {
        const { status, body, headers } = await admin.post(`/api/products/${id}/${what}`);
        return [status, body.availability_status, headers.get('etag')];
      };
      expect(await post('unpublish')).toEqual([200, 'draft', '"1"']);
      expect(await post('publish')).toEqual([200, 'available', '"2"']);
      expect(await post('publish')).toEqual([200, 'available', '"2"']);
      await admin.post('/api/rentals', { product_id: id });
      expect(await post('publish')).toEqual([200, 'rented_out', '"3"']);
      expect(await post('unpublish')).toEqual([200, 'draft', '"4"']);
      expect(await post('publish')).toEqual([200, 'rented_out', '"5"']);
      const kinds = (await movements(id)).map((line: { kind: string }) => line.kind);
      expect(kinds).toEqual(['publish', 'unpublish', 'rent', 'publish', 'open']);
    });

    it('lets what is out come back to a draft, which stays one', async () => {
      const { id } = await make({ quantity: 1 });
      const rental = (await admin.post('/api/rentals', { product_id: id })).body;
      await admin.post(`/api/products/${id}/unpublish`);
      expect((await admin.post(`/api/rentals/${rental.id}/complete`)).status).toBe(200);
      expect((await admin.get(`/api/products/${id}`)).body).toMatchObject({
        availability_status: 'draft',
        quantity_available: 1,
      });
    });

    it('takes an empty object as a body, and nothing else', async () => {
      const { id } = await make();
      expect((await admin.post(`/api/products/${id}/publish`, {})).status).toBe(200);
      const { status, body } = await admin.post(`/api/products/${id}/publish`, { at: 'noon' });
      expect(status).toBe(422);
      expect(body.errors).toEqual([{ field: 'at', message: 'is not a field of this request' }]);
    });
  });

  it('says whether so many units could be rented now', async () => {
    const { id } = await make({ quantity: 3 });
    await admin.post('/api/rentals', { product_id: id });
    const ask = async (query: string) =>
      (await admin.get(`/api/products/${id}/availability${query}`)).body;
    expect(await ask('')).toEqual({
      product_id: id,
      availability_status: 'available',
      quantity: 3,
      quantity_available: 2,
      requested_quantity: 1,
      available: true,
    });
    expect(await ask('?quantity=2')).toMatchObject({ requested_quantity: 2, available: true });
    expect(await ask('?quantity=3')).toMatchObject({ requested_quantity: 3, available: false });
    expect(await ask('?quantity=0')).toMatchObject({
      code: 'malformed_request',
      errors: [{ field: 'quantity', message: 'must be a whole number from 1 to 1000000' }],
    });
    await admin.post(`/api/products/${id}/unpublish`);
    expect(await ask('')).toMatchObject({ availability_status: 'draft', available: false });
  });

  it('shows the ledger, newest line first, whose sums are the counters', async () => {
    const product = await make({ quantity: 5 });
    const rent = { product_id: product.id, quantity: 2, order_id: 'O-1' };
    const first = (await admin.post('/api/rentals', rent)).body;
    const second = (await admin.post('/api/rentals', { ...rent, quantity: 1 })).body;
    await admin.post(`/api/rentals/${first.id}/cancel`, { reason: 'changed my mind' });
    await admin.post(`/api/rentals/${second.id}/complete`);
    await admin.patch(`/api/products/${product.id}`, { quantity: 4 });

    const lines = await movements(product.id);
    expect(
      lines.map((line: Record<string, unknown>) => [
        line['kind'],
        line['quantity_delta'],
        line['quantity_available_delta'],
        line['quantity_rented_delta'],
        line['rental_id'],
        line['reason'],
      ]),
    ).toEqual([
      ['update', -1, -1, 0, null, null],
      ['complete', 0, 1, -1, second.id, null],
      ['cancel', 0, 2, -2, first.id, 'changed my mind'],
      ['rent', 0, -1, 1, second.id, null],
      ['rent', 0, -2, 2, first.id, null],
      ['open', 5, 5, 0, null, 'opening'],
    ]);
    expect(lines[4]).toEqual({
      id: expect.any(Number),
      store_id: 1,
      product_id: product.id,
      command_id: expect.stringMatching(UUID),
      kind: 'rent',
      quantity_delta: 0,
      quantity_available_delta: -2,
      quantity_reserved_delta: 0,
      quantity_rented_delta: 2,
      quantity: 5,
      quantity_available: 3,
      quantity_reserved: 0,
      quantity_rented: 2,
      rental_id: first.id,
      reservation_id: null,
      order_id: 'O-1',
      reason: null,
      actor: 'admin',
      created_at: expect.stringMatching(TIME),
    });
    const now = (await admin.get(`/api/products/${product.id}`)).body;
    const counters = ['quantity', 'quantity_available', 'quantity_reserved', 'quantity_rented'];
    for (const counter of counters) {
      const deltas = lines.map((line: Record<string, number>) => line[`${counter}_delta`] ?? 0);
      expect(deltas.reduce((sum: number, delta: number) => sum + delta, 0)).toBe(now[counter]);
      expect(lines[0][counter]).toBe(now[counter]);
    }
    const page = await admin.get(`/api/products/${product.id}/movements?limit=4`);
    expect(page.body.data).toEqual(lines.slice(0, 4));
    const cursor = page.body.next_cursor;
    const rest = await admin.get(`/api/products/${product.id}/movements?limit=4&cursor=${cursor}`);
    expect(rest.body).toEqual({ data: lines.slice(4), next_cursor: null });
  });

  describe('If-Match', () => {
    const cases: [header: string, status: number][] = [
      ['"1"', 200],
      ['*', 200],
      [' * ', 200],
      ['"7", "1"', 200],
      ['"7","a,b" , "1"', 200],
      ['"2"', 412],
      ['"01x"', 412],
      ['W/"1"', 412],
      ['"0"', 412],
      ['1', 400],
      ['"1', 400],
      ['"1" "2"', 400],
      ['"1",', 400],
      ['', 400],
    ];

    it.each(cases)('with [%s] gives %i on PATCH, publish and unpublish', async (header, status) => {
      const { id } = await make({ publish: false });
      const path = `/api/products/${id}`;
      const headers = { 'If-Match': header };
      // Unpublishing a draft leaves the version, and so does a PATCH of nothing.
      expect((await admin.post(`${path}/unpublish`, undefined, headers)).status).toBe(status);
      expect((await admin.patch(path, {}, headers)).status).toBe(status);
      const answer = await admin.post(`${path}/publish`, undefined, headers);
      expect(answer.status).toBe(status);
      if (status === 412)
        expect(answer.body).toMatchObject({ code: 'version_mismatch', version: 1 });
      const after = (await admin.get(path)).body;
      expect(after.version).toBe(status === 200 ? 2 : 1);
    });

    it('lets one of many win who read the same version', async () => {
      const { id } = await make();
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          admin.patch(`/api/products/${id}`, { name: `n${i}` }, { 'If-Match': '"1"' }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
    });
  });
});
