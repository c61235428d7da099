import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/app.js';
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.js';
import { createLogger } from '../../src/log.js';
import { DATABASES } from '../helpers/databases.js';
import {
  type Answer,
  type Client,
  clientOf,
  type Service,
  startService,
  testConfig,
  tokenFor,
} from '../helpers/service.js';
import { deliver, event } from '../helpers/stripe-server.js';

/** What a provoked problem is compared with: all of it but type, title, status and code. */
interface Provoked {
  readonly answer: Answer;
  readonly detail: unknown;
  /** where it happened; the path of the request, unless it is an id for the log */
  readonly instance: unknown;
  readonly facts?: Record<string, unknown>;
}

describe.each(DATABASES)('problems on %s', (kind) => {
  let service: Service;
  /** takes one request a minute of each caller, and lets one command wait */
  let tight: Service;
  let admin: Client;
  let made = 0;

  beforeAll(async () => {
    service = await startService(kind, {
      STRIPE_SECRET_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: 'whsec_1',
      // Nobody is there.
      STRIPE_API_BASE: 'http://127.0.0.1:1',
    });
    tight = await startService(kind, {
      RATE_LIMIT_PER_MINUTE: '1',
      BATCH_MAX: '1',
      MAILBOX_MAX: '1',
    });
    admin = service.client();
  });
  afterAll(() => Promise.all([service.stop(), tight.stop()]));

  async function makeProduct(fields: Record<string, unknown> = {}) {
    const sku = `P-${++made}`;
    const product = { sku, name: sku, quantity: 2, publish: true, ...fields };
    return (await admin.post('/api/products', product)).body;
  }

  /** Every code, provoked. One that is missing here does not compile. */
  const PROVOCATIONS: Record<ProblemCode, () => Promise<Provoked>> = {
    malformed_json: async () => ({
      answer: await admin.post('/api/products', '{"sku": "A",}'),
      detail: expect.stringMatching(/^The body is no JSON that can be accepted: .+\.$/),
      instance: '/api/products',
    }),
    malformed_request: async () => ({
      answer: await admin.get('/api/products?status=lost&limit=0'),
      detail: 'The query has fields that can not be accepted.',
      instance: '/api/products',
      facts: {
        errors: [
          { field: 'status', message: 'must be one of draft, available, rented_out' },
          { field: 'limit', message: 'must be a whole number from 1 to 200' },
        ],
      },
    }),
    unauthenticated: async () => ({
      answer: await clientOf(service.url, async () => 'nonsense').get('/api/products'),
      detail: 'The token is signed in a way that is not accepted here.',
      instance: '/api/products',
    }),
    forbidden: async () => ({
      answer: await service.client({ role: 'customer' }).post('/api/products', {}),
      detail: 'This needs the role admin or reseller or service.',
      instance: '/api/products',
    }),
    product_not_found: async () => ({
      answer: await admin.get('/api/products/NOBODY'),
      detail: 'There is no such product in this store.',
      instance: '/api/products/NOBODY',
    }),
    rental_not_found: async () => ({
      answer: await admin.post('/api/rentals/1/complete'),
      detail: 'There is no such rental.',
      instance: '/api/rentals/1/complete',
    }),
    reservation_not_found: async () => ({
      answer: await admin.post('/api/reservations/cart/empty/confirm', { orderId: 'O-1' }),
      detail: 'There is no such reservation.',
      instance: '/api/reservations/cart/empty/confirm',
    }),
    order_not_found: async () => ({
      answer: await admin.get('/api/orders/1'),
      detail: 'There is no such order.',
      instance: '/api/orders/1',
    }),
    invalid_signature: async () => {
      const { status, body } = await deliver(service.url, event('ping', {}));
      const headers = new Headers({ 'Content-Type': 'application/problem+json' });
      return {
        answer: { status, body, headers },
        detail:
          'The signature fits none of the secrets in STRIPE_WEBHOOK_SECRET, or is older than 5 minutes.',
        instance: '/api/webhooks/stripe',
      };
    },
    payment_provider_failed: async () => {
      const { id } = await makeProduct({ price_amount: 5, price_currency: 'EUR' });
      const checkout = { cartId: 'c', items: [{ productId: id, quantity: 1 }] };
      return {
        answer: await admin.post('/api/checkout/create-payment-intent', checkout),
        detail: expect.stringMatching(/^The payment provider did not answer, .+\.$/),
        instance: '/api/checkout/create-payment-intent',
        facts: { orderId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      };
    },
    payments_not_configured: async () => ({
      answer: await tight.client({ sub: 'buyer' }).post('/api/checkout/create-payment-intent', {
        cartId: 'c',
        items: [{ productId: 1, quantity: 1 }],
      }),
      detail:
        'Payments are not set up: STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are needed for them.',
      instance: '/api/checkout/create-payment-intent',
    }),
    cart_item_not_found: async () => {
      const { id: product_id } = await makeProduct();
      return {
        answer: await admin.delete('/api/cart/remove', { product_id, user_id: 'ann' }),
        detail: 'The cart has no such line.',
        instance: '/api/cart/remove',
      };
    },
    webhook_endpoint_not_found: async () => ({
      answer: await admin.get('/api/webhook-endpoints/1'),
      detail: 'There is no such webhook endpoint.',
      instance: '/api/webhook-endpoints/1',
    }),
    not_found: async () => ({
      answer: await admin.get('/api/nothing'),
      detail: 'There is nothing at /api/nothing. See /docs.',
      instance: '/api/nothing',
    }),
    method_not_allowed: async () => ({
      answer: await admin.put('/api/products', {}),
      detail: 'PUT is not possible here. Possible: GET, HEAD, POST.',
      instance: '/api/products',
    }),
    out_of_stock: async () => {
      const { id } = await makeProduct({ quantity: 0 });
      return {
        answer: await admin.post('/api/rentals', { product_id: id, quantity: 4 }),
        detail: 'The product is out of stock: no unit is free.',
        instance: '/api/rentals',
        facts: { available: 0, requested: 4 },
      };
    },
    insufficient_stock: async () => {
      const { id } = await makeProduct();
      return {
        answer: await admin.post('/api/rentals', { product_id: id, quantity: 4 }),
        detail: 'Only 2 left, and 4 were asked for.',
        instance: '/api/rentals',
        facts: { available: 2, requested: 4 },
      };
    },
    not_available: async () => {
      const { id } = await makeProduct({ publish: false });
      return {
        answer: await admin.post('/api/rentals', { product_id: id }),
        detail: 'The product is not available: it is not published.',
        instance: '/api/rentals',
        facts: { requested: 1 },
      };
    },
    invalid_transition: async () => {
      const { id: product_id } = await makeProduct();
      const { id } = (await admin.post('/api/rentals', { product_id })).body;
      await admin.post(`/api/rentals/${id}/complete`);
      return {
        answer: await admin.post(`/api/rentals/${id}/cancel`),
        detail: 'The rental is completed and can not be cancelled any more.',
        instance: `/api/rentals/${id}/cancel`,
        facts: { rental_status: 'completed', action: 'cancel' },
      };
    },
    reservation_expired: async () => {
      const { id: resellerProductId } = await makeProduct();
      const hold = { cartId: 'late', resellerProductId, quantity: 1, expiresInMinutes: 1e-6 };
      const { id: reservationId, expiresAt } = (await admin.post('/api/reservations', hold)).body;
      await new Promise((resolve) => setTimeout(resolve, 5));
      const detail = 'The hold has expired, and its units are free for everybody. Hold them anew.';
      const errors = [
        {
          reservationId,
          resellerProductId,
          expiredAt: expiresAt,
          code: 'reservation_expired',
          message: detail,
        },
      ];
      return {
        answer: await admin.post('/api/reservations/cart/late/confirm', { orderId: 'O-1' }),
        detail,
        instance: '/api/reservations/cart/late/confirm',
        facts: { errors },
      };
    },
    extension_limit_reached: async () => {
      const { id: resellerProductId } = await makeProduct();
      const hold = { cartId: 'long', resellerProductId, quantity: 1, expiresInMinutes: 1440 };
      const { id, expiresAt: limitAt } = (await admin.post('/api/reservations', hold)).body;
      return {
        answer: await admin.patch(`/api/reservations/${id}/extend`, { additionalMinutes: 0.1 }),
        detail: `The hold can not be extended beyond ${limitAt}: a hold lives no longer.`,
        instance: `/api/reservations/${id}/extend`,
        facts: { limitAt },
      };
    },
    hold_limit_reached: async () => {
      const { id: resellerProductId } = await makeProduct({ quantity: 51 });
      const greedy = service.client({ role: 'customer', sub: 'greedy' });
      const hold = (cartId: string) =>
        greedy.post('/api/reservations', { cartId, resellerProductId, quantity: 1 });
      for (let i = 0; i < 50; i++) await hold(`greedy ${i}`);
      return {
        answer: await hold('one more'),
        detail: 'A customer may have 50 holds at once. Give one back, or check out first.',
        instance: '/api/reservations',
        facts: { limit: 50 },
      };
    },
    webhook_endpoint_limit_reached: async () => {
      const register = (n: number) =>
        admin.post('/api/webhook-endpoints', { url: `https://example.com/${n}`, events: ['*'] });
      for (let n = 0; n < 20; n++) await register(n);
      const answer = await register(20);
      const { data } = (await admin.get('/api/webhook-endpoints')).body;
      for (const { id } of data) await admin.delete(`/api/webhook-endpoints/${id}`);
      return {
        answer,
        detail: 'A store may have 20 webhook endpoints. Delete one first.',
        instance: '/api/webhook-endpoints',
        facts: { limit: 20 },
      };
    },
    quantity_below_committed: async () => {
      const { id } = await makeProduct();
      await admin.post('/api/rentals', { product_id: id, quantity: 2 });
      return {
        answer: await admin.patch(`/api/products/${id}`, { quantity: 1 }),
        detail: '2 units are out or held, and 1 would not cover them.',
        instance: `/api/products/${id}`,
        facts: { committed: 2, requested: 1 },
      };
    },
    sku_taken: async () => {
      const { sku } = await makeProduct();
      return {
        answer: await admin.post('/api/products', { sku, name: 'x', quantity: 1 }),
        detail: `Another product of this store has the SKU ${sku}.`,
        instance: '/api/products',
        facts: { sku },
      };
    },
    idempotency_in_progress: async () => {
      const path = '/api/products/sync-quantities';
      const headers = { 'Idempotency-Key': 'a run' };
      const { run_id } = (await admin.post(path, undefined, headers)).body;
      // As if another copy of the service were at it.
      await service.rows.run(
        "UPDATE sync_runs SET finished_at = NULL, holder = 'another', " +
          `held_until = '2999-01-01 00:00:00.000' WHERE id = '${run_id}'`,
      );
      return {
        answer: await admin.post(path, undefined, headers),
        detail: 'Another copy of the service is still at this run. Send the request again later.',
        instance: path,
      };
    },
    version_mismatch: async () => {
      const { id } = await makeProduct();
      const headers = { 'If-Match': '"3"' };
      return {
        answer: await admin.post(`/api/products/${id}/publish`, undefined, headers),
        detail: 'The product is at version 1. Read it again and decide anew.',
        instance: `/api/products/${id}/publish`,
        facts: { version: 1 },
      };
    },
    body_too_large: async () => ({
      answer: await admin.post('/api/products', { sku: 'x'.repeat(300_000) }),
      detail: 'The body may have at most 262144 bytes.',
      instance: '/api/products',
    }),
    unsupported_media_type: async () => ({
      answer: await admin.post('/api/products', 'sku=A', { 'Content-Type': 'text/plain' }),
      detail: 'The body must be sent as Content-Type: application/json, in UTF-8.',
      instance: '/api/products',
    }),
    validation_failed: async () => ({
      answer: await admin.post('/api/products', { sku: '123', quantity: 1.5, name: ' x' }),
      detail: 'The body has fields that can not be accepted.',
      instance: '/api/products',
      facts: {
        errors: [
          {
            field: 'sku',
            message:
              'must not consist of up to ten digits and nothing else: that would be read as an id',
          },
          { field: 'name', message: 'must not begin or end with white space' },
          { field: 'quantity', message: 'must be a whole number' },
        ],
      },
    }),
    idempotency_key_reused: async () => {
      const headers = { 'Idempotency-Key': 'once' };
      await admin.post('/api/products', { sku: 'ONCE', name: 'x', quantity: 1 }, headers);
      return {
        answer: await admin.post(
          '/api/products',
          { sku: 'TWICE', name: 'x', quantity: 1 },
          headers,
        ),
        detail:
          'This Idempotency-Key was sent before with another request. Use a new key for a new request.',
        instance: '/api/products',
      };
    },
    rate_limited: async () => {
      await tight.client({ sub: 'eager' }).get('/api/products');
      return {
        answer: await tight.client({ sub: 'eager' }).get('/api/products'),
        detail: 'No more than 1 request a minute can be sent.',
        instance: '/api/products',
      };
    },
    internal: async () => {
      await service.rows.run('ALTER TABLE api_keys RENAME TO hidden');
      const answer = await admin.get('/api/api-keys');
      await service.rows.run('ALTER TABLE hidden RENAME TO api_keys');
      return {
        answer,
        detail: 'Something went wrong here. The log says what, under this instance.',
        instance: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
      };
    },
    overloaded: async () => {
      const product = { sku: 'BUSY', name: 'x', quantity: 9, publish: true };
      const { id } = (await tight.client({ sub: 'maker' }).post('/api/products', product)).body;
      // Somebody holds the row, so one command is in flight, one waits, and there is no more room.
      const holder = await tight.rows.begin();
      await holder.select(`SELECT id FROM products WHERE id = ${id}${holder.dialect.forUpdate}`);
      const three = ['a', 'b', 'c'].map((sub) =>
        tight.client({ sub }).post('/api/rentals', { product_id: id }),
      );
      const answer = await Promise.race(three);
      await holder.rollback();
      await Promise.all(three);
      return {
        answer,
        detail: 'Too much is waiting just now. Nothing was done.',
        instance: '/api/rentals',
      };
    },
    database_unavailable: async () => {
      const config = testConfig({ DATABASE_URL: 'mysql://nobody@127.0.0.1:1/nowhere' });
      const log = createLogger('silent');
      const app = createApp(config, { log, secret: config.jwtSecret });
      const started = app.start().catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      const answer = await clientOf(app.url, () => tokenFor()).get('/api/products');
      await app.stop();
      await started;
      return { answer, detail: 'The service is still starting.', instance: '/api/products' };
    },
  };

  it.each(Object.keys(PROBLEMS) as ProblemCode[])('%s', async (code) => {
    const { answer, detail, instance, facts } = await PROVOCATIONS[code]();
    const { status, title } = PROBLEMS[code];
    expect(answer.body).toEqual({
      type: `urn:problem:${code}`,
      title,
      status,
      detail,
      instance,
      code,
      ...facts,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

describe('the table of codes', () => {
  /** `409 | out_of_stock` and so on, from the contract */
  it('has the statuses of the contract', () => {
    const byStatus = new Map<number, string[]>();
    for (const [code, { status }] of Object.entries(PROBLEMS)) {
      byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
    }
    expect(Object.fromEntries(byStatus)).toEqual({
      400: ['malformed_json', 'malformed_request', 'invalid_signature'],
      401: ['unauthenticated'],
      403: ['forbidden'],
      404: [
        'product_not_found',
        'rental_not_found',
        'reservation_not_found',
        'order_not_found',
        'cart_item_not_found',
        'webhook_endpoint_not_found',
        'not_found',
      ],
      405: ['method_not_allowed'],
      409: [
        'out_of_stock',
        'insufficient_stock',
        'not_available',
        'invalid_transition',
        'reservation_expired',
        'extension_limit_reached',
        'hold_limit_reached',
        'webhook_endpoint_limit_reached',
        'quantity_below_committed',
        'sku_taken',
        'idempotency_in_progress',
      ],
      412: ['version_mismatch'],
      413: ['body_too_large'],
      415: ['unsupported_media_type'],
      422: ['validation_failed', 'idempotency_key_reused'],
      429: ['rate_limited'],
      500: ['internal'],
      502: ['payment_provider_failed'],
      503: ['overloaded', 'database_unavailable', 'payments_not_configured'],
    });
  });

  const readme = new URL('../../README.md', import.meta.url);
  (existsSync(readme) ? it : it.skip)('is the same in the README, both ways', () => {
    const rows = readFileSync(readme, 'utf8').matchAll(/^\|\s*(\d{3})\s*\|(.+?)\|/gm);
    const listed = [...rows].flatMap(([, status, codes = '']) =>
      [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code]) => `${status} ${code}`),
    );
    const known = Object.entries(PROBLEMS).map(([code, { status }]) => `${status} ${code}`);
    expect(listed.sort()).toEqual(known.sort());
  });
});
