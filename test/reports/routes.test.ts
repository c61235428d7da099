import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)('reports over REST on %s', (kind) => {
  let service: Service;
  let admin: Client;
  const today = new Date().toISOString().slice(0, 10);
  const month = today.slice(0, 7);

  beforeAll(async () => {
    service = await startService(kind, {
      LOW_STOCK_THRESHOLD: '1',
      SMTP_URL: 'smtp://127.0.0.1:9',
      ALERT_EMAIL: 'anna@example.com,ben@example.com',
    });
    admin = service.client();
    const product = { sku: 'A', name: '=HYPERLINK("x")', quantity: 4, publish: true };
    await admin.post('/api/products', { ...product, supplier_email: 'bikes@example.com' });
    await admin.post('/api/products', { sku: 'B', name: 'B', quantity: 2, publish: true });
    await admin.post('/api/products', { sku: 'C', name: 'C', quantity: 1 });
    const rental = (await admin.post('/api/rentals', { product_id: 'A', quantity: 3 })).body;
    await admin.post(`/api/rentals/${rental.id}/complete`);
    await admin.post('/api/rentals', { product_id: 'B', quantity: 2 });
    await admin.post('/api/rentals', { product_id: 'B', quantity: 1 });
    await admin.post('/api/rentals', { product_id: 'B', quantity: 1 }, { 'Idempotency-Key': 'k' });
    await admin.post('/api/rentals', { product_id: 'B', quantity: 1 }, { 'Idempotency-Key': 'k' });
    await admin.post('/api/rentals', { product_id: 'A', quantity: 9 });
    await admin.post('/api/rentals', { product_id: 'C', quantity: 1 });
    const updates = [
      { variantId: 'A', quantity: 5, reason: 'cart' },
      { variantId: 'A', quantity: 6, reason: 'cart' },
      { variantId: 'B', quantity: 1, reason: 'cart' },
    ];
    await admin.post('/api/inventory/confirm-sale', { updates });
    const hold = { cartId: 'c', resellerProductId: 'A', quantity: 2 };
    await admin.post('/api/reservations', hold);
    await admin.post('/api/reservations/cart/c/confirm', { orderId: 'O' });
    await admin.post('/api/reservations', { ...hold, cartId: 'd', quantity: 1 });
    await admin.delete('/api/reservations/cart/d');
    const count = { updates: [{ variantId: 'A', quantity: 12, reason: 'found in the shed' }] };
    await admin.put('/api/inventory/adjust', count);
    const restock = { updates: [{ variantId: 'B', quantity: 3, reason: 'bought' }] };
    await admin.post('/api/inventory/restock', restock);
  });
  afterAll(() => service.stop());

  /** What was refused is written down some seconds later. */
  async function countedRefusals() {
    for (let tries = 0; tries < 40; tries++) {
      const { body } = await admin.get(`/api/reports/summary?from=${today}`);
      if (body.refused.notAvailable.requests > 0) return body;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error('refusals were not counted');
  }

  it('sum up a store, and count each refused request once for each product', async () => {
    expect(await countedRefusals()).toMatchObject({
      from: `${today}T00:00:00.000Z`,
      levels: { quantity: 20, quantityAvailable: 16, quantityReserved: 0, quantityRented: 4 },
      rentals: {
        begun: { count: 3, units: 7 },
        returned: { count: 1, units: 3 },
        cancelled: { count: 0, units: 0 },
      },
      holds: {
        made: { count: 2, units: 3 },
        converted: { count: 1, units: 2 },
        lost: { count: 1, units: 1 },
        conversion: 0.6667,
      },
      stock: { restocks: { count: 1, units: 3 }, corrections: 1, foundUnits: 10 },
      refused: {
        outOfStock: { requests: 3, units: 3 },
        insufficientStock: { requests: 2, units: 5 + 7 },
        notAvailable: { requests: 1, units: 0 },
      },
      driftFound: 0,
    });
  });

  it('name the products that were short, and by how many units', async () => {
    await countedRefusals();
    const { body } = await admin.get(`/api/reports/products?from=${today}&sort=refused&limit=1`);
    expect(body.data).toMatchObject([{ sku: 'B', refused: { requests: 3, units: 3 } }]);
    const next = await admin.get(
      `/api/reports/products?from=${today}&sort=refused&cursor=${body.nextCursor}`,
    );
    expect(next.body.data.map(({ sku }: { sku: string }) => sku)).toEqual(['A', 'C']);
    const advice = (await admin.get(`/api/reports/stock-advice?month=${month}`)).body.data;
    expect(advice).toMatchObject([
      { sku: 'A', refusedRequests: 2, additionalUnits: 12 },
      { sku: 'B', refusedRequests: 3, additionalUnits: 3 },
    ]);
  });

  it('tell what is unusual, who supplies how fast, and the levels by the hour', async () => {
    const unusual = (await admin.get('/api/reports/unusual')).body;
    expect(unusual.data).toMatchObject([
      { sku: 'A', change: 10, quantity: 14, usual: 0, limit: 1, reason: 'found in the shed' },
    ]);
    const suppliers = (await admin.get('/api/reports/suppliers')).body;
    expect(suppliers.data).toMatchObject([
      { supplierEmail: 'bikes@example.com', products: 1, notices: 2, answered: 0, waiting: 1 },
    ]);
    const levels = (await admin.get(`/api/reports/levels?from=${today}&productId=A`)).body;
    expect(levels.stepSeconds).toBe(3600);
    expect(levels.data).toHaveLength(new Date(levels.to).getUTCHours() + 1);
  });

  it.each(['summary', 'products', 'levels', 'unusual', `stock-advice?month=${month}`, 'suppliers'])(
    'come as CSV where that is asked for: %s',
    async (path) => {
      const byHeader = await admin.get(`/api/reports/${path}`, { Accept: 'text/csv' });
      const byQuery = await admin.get(
        `/api/reports/${path}${path.includes('?') ? '&' : '?'}format=csv`,
      );
      for (const { status, headers, body } of [byHeader, byQuery]) {
        expect(status).toBe(200);
        expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
        expect(body).toMatch(/^[\w.,]+\r\n(.+\r\n)+$/);
        expect(body).not.toMatch(/(^|,)"?[=@]/m);
      }
      const overruled = await admin.get(
        `/api/reports/${path}${path.includes('?') ? '&' : '?'}format=json`,
        { Accept: 'text/csv' },
      );
      expect(overruled.body.from).toBeDefined();
    },
  );

  it.each([
    ['from=2999-01-01', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=1969-12-31', 'from'],
    ['from=2026-01-02T00:00:00Z', 'from'],
    ['from=2026-01-02&to=2026-01-02', 'to'],
    ['from=2000-01-01', 'to'],
    ['format=xml', 'format'],
  ])('refuse %s', async (query, field) => {
    const { status, body } = await admin.get(`/api/reports/summary?${query}`);
    expect({ status, code: body.code, field: body.errors[0].field }).toEqual({
      status: 400,
      code: 'malformed_request',
      field,
    });
  });

  it('of the calendar are made once for a period, and kept', async () => {
    const { keptReports } = service.app.core;
    const kinds = ['low_stock', 'reconciliation', 'stock_review'] as const;
    for (const kind of kinds) {
      const made = await keptReports.make(1, kind);
      expect((await keptReports.make(1, kind)).id).toBe(made.id);
      const { body } = await admin.get(`/api/reports/${made.id}`);
      expect(body).toMatchObject({ id: made.id, kind, period: made.period, title: made.title });
      expect(body.text).toContain(body.title);
    }
    const { body } = await admin.get('/api/reports?limit=2');
    expect(body.data.map((report: { kind: string }) => report.kind)).toEqual([
      'stock_review',
      'reconciliation',
    ]);
    const rest = await admin.get(`/api/reports?limit=2&cursor=${body.nextCursor}`);
    expect(rest.body.data).toMatchObject([{ kind: 'low_stock', period: today }]);
    const ofKind = await admin.get('/api/reports?kind=reconciliation');
    expect(ofKind.body.data).toHaveLength(1);
    expect((await admin.get('/api/reports/nothing')).body.code).toBe('not_found');
  });

  it('of the calendar say what they found', async () => {
    await service.rows.run("UPDATE products SET quantity_available = 13 WHERE sku = 'A'").catch(
      // The law forbids it, so the owned units go with it.
      () =>
        service.rows.run(
          "UPDATE products SET quantity = 15, quantity_available = 13 WHERE sku = 'A'",
        ),
    );
    const { store_id } = (
      await service.client({ storeId: 7 }).post('/api/products', {
        ...{ sku: 'LOW', name: 'Low', quantity: 1, publish: true },
      })
    ).body;
    const low = await service.app.core.keptReports.make(store_id, 'low_stock');
    expect(low.title).toContain('1 product low, 0 of them empty');
    expect(low.text).toContain('LOW: 1 of 1 free (threshold 1)');
    await service.rows.run("DELETE FROM reports WHERE kind = 'reconciliation'");
    const mails = await service.rows.select(
      `SELECT recipient, subject, body_text FROM mails WHERE message_id LIKE '%${low.id}%' ORDER BY recipient`,
    );
    expect(mails).toEqual(
      ['anna@example.com', 'ben@example.com'].map((recipient) => ({
        recipient,
        subject: `${low.title} (store 7)`,
        body_text: low.text,
      })),
    );
    const found = await service.app.core.keptReports.make(1, 'reconciliation');
    expect(found.title).toContain('1 of 3 products drifted');
    const { body } = await admin.get(`/api/reports/${found.id}`);
    expect(body.data.drifts).toMatchObject([{ cause: 'counter_changed_outside' }]);
    expect((await admin.get('/api/products/A')).body.quantity).toBe(15);
    expect((await admin.get('/api/reports/summary')).body.driftFound).toBe(1);
  });
});
