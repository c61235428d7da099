import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.js';
import type { Database } from '../../src/persistence/database.js';
import { insertDeliveries } from '../../src/persistence/webhook-deliveries.js';
import { DATABASES } from '../helpers/databases.js';
import { tableCounts } from '../helpers/rows.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';
import { deliver, type StripeServer, startStripe } from '../helpers/stripe-server.js';
import { SURFACES } from '../helpers/surfaces.js';
import { paymentSettings, RETURN_URLS } from '../payments/setup.js';

const REPEATS = 20;
let made = 0;
const name = () => `ID-${++made}`;
const key = (text = name()) => ({ 'Idempotency-Key': text });
const isReplay = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

const productId = async (client: Client, fields: object = {}): Promise<number> => {
  const product = { sku: name(), name: 'x', quantity: 5, publish: true, ...fields };
  return (await client.post('/api/products', product)).body.id;
};
/** A line of a list for a product of its own, with whatever else it says. */
const lineFor = async (client: Client, fields: object) => ({
  variantId: await productId(client),
  quantity: 2,
  ...fields,
});
const rentalId = async (client: Client): Promise<string> =>
  (await client.post('/api/rentals', { product_id: await productId(client) })).body.id;

const reservation = async (client: Client): Promise<{ id: string; cartId: string }> => {
  const hold = { cartId: name(), resellerProductId: await productId(client), quantity: 2 };
  return (await client.post('/api/reservations', hold)).body;
};

/** What takes the payments, and where the service is that it tells of them. */
let stripe: StripeServer;
let serviceUrl: string;

const checkout = async (client: Client) => {
  const item = { productId: await productId(client), quantity: 2, unitAmount: 5 };
  return { cartId: name(), items: [item], currency: 'EUR' };
};

/** An endpoint that is never sent to in these tests: no such host. */
const HOOK = { url: 'https://receiver.invalid/hook', events: ['webhook_endpoint.disabled'] };

/** One request, ready to be sent with any headers. */
type Send = (headers: Record<string, string>) => Promise<Answer>;

/** Every route that writes: a request that is accepted, and the rows that it writes. */
const WRITES: Record<
  string,
  { prepare(client: Client, rows: Database): Promise<Send>; rows: object }
