import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)('lists for the back office on %s', (kind) => {
  let service: Service;
  let admin: Client;
  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  /** Everything on a list, page by page, as the given field. */
  async function walk(path: string, field: string, limit = 2): Promise<unknown[]> {
    const found: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const join = path.includes('?') ? '&' : '?';
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { status, body } = await admin.get(`${path}${join}limit=${limit}${after}`);
      expect(status).toBe(200);
      found.push(...body.data.map((row: Record<string, unknown>) => row[field]));
      cursor = 'next_cursor' in body ? body.next_cursor : body.nextCursor;
    }
    return found;
  }

  describe('of products', () => {
    const ids = new Map<string, number>();
    beforeAll(async () => {
      const named: [sku: string, name: string, quantity: number, publish: boolean][] = [
        ['TENT-4', 'Tent for four', 1, true],
        ['lamp-1', 'Head lamp', 3, true],
        ['BIKE-7', 'Cargo bike', 2, true],
        ['BIKE-2', 'cargo bike', 0, true],
        ['TENT-2', 'Tent for two', 5, false],
        ['CAR-1', 'Bike rack', 4, true],
        ['100%', 'Percent', 1, true],
        ['A_B', 'Underscore', 1, true],
      ];
      for (const [sku, name, quantity, publish] of named) {
        const { body } = await admin.post('/api/products', { sku, name, quantity, publish });
        ids.set(sku, body.id);
      }
    });

    it.each([
      ['id', ['TENT-4', 'lamp-1', 'BIKE-7', 'BIKE-2', 'TENT-2', 'CAR-1', '100%', 'A_B']],
      ['-id', ['A_B', '100%', 'CAR-1', 'TENT-2', 'BIKE-2', 'BIKE-7', 'lamp-1', 'TENT-4']],
      ['sku', ['100%', 'A_B', 'BIKE-2', 'BIKE-7', 'CAR-1', 'lamp-1', 'TENT-2', 'TENT-4']],
      ['-sku', ['TENT-4', 'TENT-2', 'lamp-1', 'CAR-1', 'BIKE-7', 'BIKE-2', 'A_B', '100%']],
      ['name', ['CAR-1', 'BIKE-7', 'BIKE-2', 'lamp-1', '100%', 'TENT-4', 'TENT-2', 'A_B']],
      ['-name', ['A_B', 'TENT-2', 'TENT-4', '100%', 'lamp-1', 'BIKE-2', 'BIKE-7', 'CAR-1']],
    ])('are in order of %s, page by page, capitals or not', async (sort, skus) => {
      for (const limit of [1, 3, 200]) {
        expect(await walk(`/api/products?sort=${sort}`, 'sku', limit)).toEqual(skus);
      }
    });

    it.each([
      ['bike', ['BIKE-2', 'BIKE-7', 'CAR-1']],
      ['BIKE-', ['BIKE-2', 'BIKE-7']],
      ['tent', ['TENT-2', 'TENT-4']],
      ['Tent for t', ['TENT-2']],
      ['ca', ['CAR-1', 'BIKE-7', 'BIKE-2']],
      ['100%', ['100%']],
      ['%', []],
      ['_', []],
      ['a', ['A_B']],
      ["o'brien", []],
      ['\u{10ffff}', []],
    ])('that begin with "%s": by SKU first, then by name', async (search, skus) => {
      for (const limit of [1, 2, 200]) {
        const path = `/api/products?q=${encodeURIComponent(search)}`;
        expect(await walk(path, 'sku', limit)).toEqual(skus);
      }
    });

    it.each([
      ['status=draft&sort=name', ['TENT-2']],
      ['status=rented_out&sort=name', ['BIKE-2']],
      ['status=available&sort=-sku', ['TENT-4', 'lamp-1', 'CAR-1', 'BIKE-7', 'A_B', '100%']],
      ['status=available&q=bike', ['BIKE-7', 'CAR-1']],
      ['sku=TENT-2&sort=name', ['TENT-2']],
    ])('with %s', async (query, skus) => {
      expect(await walk(`/api/products?${query}`, 'sku')).toEqual(skus);
    });

    it('by their ids, those of others and of none left out', async () => {
      const wanted = [ids.get('A_B'), ids.get('TENT-4'), 999_999];
      expect(await walk(`/api/products?ids=${wanted.join(',')}`, 'sku')).toEqual(['TENT-4', 'A_B']);
    });

    it('with a hold that is due is in the list of what is available, wherever it is sorted', async () => {
      const hold = { cartId: 'c', resellerProductId: 'TENT-4', quantity: 1 };
      const held = await admin.post('/api/reservations', { ...hold, expiresInMinutes: 0.02 });
      expect(held.status).toBe(201);
      expect(await walk('/api/products?status=rented_out&sort=sku', 'sku')).toEqual([
        'BIKE-2',
        'TENT-4',
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      expect(await walk('/api/products?status=rented_out&sort=sku', 'sku')).toEqual(['BIKE-2']);
      expect(await walk('/api/products?status=available&q=tent', 'sku')).toEqual(['TENT-4']);
    });

    it('of a new name are found by it, and not by the old one', async () => {
      const sku = 'RENAMED';
      const { id } = (await admin.post('/api/products', { sku, name: 'Old', quantity: 1 })).body;
      expect(await walk('/api/products?q=old', 'id')).toEqual([id]);
      await admin.patch(`/api/products/${id}`, { name: 'New' });
      expect(await walk('/api/products?q=old', 'id')).toEqual([]);
      expect(await walk('/api/products?q=new', 'id')).toEqual([id]);
    });

    it.each([
      ['q=x&sort=name', 'sort'],
      ['q=', 'q'],
      [`q=${'x'.repeat(101)}`, 'q'],
      ['sort=price', 'sort'],
      ['ids=', 'ids'],
      ['ids=1,,2', 'ids'],
      ['ids=1;2', 'ids'],
      [`ids=${Array.from({ length: 201 }, (_, i) => i).join(',')}`, 'ids'],
    ])('refuse %s', async (query, field) => {
      const { status, body } = await admin.get(`/api/products?${query}`);
      expect(status).toBe(400);
      expect(body.errors).toEqual([expect.objectContaining({ field })]);
    });

    it("show a ledger's lines of one kind", async () => {
      await admin.post('/api/inventory/restock', {
        updates: [{ variantId: 'lamp-1', quantity: 2, reason: 'delivery' }],
      });
      const path = '/api/products/lamp-1/movements?kind=restock';
      expect(await walk(path, 'quantity_delta')).toEqual([2]);
    });
  });

  describe('of products to be made', () => {
    const validate = async (products: unknown[]) =>
      (await admin.post('/api/products/validate', { products })).body;
    const good = { sku: 'TO-BE', name: 'x', quantity: 1 };

    it('say what is wrong with each, and make none', async () => {
      await admin.post('/api/products', { ...good, sku: 'THERE' });
      const { is_valid, errors } = await validate([
        good,
        { ...good, sku: 'THERE' },
        { ...good, sku: 'MANY', quantity: 'many' },
        { ...good },
        { ...good, sku: 'CHILD', parent_id: 'NOBODY' },
        'no product',
      ]);
      expect(is_valid).toBe(false);
      expect(errors).toEqual([
        {
          ...{ index: 1, field: 'sku', code: 'sku_taken' },
          message: 'Another product of this store has the SKU THERE.',
        },
        {
          ...{ index: 2, field: 'quantity', code: 'validation_failed' },
          message: 'must be a number',
        },
        expect.objectContaining({ index: 3, field: 'sku', code: 'sku_taken' }),
        expect.objectContaining({ index: 4, field: 'parent_id', code: 'product_not_found' }),
        expect.objectContaining({ index: 5, field: 'body', code: 'validation_failed' }),
      ]);
      expect((await admin.get('/api/products/TO-BE')).status).toBe(404);
    });

    it('are right where all of them can be made', async () => {
      expect(await validate([good])).toEqual({ is_valid: true, errors: [] });
      expect((await admin.post('/api/products/batch', { products: [good] })).status).toBe(200);
    });
  });

  describe('of reservations', () => {
    const made: Record<string, string> = {};
    let stock: number;
    beforeAll(async () => {
      const product = { sku: 'HELD', name: 'x', quantity: 50, publish: true };
      stock = (await admin.post('/api/products', product)).body.id;
      await admin.post('/api/products', { ...product, sku: 'OTHER' });
      const hold = async (cartId: string, sku = 'HELD', expiresInMinutes = 15) => {
        const body = { cartId, resellerProductId: sku, quantity: 1, expiresInMinutes };
        made[cartId] = (await admin.post('/api/reservations', body)).body.id;
      };
      for (const cart of ['first', 'released', 'confirmed']) await hold(cart);
      await hold('due', 'HELD', 0.001);
      await hold('elsewhere', 'OTHER');
      await hold('last');
      await admin.delete(`/api/reservations/${made['released']}`);
      await admin.post(`/api/reservations/${made['confirmed']}/confirm`, { orderId: 'O' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    });

    const HELD = 'resellerProductId=HELD';
    it.each([
      [HELD, ['last', 'due', 'confirmed', 'released', 'first']],
      ['resellerProductId=OTHER', ['elsewhere']],
      [`${HELD}&status=reserved`, ['last', 'first']],
      [`${HELD}&status=released`, ['released']],
      [`${HELD}&status=confirmed`, ['confirmed']],
      [`${HELD}&status=expired`, ['due']],
      ['cartId=first', ['first']],
      ['cartId=First', []],
      ['resellerProductId=NOBODY', []],
    ])('with %s, newest first', async (query, carts) => {
      for (const limit of [1, 2, 200]) {
        expect(await walk(`/api/reservations?${query}`, 'cartId', limit)).toEqual(carts);
      }
    });

    it('have one that is due among the expired also once that is written down', async () => {
      await admin.post('/api/reservations/cleanup');
      expect(await walk(`/api/reservations?${HELD}&status=expired`, 'cartId')).toEqual(['due']);
      expect(await walk(`/api/reservations?${HELD}`, 'cartId')).toHaveLength(5);
    });

    it('name the product as the request did', async () => {
      const [bySku] = (await admin.get(`/api/reservations?${HELD}&limit=1`)).body.data;
      expect(bySku).toMatchObject({ resellerProductId: 'HELD', sku: 'HELD' });
      const [all] = (await admin.get('/api/reservations?cartId=first')).body.data;
      expect(all).toMatchObject({ resellerProductId: stock, sku: 'HELD' });
    });
  });
});
