import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toCursor } from '../../src/http/schemas.js';
import { newId } from '../../src/ids.js';
import { insertDeliveries } from '../../src/persistence/webhook-deliveries.js';
import { DATABASES } from '../helpers/databases.js';
import { tableCounts } from '../helpers/rows.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';
import { type StripeServer, startStripe } from '../helpers/stripe-server.js';
import { SURFACES } from '../helpers/surfaces.js';
import { paymentSettings, RETURN_URLS } from '../payments/setup.js';

/** What store 1 has. */
interface Theirs {
  readonly productId: number;
  readonly sku: string;
  readonly rentalId: string;
  readonly apiKeyId: string;
  readonly hookId: string;
  readonly deliveryId: string;
  /** holds one unit of the product */
  readonly checkout: string;
  readonly reservationId: string;
  readonly cartId: string;
  readonly orderId: string;
  readonly reportId: string;
}

const NEW_PRODUCT = { sku: 'NEW', name: 'x', quantity: 1 };

/** For each route: requests of store 2 that name what is store 1's. A new route has to be added. */
const ATTEMPTS: Record<string, (client: Client, theirs: Theirs) => Promise<Answer>[]> = {
  createProduct: (client, { productId, sku }) => [
    client.post('/api/products', { ...NEW_PRODUCT, parent_id: productId }),
    client.post('/api/products', { ...NEW_PRODUCT, parent_id: sku }),
  ],
  createProducts: (client, { productId }) => [
    client.post('/api/products/batch', { products: [{ ...NEW_PRODUCT, parent_id: productId }] }),
  ],
  // Answers 200 with what it does not find: shown below.
  validateProducts: () => [],
  listProducts: (client, { productId, sku }) => [
    client.get('/api/products'),
    client.get(`/api/products?ids=${productId}`),
    client.get(`/api/products?q=${sku}`),
    client.get('/api/products?sort=name'),
    client.get(`/api/products?sort=sku&cursor=${toCursor(productId)}`),
    client.get(`/api/products?sku=${sku}`),
    client.get(`/api/products?parent_id=${productId}`),
    client.get(`/api/products?parent_id=${sku}`),
  ],
  getProduct: (client, { productId, sku }) => [
    client.get(`/api/products/${productId}`),
    client.get(`/api/products/${sku}`),
  ],
  updateProduct: (client, { productId, sku }) => [
    client.patch(`/api/products/${productId}`, { name: 'mine' }),
    client.patch(`/api/products/${productId}`, { name: 'mine' }, { 'If-Match': '"1"' }),
    client.patch(`/api/products/${sku}`, { name: 'mine' }),
  ],
  publishProduct: (client, { productId }) => [client.post(`/api/products/${productId}/publish`)],
  unpublishProduct: (client, { productId }) => [
    client.post(`/api/products/${productId}/unpublish`),
  ],
  getAvailability: (client, { productId }) => [
    client.get(`/api/products/${productId}/availability`),
  ],
  listMovements: (client, { productId, sku }) => [
    client.get(`/api/products/${productId}/movements`),
    client.get(`/api/products/${productId}/movements?kind=open`),
    client.get(`/api/products/${sku}/movements`),
  ],
  createRental: (client, { productId, sku }) => [
    client.post('/api/rentals', { product_id: productId }),
    client.post('/api/rentals', { product_id: productId, quantity: 1_000_000 }),
    client.post('/api/rentals', { product_id: sku }),
  ],
  listRentals: (client, { productId, sku }) => [
    client.get('/api/rentals'),
    client.get('/api/rentals?user_id=ann'),
    client.get(`/api/rentals?product_id=${productId}`),
    client.get(`/api/rentals?product_id=${sku}`),
  ],
  getRental: (client, { rentalId }) => [client.get(`/api/rentals/${rentalId}`)],
  cancelRental: (client, { rentalId }) => [client.post(`/api/rentals/${rentalId}/cancel`)],
  completeRental: (client, { rentalId }) => [client.post(`/api/rentals/${rentalId}/complete`)],
  reserveStock: (client, { productId, sku }) => [
    client.post('/api/stock/reserve', { product_id: productId, quantity: 1, user_id: 'ann' }),
    client.post('/api/stock/reserve', { product_id: sku, quantity: 1, user_id: 'ann' }),
  ],
  releaseStock: (client, { productId, sku }) => [
    client.post('/api/stock/release', { product_id: productId, quantity: 1, user_id: 'ann' }),
    client.post('/api/stock/release', { product_id: sku, quantity: 1, user_id: 'ann' }),
  ],
  purchaseStock: (client, { productId, sku }) =>
    [productId, sku].map((product_id) =>
      client.post('/api/stock/purchase', { user_id: 'ann', items: [{ product_id, quantity: 1 }] }),
    ),
  getStock: (client, { productId, sku }) => [
    client.get(`/api/stock/${productId}`),
    client.get(`/api/stock/${sku}`),
  ],
  addToCart: (client, { productId, sku }) => [
    client.post('/api/cart/add', { product_id: productId, quantity: 1, user_id: 'ann' }),
    client.post('/api/cart/add', { product_id: sku, quantity: 1, decrease_stock: false }),
  ],
  removeFromCart: (client, { productId, sku }) => [
    client.delete('/api/cart/remove', { product_id: productId, user_id: 'ann' }),
    client.delete('/api/cart/remove', { product_id: sku, user_id: 'ann' }),
  ],
  getCart: (client) => [client.get('/api/cart/ann')],
  listSyncRuns: (client) => [client.get('/api/products/sync-quantities/status')],
  syncQuantity: (client, { productId, sku }) => [
    client.post(`/api/products/${productId}/sync-quantity`),
    client.post(`/api/products/${sku}/sync-quantity?dry_run=true`),
  ],
  checkInventory: (client, { productId, sku, checkout }) => [
    client.get(`/api/inventory/check/${productId}`),
    client.get(`/api/inventory/check/${sku}?reservationId=${checkout}`),
  ],
  // Answers 200 with what it does not find: shown below.
  validateInventory: () => [],
  listLowStock: (client) => [
    client.get('/api/inventory/alerts/low-stock'),
    client.get('/api/inventory/alerts/low-stock?threshold=1000'),
  ],
  getProductInventory: (client, { productId, sku }) => [
    client.get(`/api/inventory/product/${productId}`),
    client.get(`/api/inventory/product/${sku}`),
  ],
  reserveInventory: (client, { productId, sku, checkout: reservationId }) =>
    [productId, sku].map((variantId) => {
      const reservations = [{ variantId, quantity: 1, reservationId }];
      return client.post('/api/inventory/reserve', { reservations });
    }),
  confirmSale: (client, { productId, sku, checkout: reservationId }) =>
    [{ variantId: productId }, { variantId: productId, reservationId }, { variantId: sku }].map(
      (named) => {
        const updates = [{ ...named, quantity: 1, reason: 'mine' }];
        return client.post('/api/inventory/confirm-sale', { updates });
      },
    ),
  releaseInventory: (client, { checkout: reservationId }) => [
    client.post('/api/inventory/release', { reservationId }),
  ],
  restockInventory: (client, { productId, sku }) =>
    [productId, sku].map((variantId) => {
      const updates = [{ variantId, quantity: 1, reason: 'mine' }];
      return client.post('/api/inventory/restock', { updates });
    }),
  adjustInventory: (client, { productId, sku }) =>
    [productId, sku].map((variantId) => {
      const updates = [{ variantId, quantity: 1, reason: 'mine' }];
      return client.put('/api/inventory/adjust', { updates });
    }),
  listInventoryLogs: (client, { productId, sku }) => [
    client.get(`/api/inventory/logs/${productId}`),
    client.get(`/api/inventory/logs/${sku}?changeType=RESTOCK`),
  ],
  // Names nothing; that it leaves the drift of others alone is shown below.
  syncQuantities: () => [],
  createReservation: (client, { productId, sku, cartId }) => [
    client.post('/api/reservations', { cartId, resellerProductId: productId, quantity: 1 }),
    client.post('/api/reservations', { cartId, resellerProductId: sku, quantity: 1 }),
  ],
  listReservations: (client, { productId, sku, cartId }) => [
    client.get('/api/reservations'),
    client.get('/api/reservations?status=reserved'),
    client.get(`/api/reservations?resellerProductId=${productId}`),
    client.get(`/api/reservations?resellerProductId=${sku}`),
    client.get(`/api/reservations?cartId=${cartId}`),
  ],
  getReservableStock: (client, { productId, sku, cartId }) => [
    client.get(`/api/reservations/stock/${productId}`),
    client.get(`/api/reservations/stock/${sku}?cartId=${cartId}`),
  ],
  getCartReservations: (client, { cartId }) => [client.get(`/api/reservations/cart/${cartId}`)],
  confirmCart: (client, { cartId }) => [
    client.post(`/api/reservations/cart/${cartId}/confirm`, { orderId: 'O' }),
  ],
  releaseCart: (client, { cartId }) => [client.delete(`/api/reservations/cart/${cartId}`)],
  cleanUpReservations: (client) => [client.post('/api/reservations/cleanup')],
  getReservation: (client, { reservationId }) => [client.get(`/api/reservations/${reservationId}`)],
  extendReservation: (client, { reservationId }) => [
    client.patch(`/api/reservations/${reservationId}/extend`, { additionalMinutes: 1 }),
  ],
  confirmReservation: (client, { reservationId }) => [
    client.post(`/api/reservations/${reservationId}/confirm`, { orderId: 'O' }),
  ],
  releaseReservation: (client, { reservationId }) => [
    client.delete(`/api/reservations/${reservationId}`),
  ],
  listAudit: (client, { productId, sku, reservationId }) => [
    client.get('/api/audit'),
    client.get('/api/audit?action=RESERVATION_CREATED'),
    client.get(`/api/audit?resellerProductId=${productId}`),
    client.get(`/api/audit?resellerProductId=${sku}`),
    client.get(`/api/audit?reservationId=${reservationId}`),
  ],
  createPaymentIntent: (client, { productId, sku, cartId }) =>
    [productId, sku].map((named) => {
      const items = [{ productId: named, quantity: 1, unitAmount: 5 }];
      return client.post('/api/checkout/create-payment-intent', { cartId, items, currency: 'EUR' });
    }),
  createCheckoutSession: (client, { productId, sku, cartId }) =>
    [productId, sku].map((named) => {
      const items = [{ productId: named, quantity: 1 }];
      return client.post('/api/checkout/create-session', { cartId, items, ...RETURN_URLS });
    }),
  listOrders: (client) => [
    client.get('/api/orders'),
    client.get('/api/orders?status=pending&limit=200'),
  ],
  getOrder: (client, { orderId }) => [client.get(`/api/orders/${orderId}`)],
  cancelOrder: (client, { orderId }) => [
    client.post(`/api/orders/${orderId}/cancel`),
    client.post(`/api/orders/${orderId}/cancel`, { reason: 'mine' }),
  ],
  getReportSummary: (client) => [client.get('/api/reports/summary')],
  listReportProducts: (client) => [client.get('/api/reports/products')],
  getReportLevels: (client, { productId, sku }) => [
    client.get('/api/reports/levels'),
    client.get(`/api/reports/levels?productId=${productId}`),
    client.get(`/api/reports/levels?productId=${sku}`),
  ],
  listUnusualChanges: (client) => [client.get('/api/reports/unusual')],
  getStockAdvice: (client) => [client.get(`/api/reports/stock-advice?month=${thisMonth()}`)],
  listReportSuppliers: (client) => [client.get('/api/reports/suppliers')],
  listReports: (client) => [client.get('/api/reports')],
  getReport: (client, { reportId }) => [client.get(`/api/reports/${reportId}`)],
  createWebhookEndpoint: () => [],
  listWebhookEndpoints: (client) => [client.get('/api/webhook-endpoints')],
  getWebhookEndpoint: (client, { hookId }) => [client.get(`/api/webhook-endpoints/${hookId}`)],
  updateWebhookEndpoint: (client, { hookId }) => [
    client.patch(`/api/webhook-endpoints/${hookId}`, { enabled: false }),
    client.patch(`/api/webhook-endpoints/${hookId}`, { rotateSecret: true }),
  ],
  deleteWebhookEndpoint: (client, { hookId }) => [
    client.delete(`/api/webhook-endpoints/${hookId}`),
  ],
  listWebhookDeliveries: (client, { hookId }) => [
    client.get(`/api/webhook-endpoints/${hookId}/deliveries`),
  ],
  retryWebhookDelivery: (client, { hookId, deliveryId }) => [
    client.post(`/api/webhook-endpoints/${hookId}/deliveries/${deliveryId}/retry`),
  ],
  // Tell of the caller, and of its store: shown below.
  getSession: () => [],
  getOverview: () => [],
  createApiKey: () => [],
  // It is for the caller's own store; that the stream tells nothing of another: events/stream.
  createEventTicket: () => [],
  listApiKeys: (client) => [client.get('/api/api-keys')],
  revokeApiKey: (client, { apiKeyId }) => [client.delete(`/api/api-keys/${apiKeyId}`)],
};