> = {
  createProduct: {
    rows: { products: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const product = { sku: name(), name: 'x', quantity: 5 };
      return (headers) => client.post('/api/products', product, headers);
    },
  },
  createProducts: {
    rows: { products: 2, movements: 2, versions: 2 },
    async prepare(client) {
      const products = [name(), name()].map((sku) => ({ sku, name: 'x', quantity: 5 }));
      products.push({ sku: products[0]?.sku ?? '', name: 'taken', quantity: 1 });
      return (headers) => client.post('/api/products/batch', { products }, headers);
    },
  },
  updateProduct: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const id = await productId(client);
      return (headers) => client.patch(`/api/products/${id}`, { quantity: 8 }, headers);
    },
  },
  publishProduct: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const id = await productId(client, { publish: false });
      return (headers) => client.post(`/api/products/${id}/publish`, undefined, headers);
    },
  },
  unpublishProduct: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const id = await productId(client);
      return (headers) => client.post(`/api/products/${id}/unpublish`, undefined, headers);
    },
  },
  createRental: {
    rows: { rentals: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const rental = { product_id: await productId(client), quantity: 2, user_id: 'ann' };
      return (headers) => client.post('/api/rentals', rental, headers);
    },
  },
  cancelRental: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const id = await rentalId(client);
      return (headers) => client.post(`/api/rentals/${id}/cancel`, { reason: 'rain' }, headers);
    },
  },
  completeRental: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const id = await rentalId(client);
      return (headers) => client.post(`/api/rentals/${id}/complete`, undefined, headers);
    },
  },
  reserveStock: {
    rows: { reservations: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const hold = { product_id: await productId(client), quantity: 2, user_id: name() };
      return (headers) => client.post('/api/stock/reserve', hold, headers);
    },
  },
  releaseStock: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const hold = { product_id: await productId(client), quantity: 3, user_id: name() };
      await client.post('/api/stock/reserve', hold);
      return (headers) => client.post('/api/stock/release', { ...hold, quantity: 1 }, headers);
    },
  },
  purchaseStock: {
    rows: { rentals: 2, movements: 3, versions: 3 },
    async prepare(client) {
      const held = { product_id: await productId(client), quantity: 2 };
      const user_id = name();
      await client.post('/api/stock/reserve', { ...held, quantity: 1, user_id });
      // No order_id: the one that is made has to be the same in every answer.
      const items = [held, { product_id: await productId(client), quantity: 1 }];
      return (headers) => client.post('/api/stock/purchase', { user_id, items }, headers);
    },
  },
  addToCart: {
    rows: { cart_items: 1, reservations: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const line = {
        product_id: await productId(client),
        quantity: 2,
        user_id: name(),
        price: 9.5,
      };
      return (headers) => client.post('/api/cart/add', line, headers);
    },
  },
  removeFromCart: {
    rows: { cart_items: -1, movements: 1, versions: 1 },
    async prepare(client) {
      const line = { product_id: await productId(client), user_id: name() };
      await client.post('/api/cart/add', { ...line, quantity: 2 });
      return (headers) => client.delete('/api/cart/remove', line, headers);
    },
  },
  syncQuantities: {
    rows: { sync_runs: 1, commits: 1 },
    async prepare(client) {
      return (headers) => client.post('/api/products/sync-quantities', undefined, headers);
    },
  },
  syncQuantity: {
    rows: { sync_runs: 1, commits: 1 },
    async prepare(client) {
      const id = await productId(client);
      return (headers) => client.post(`/api/products/${id}/sync-quantity`, undefined, headers);
    },
  },
  reserveInventory: {
    rows: { reservations: 2, movements: 2, versions: 2 },
    async prepare(client) {
      const reservationId = name();
      const reservations = [
        await lineFor(client, { reservationId }),
        await lineFor(client, { reservationId }),
      ];
      return (headers) => client.post('/api/inventory/reserve', { reservations }, headers);
    },
  },
  confirmSale: {
    rows: { rentals: 1, movements: 2, versions: 2 },
    async prepare(client) {
      const { variantId, ...rest } = await lineFor(client, { reservationId: name() });
      await client.post('/api/inventory/reserve', { reservations: [{ ...rest, variantId }] });
      const updates = [{ ...rest, variantId, quantity: 3, reason: 'Order #1' }];
      return (headers) => client.post('/api/inventory/confirm-sale', { updates }, headers);
    },
  },
  releaseInventory: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const reservationId = name();
      const reservations = [await lineFor(client, { reservationId })];
      await client.post('/api/inventory/reserve', { reservations });
      return (headers) => client.post('/api/inventory/release', { reservationId }, headers);
    },
  },
  restockInventory: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const updates = [await lineFor(client, { reason: 'bought' })];
      return (headers) => client.post('/api/inventory/restock', { updates }, headers);
    },
  },
  adjustInventory: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const updates = [await lineFor(client, { reason: 'counted' })];
      return (headers) => client.put('/api/inventory/adjust', { updates }, headers);
    },
  },
  createReservation: {
    rows: { reservations: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const hold = { cartId: name(), resellerProductId: await productId(client), quantity: 2 };
      return (headers) => client.post('/api/reservations', hold, headers);
    },
  },
  extendReservation: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const { id } = await reservation(client);
      const extension = { additionalMinutes: 5 };
      return (headers) => client.patch(`/api/reservations/${id}/extend`, extension, headers);
    },
  },
  confirmReservation: {
    rows: { rentals: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const { id } = await reservation(client);
      return (headers) =>
        client.post(`/api/reservations/${id}/confirm`, { orderId: 'O-1' }, headers);
    },
  },
  confirmCart: {
    rows: { rentals: 1, movements: 1, versions: 1 },
    async prepare(client) {
      const { cartId } = await reservation(client);
      const path = `/api/reservations/cart/${cartId}/confirm`;
      return (headers) => client.post(path, { orderId: 'O-2' }, headers);
    },
  },
  releaseReservation: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const { id } = await reservation(client);
      return (headers) => client.delete(`/api/reservations/${id}`, undefined, headers);
    },
  },
  releaseCart: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const { cartId } = await reservation(client);
      return (headers) => client.delete(`/api/reservations/cart/${cartId}`, undefined, headers);
    },
  },
  cleanUpReservations: {
    // Begun and finished, with one hold that is ended in between.
    rows: { movements: 1, versions: 1, commits: 2 },
    async prepare(client) {
      const resellerProductId = await productId(client);
      const hold = { cartId: name(), resellerProductId, quantity: 2, expiresInMinutes: 1e-6 };
      await client.post('/api/reservations', hold);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return (headers) => client.post('/api/reservations/cleanup', undefined, headers);
    },
  },
  createPaymentIntent: {
    // The order with its hold; then the payment is noted.
    rows: { orders: 1, reservations: 1, movements: 1, versions: 1, commits: 1 },
    async prepare(client) {
      const body = await checkout(client);
      return (headers) => client.post('/api/checkout/create-payment-intent', body, headers);
    },
  },
  createCheckoutSession: {
    rows: { orders: 1, reservations: 1, movements: 1, versions: 1, commits: 1 },
    async prepare(client) {
      const body = { ...(await checkout(client)), ...RETURN_URLS };
      return (headers) => client.post('/api/checkout/create-session', body, headers);
    },
  },
  cancelOrder: {
    rows: { movements: 1, versions: 1 },
    async prepare(client) {
      const path = '/api/checkout/create-payment-intent';
      const { orderId, paymentIntentId } = (await client.post(path, await checkout(client))).body;
      await deliver(serviceUrl, stripe.pay(paymentIntentId));
      return (headers) => client.post(`/api/orders/${orderId}/cancel`, undefined, headers);
    },
  },
  createEventTicket: {
    rows: { event_tickets: 1, commits: 1 },
    async prepare(client) {
      return (headers) => client.post('/api/events/ticket', undefined, headers);
    },
  },
  createWebhookEndpoint: {
    rows: { webhook_endpoints: 1, commits: 1 },
    async prepare(client) {
      return (headers) => client.post('/api/webhook-endpoints', HOOK, headers);
    },
  },
  updateWebhookEndpoint: {
    rows: { commits: 1 },
    async prepare(client) {
      const { id } = (await client.post('/api/webhook-endpoints', HOOK)).body;
      const changes = { enabled: false, rotateSecret: true };
      return (headers) => client.patch(`/api/webhook-endpoints/${id}`, changes, headers);
    },
  },
  deleteWebhookEndpoint: {
    rows: { webhook_endpoints: -1, commits: 1 },
    async prepare(client) {
      const { id } = (await client.post('/api/webhook-endpoints', HOOK)).body;
      return (headers) => client.delete(`/api/webhook-endpoints/${id}`, undefined, headers);
    },
  },
  retryWebhookDelivery: {
    rows: { commits: 1 },
    async prepare(client, rows) {
      const { id } = (await client.post('/api/webhook-endpoints', HOOK)).body;
      const delivery = { id: newId(), storeId: 1, endpointId: id, eventId: 1, type: 'drift.found' };
      await insertDeliveries(rows, [{ ...delivery, productId: null, payload: '{}' }]);
      const path = `/api/webhook-endpoints/${id}/deliveries/${delivery.id}/retry`;
      return (headers) => client.post(path, undefined, headers);
    },
  },
  createApiKey: {
    rows: { api_keys: 1, commits: 1 },
    async prepare(client) {
      const apiKey = { name: name(), role: 'service' };
      return (headers) => client.post('/api/api-keys', apiKey, headers);
    },
  },
  revokeApiKey: {
    rows: { commits: 1 },
    async prepare(client) {
      const { id } = (await client.post('/api/api-keys', { name: 'k', role: 'admin' })).body;
      return (headers) => client.delete(`/api/api-keys/${id}`, undefined, headers);
    },
  },
};