/** Whether an answer tells of nothing: no rows but of zeros, counts of 0, and what was asked for. */
const tellsOfNothing = (body: Record<string, unknown>): boolean =>
  Object.entries(body).every(
    ([name, value]) =>
      ASKED.includes(name) ||
      value === null ||
      value === 0 ||
      (typeof value === 'object' && tellsOfNothing(value as Record<string, unknown>)),
  );
const ASKED = ['cartId', 'user_id', 'from', 'to', 'at', 'stepSeconds', 'hasMore'];
const thisMonth = () => new Date().toISOString().slice(0, 7);

describe.each(DATABASES)('one store from another on %s', (kind) => {
  let service: Service;
  let theirs: Theirs;
  let intruder: Client;
  let stripe: StripeServer;

  beforeAll(async () => {
    stripe = await startStripe();
    service = await startService(kind, paymentSettings(stripe));
    intruder = service.client({ storeId: 2 });
    const owner = service.client();
    const product = { sku: 'THEIRS', name: 'x', quantity: 5, publish: true };
    const { id, sku } = (await owner.post('/api/products', product)).body;
    const rental = { product_id: id, user_id: 'ann' };
    const hold = { cartId: 'basket', resellerProductId: id, quantity: 1, expiresInMinutes: 0.001 };
    const due = await owner.post('/api/reservations', { ...hold, cartId: 'left behind' });
    expect(due.status).toBe(201);
    const held = await owner.post('/api/reservations', { ...hold, expiresInMinutes: 15 });
    await owner.post('/api/cart/add', { ...rental, quantity: 1, decrease_stock: false });
    await owner.post('/api/products/sync-quantities');
    const line = { variantId: id, quantity: 1, reservationId: 'theirs' };
    const reserved = await owner.post('/api/inventory/reserve', { reservations: [line] });
    expect(reserved.status).toBe(200);
    const order = await owner.post('/api/checkout/create-payment-intent', {
      cartId: 'paid for',
      currency: 'EUR',
      items: [{ productId: id, quantity: 1, unitAmount: 5 }],
    });
    expect(order.status).toBe(201);
    await owner.post('/api/rentals', { product_id: id, quantity: 100 });
    const hook = { url: 'https://receiver.invalid/hook', events: ['webhook_endpoint.disabled'] };
    const { id: endpointId } = (await owner.post('/api/webhook-endpoints', hook)).body;
    const delivery = { id: newId(), storeId: 1, endpointId, eventId: 1, type: 'drift.found' };
    await insertDeliveries(service.rows, [{ ...delivery, productId: null, payload: '{}' }]);
    theirs = {
      hookId: endpointId,
      deliveryId: delivery.id,
      orderId: order.body.orderId,
      reportId: (await service.app.core.keptReports.make(1, 'low_stock')).id,
      productId: id,
      sku,
      reservationId: held.body.id,
      cartId: held.body.cartId,
      rentalId: (await owner.post('/api/rentals', rental)).body.id,
      checkout: line.reservationId,
      apiKeyId: (await owner.post('/api/api-keys', { name: 'k', role: 'admin' })).body.id,
    };
  });
  afterAll(async () => {
    await service.stop();
    await stripe.close();
  });

  it('is tried on every route', () => {
    const routes = SURFACES.flatMap((surface) => surface.endpoints.map((e) => e.operationId));
    expect(Object.keys(ATTEMPTS).sort()).toEqual(routes.sort());
  });

  it.each(Object.keys(ATTEMPTS))(
    '%s: 404, or a list without it, and nothing changes',
    async (name) => {
      const before = await tableCounts(service.rows);
      const answers = await Promise.all(ATTEMPTS[name]?.(intruder, theirs) ?? []);
      for (const { status, body } of answers) {
        if (status === 200) expect(tellsOfNothing(body)).toBe(true);
        else expect(status).toBe(404);
      }
      expect(await tableCounts(service.rows)).toEqual(before);
    },
  );

  it('a customer of the same name in another store sees nothing either', async () => {
    const ann = service.client({ storeId: 2, sub: 'ann', role: 'customer' });
    expect((await ann.get('/api/rentals')).body.data).toEqual([]);
    expect((await ann.get(`/api/rentals/${theirs.rentalId}`)).status).toBe(404);
    expect((await ann.post(`/api/rentals/${theirs.rentalId}/cancel`)).status).toBe(404);
  });

  it('a list that is validated says nothing of what is elsewhere', async () => {
    const { productId, sku, checkout } = theirs;
    const items = [productId, sku].map((named) => ({ productId: named, quantity: 1 }));
    const { body } = await intruder.post('/api/inventory/validate', {
      items,
      cartId: `checkout:${checkout}`,
    });
    const nothing = { productTitle: null, code: 'product_not_found', available: 0 };
    expect(body).toMatchObject({ isValid: false, errors: [nothing, nothing] });
  });

  it('products that are checked are checked against those of their own store', async () => {
    const { productId, sku } = theirs;
    const named = { sku, name: 'x', quantity: 1, parent_id: productId };
    const { body } = await intruder.post('/api/products/validate', { products: [named] });
    expect(body.errors).toEqual([
      expect.objectContaining({ field: 'parent_id', code: 'product_not_found' }),
    ]);
  });

  it('an overview and a session are of their own store', async () => {
    expect((await intruder.get('/api/session')).body).toMatchObject({ store_id: 2 });
    const { body } = await intruder.get('/api/overview');
    const { activity, ...figures } = body;
    expect(figures).toMatchObject({
      products: { draft: 0, available: 0, rented_out: 0 },
      units: { quantity: 0, quantity_available: 0, quantity_reserved: 0, quantity_rented: 0 },
      ...{ low_products: 0, empty_products: 0, overdue_rentals: 0 },
    });
    const counts = activity.flatMap(
      ({ at: _, refusals: __, ...each }: object & { at: string; refusals: number }) =>
        Object.values(each),
    );
    expect(new Set(counts)).toEqual(new Set([0]));
  });

  it('a sync neither sees nor mends what is wrong elsewhere', async () => {
    const drift = `UPDATE products SET quantity_available = quantity_available + quantity_rented, quantity_rented = 0 WHERE id = ${theirs.productId}`;
    await service.rows.run(drift);
    const { body } = await intruder.post('/api/products/sync-quantities');
    expect(body).toMatchObject({ total_products: 0, synced_products: 0, details: [] });
    const owner = service.client();
    const found = (await owner.post('/api/products/sync-quantities')).body;
    expect(found).toMatchObject({ total_products: 1, synced_products: 1 });
    const { run_id } = found;
    const runs = (await intruder.get('/api/products/sync-quantities/status')).body.data;
    expect(runs.map((run: { id: string }) => run.id)).not.toContain(run_id);
  });

  it('the same SKU may be had in both, and means each its own', async () => {
    const product = { sku: theirs.sku, name: 'mine', quantity: 9 };
    const { status, body } = await intruder.post('/api/products', product);
    expect(status).toBe(201);
    expect((await intruder.get(`/api/products/${theirs.sku}`)).body).toEqual(body);
    const owners = (await service.client().get(`/api/products/${theirs.sku}`)).body;
    expect(owners.id).toBe(theirs.productId);
  });
});