/** These answer a question that is too long for a path: they write nothing, and remember nothing. */
const QUESTIONS = ['validateInventory', 'validateProducts'];

describe.each(DATABASES)('an Idempotency-Key on %s', (kind) => {
  let service: Service;
  let admin: Client;
  beforeAll(async () => {
    stripe = await startStripe();
    service = await startService(kind, paymentSettings(stripe));
    serviceUrl = service.url;
    admin = service.client();
  });
  afterAll(async () => {
    await service.stop();
    await stripe.close();
  });

  /** Sends something, and returns its answer and the rows that it added. */
  async function added<T>(send: () => Promise<T>): Promise<{ answer: T; rows: object }> {
    const before = await tableCounts(service.rows);
    const answer = await send();
    const after = await tableCounts(service.rows);
    const changes = Object.entries(after).map(([table, n]) => [table, n - (before[table] ?? 0)]);
    return { answer, rows: Object.fromEntries(changes.filter(([, n]) => n !== 0)) };
  }

  it('is tried on every route that writes', () => {
    const writes = SURFACES.flatMap((surface) => surface.endpoints)
      .filter((endpoint) => endpoint.method !== 'get')
      .map((endpoint) => endpoint.operationId)
      .filter((operationId) => !QUESTIONS.includes(operationId));
    expect(Object.keys(WRITES).sort()).toEqual(writes.sort());
  });

  it.each(Object.entries(WRITES))(
    `%s: ${REPEATS} at once have one effect, and all get its answer`,
    async (_route, { prepare, rows }) => {
      const send = await prepare(admin, service.rows);
      const headers = key();
      const together = await added(() =>
        Promise.all(Array.from({ length: REPEATS }, () => send(headers))),
      );
      expect(together.rows).toEqual({ ...rows, idempotency_keys: 1 });
      const first = together.answer.filter((answer) => !isReplay(answer));
      expect(first).toHaveLength(1);
      const later = await added(() => send(headers));
      expect(later.rows).toEqual({});
      expect(isReplay(later.answer)).toBe(true);

      const [{ status, body, headers: said } = later.answer] = first;
      expect(status).toBeLessThan(300);
      for (const answer of [...together.answer.filter(isReplay), later.answer]) {
        expect(answer.status).toBe(status);
        // A secret is shown once.
        expect(answer.body).toEqual(withoutSecrets(body));
        expect(answer.headers.get('etag')).toBe(said.get('etag'));
      }
    },
  );

  it('may be used for one request alone: another body, query, path or method is 422', async () => {
    const id = await productId(admin);
    const headers = key();
    await admin.patch(`/api/products/${id}`, { quantity: 6 }, headers);
    const others = () =>
      Promise.all([
        admin.patch(`/api/products/${id}`, { quantity: 7 }, headers),
        admin.patch(`/api/products/${id}`, '{"quantity": 6}', headers),
        admin.post(`/api/products/${id}/unpublish`, undefined, headers),
        admin.post('/api/products', { sku: name(), name: 'x', quantity: 1 }, headers),
      ]);
    const { answer, rows } = await added(others);
    expect(rows).toEqual({});
    for (const { status, body } of answer) {
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    }
  });

  it('lets one of two bodies win that are sent at once', async () => {
    const id = await productId(admin);
    const headers = key();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        admin.post('/api/rentals', { product_id: id, quantity: 1 + (i % 2) }, headers),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(5);
    expect((await admin.get(`/api/rentals?product_id=${id}`)).body.data).toHaveLength(1);
  });

  it('belongs to one caller in one store', async () => {
    const headers = key();
    const send = async (who: object) => {
      const sku = `SAME-${made}`;
      const answer = await service
        .client(who)
        .post('/api/products', { sku, name: 'x', quantity: 1 }, headers);
      return [answer.status, isReplay(answer)];
    };
    expect(await send({})).toEqual([201, false]);
    expect(await send({})).toEqual([201, true]);
    expect(await send({ storeId: 2 })).toEqual([201, false]);
    expect(await send({ sub: 'somebody else' })).toEqual([409, false]);
  });

  it("gets its first answer also once the cart is somebody else's", async () => {
    const [ann, bob] = ['ann', 'bob'].map((sub) => service.client({ sub, role: 'customer' }));
    if (!ann || !bob) throw new Error('two customers were asked for');
    const hold = async (cartId: string, by: Client) => {
      const body = { cartId, resellerProductId: await productId(admin), quantity: 1 };
      return (await by.post('/api/reservations', body)).body.id;
    };
    const sends: ((cartId: string, id: string) => Send)[] = [
      (cartId) => (headers) =>
        ann.post(`/api/reservations/cart/${cartId}/confirm`, { orderId: 'O' }, headers),
      (cartId) => (headers) => ann.delete(`/api/reservations/cart/${cartId}`, undefined, headers),
      (_, id) => (headers) =>
        ann.post(`/api/reservations/${id}/confirm`, { orderId: 'O' }, headers),
      (_, id) => (headers) => ann.delete(`/api/reservations/${id}`, undefined, headers),
    ];
    for (const sendFor of sends) {
      const cartId = name();
      // Nobody's in particular, in a cart that she may touch as long as it is nobody else's.
      const send = sendFor(cartId, await hold(cartId, admin));
      const headers = key();
      const first = await send(headers);
      await hold(cartId, bob);
      const again = await send(headers);
      expect([first.status, again.status, isReplay(again)]).toEqual([200, 200, true]);
      expect(again.body).toEqual(first.body);
      expect((await send(key())).status).toBeGreaterThanOrEqual(403);
    }
  });

  it('remembers refusals that rest on what was there: 409 and 412', async () => {
    const id = await productId(admin, { quantity: 1 });
    const rent: Send = (headers) =>
      admin.post('/api/rentals', { product_id: id, quantity: 2 }, headers);
    const patch: Send = (headers) =>
      admin.patch(`/api/products/${id}`, { name: 'new' }, { ...headers, 'If-Match': '"9"' });
    const product = { sku: name(), name: 'x', quantity: 1 };
    await admin.post('/api/products', product);
    const take: Send = (headers) => admin.post('/api/products', product, headers);
    for (const [send, refusal] of [
      [rent, 409],
      [patch, 412],
      [take, 409],
    ] as const) {
      const headers = key();
      const first = await send(headers);
      expect([first.status, isReplay(first)]).toEqual([refusal, false]);
      await admin.patch(`/api/products/${id}`, { quantity: 50 });
      const again = await send(headers);
      expect([again.status, isReplay(again)]).toEqual([refusal, true]);
      expect(again.body).toEqual(first.body);
    }
  });

  it('forgets refusals that say the request was wrong: 404 and 422 may be sent again', async () => {
    const sku = name();
    const headers = key();
    const rent = (starts_at: string | null) =>
      admin.post('/api/rentals', { product_id: sku, starts_at }, headers);
    expect((await rent(null)).status).toBe(404);
    await admin.post('/api/products', { sku, name: 'x', quantity: 1, publish: true });
    expect((await rent('2999-01-01T00:00:00Z')).status).toBe(422);
    const byId = key();
    const cancel = () =>
      admin.post('/api/rentals/00000000-0000-7000-8000-000000000000/cancel', undefined, byId);
    expect((await cancel()).status).toBe(404);
    expect(isReplay(await cancel())).toBe(false);
    const done = await rent(null);
    expect([done.status, isReplay(done)]).toEqual([201, false]);
  });

  it.each([
    ['', 'empty'],
    ['k'.repeat(201), 'too long'],
  ])('"%.5s…" is no key: %s', async (text) => {
    const answer = await admin.post(
      '/api/products',
      { sku: name(), name: 'x', quantity: 1 },
      key(text),
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'malformed_request',
      detail: 'Idempotency-Key must have 1 to 200 characters.',
    });
  });

  it('may have 1 to 200 characters', async () => {
    for (const text of [`${++made % 10}`, 'k'.repeat(200)]) {
      const product = { sku: name(), name: 'x', quantity: 1 };
      expect((await admin.post('/api/products', product, key(text))).status).toBe(201);
    }
  });

  it('counts as never sent once its time is over, also before the row is gone', async () => {
    const headers = key();
    const id = await productId(admin, { quantity: 9 });
    const rent = (quantity: number) =>
      admin.post('/api/rentals', { product_id: id, quantity }, headers);
    const first = await rent(1);
    await service.rows.run("UPDATE idempotency_keys SET expires_at = '2020-01-01 00:00:00.000'");
    const { answer, rows } = await added(() =>
      Promise.all(Array.from({ length: REPEATS }, () => rent(2))),
    );
    // The row is replaced, so there are as many as before.
    expect(rows).toEqual({ rentals: 1, movements: 1, versions: 1 });
    expect(answer.filter((one) => !isReplay(one))).toHaveLength(1);
    expect(new Set(answer.map(({ body }) => body.id)).size).toBe(1);
    expect(answer[0]?.body.id).not.toBe(first.body.id);
  });

  it('is kept for IDEMPOTENCY_TTL_HOURS', async () => {
    const headers = key();
    await admin.post('/api/products', { sku: name(), name: 'x', quantity: 1 }, headers);
    const rows = await service.rows.select('SELECT created_at, expires_at FROM idempotency_keys');
    const times = rows.map((row) => [row['created_at'], row['expires_at']].map(toMs));
    expect(times.some(([from = 0, to = 0]) => to - from === 24 * 3_600_000)).toBe(true);
  });
});

function toMs(value: unknown): number {
  return value instanceof Date ? value.getTime() : Date.parse(`${value}Z`);
}

/** A body as a repeat shows it. */
function withoutSecrets(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const isSecret = (name: string) => ['key', 'ticket', 'secret', 'clientSecret'].includes(name);
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) => [field, isSecret(field) ? null : value]),
  );
}
