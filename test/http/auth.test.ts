import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { ROLES, type Role } from '../../src/domain/api-key.js';
import { DATABASES } from '../helpers/databases.js';
import { type Answer, SECRET, type Service, startService, tokenFor } from '../helpers/service.js';
import { SURFACES } from '../helpers/surfaces.js';

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const CLAIMS = { sub: 'admin', role: 'admin', store_id: 1 };

/** A token with any claims, signed in any way; one that leaves `exp` out gets one. */
function sign(
  claims: Record<string, unknown> = {},
  {
    alg = 'HS256',
    key = new TextEncoder().encode(SECRET) as Uint8Array | KeyObject,
    kid = 'k',
  } = {},
): Promise<string> {
  return new SignJWT({ exp: inAnHour(), ...CLAIMS, ...claims })
    .setProtectedHeader({ alg, kid })
    .sign(key);
}

/** What the service says to a request with these headers: status, code and detail. */
async function ask(url: string, headers: Record<string, string>, path = '/api/products?limit=1') {
  const response = await fetch(`${url}${path}`, { headers });
  const body = (await response.json()) as { code?: string; detail?: string };
  return { ...body, status: response.status, headers: response.headers };
}
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

describe.each(DATABASES)('authentication on %s', (kind) => {
  let service: Service;
  let url: string;
  beforeAll(async () => {
    service = await startService(kind);
    url = service.url;
  });
  afterAll(() => service.stop());

  describe('401: nobody knows who asks', () => {
    const cases: [what: string, headers: () => Promise<Record<string, string>>, detail: RegExp][] =
      [
        [
          'no token',
          async () => ({}),
          /Send "Authorization: Bearer <token>" or "X-Api-Key: <key>"/,
        ],
        ['no bearer', async () => ({ Authorization: 'Basic YTpi' }), /must be "Bearer <token>"/],
        ['an empty bearer', async () => ({ Authorization: 'Bearer ' }), /must be "Bearer <token>"/],
        ['garbage', async () => bearer('garbage'), /not accepted here/],
        ['dots', async () => bearer('..'), /not accepted here/],
        [
          'another secret',
          async () => bearer(await sign({}, { key: new TextEncoder().encode('x'.repeat(32)) })),
          /not valid/,
        ],
        ['an altered token', async () => bearer(`${await sign()}A`), /not valid/],
        [
          'alg none',
          async () => bearer(new UnsecuredJWT({ ...CLAIMS, exp: inAnHour() }).encode()),
          /not accepted here/,
        ],
        [
          'another HMAC',
          async () => bearer(await sign({}, { alg: 'HS512', key: Buffer.alloc(64, SECRET) })),
          /not accepted here/,
        ],
        ['an expired token', async () => bearer(await tokenFor({}, -60)), /has expired/],
        ['no exp', async () => bearer(await sign({ exp: undefined })), /"exp" is missing or wrong/],
        ['exp as text', async () => bearer(await sign({ exp: '9999999999' })), /"exp"/],
        ['not yet valid', async () => bearer(await sign({ nbf: inAnHour() })), /"nbf"/],
        ['no sub', async () => bearer(await sign({ sub: undefined })), /"sub" is missing or wrong/],
        ['an empty sub', async () => bearer(await sign({ sub: '' })), /"sub" must be one line/],
        ['a long sub', async () => bearer(await sign({ sub: 's'.repeat(201) })), /"sub" must be/],
        ['a NUL in sub', async () => bearer(await sign({ sub: 'a\0b' })), /"sub" must be/],
        ['a list as sub', async () => bearer(await sign({ sub: ['a'] })), /"sub" must be/],
        ...[0, -1, 1.5, '1', null, [1], {}, 2 ** 60].map(
          (id): [string, () => Promise<Record<string, string>>, RegExp] => [
            `store_id ${JSON.stringify(id)}`,
            async () => bearer(await sign({ store_id: id })),
            /must be positive integers/,
          ],
        ),
        [
          'store_ids that is no list',
          async () => bearer(await sign({ store_ids: 'all' })),
          /must be positive integers/,
        ],
        [
          'store_ids with text',
          async () => bearer(await sign({ store_ids: [1, '2'] })),
          /must be positive integers/,
        ],
        ['an unknown API key', async () => ({ 'X-Api-Key': `${'0'.repeat(36)}.abc` }), /not known/],
        ['garbage as API key', async () => ({ 'X-Api-Key': "é' OR 1=1" }), /not known/],
        ['an empty API key', async () => ({ 'X-Api-Key': '' }), /not known/],
      ];

    it.each(cases)('%s', async (_what, headers, detail) => {
      const answer = await ask(url, await headers());
      expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
      expect(answer.detail).toMatch(detail);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    });

    it('a good token with a foreign signature part', async () => {
      const [head, payload] = (await sign()).split('.');
      const signature = createHmac('sha256', 'wrong')
        .update(`${head}.${payload}`)
        .digest('base64url');
      const answer = await ask(url, bearer(`${head}.${payload}.${signature}`));
      expect(answer).toMatchObject({ status: 401, detail: 'The token is not valid.' });
    });

    it('a token that was good until a moment ago', async () => {
      // `exp` has whole seconds: it is good for one at least, and for two at most.
      const token = await tokenFor({}, 2);
      expect((await ask(url, bearer(token))).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 2100));
      expect(await ask(url, bearer(token))).toMatchObject({
        status: 401,
        detail: 'The token has expired.',
      });
    });
  });

  describe('403: known, and not allowed', () => {
    const cases: [what: string, claims: object, headers: object, detail: string][] = [
      ['no role', { role: undefined }, {}, 'must be one of admin, reseller, customer, service'],
      ['an unknown role', { role: 'root' }, {}, 'must be one of admin'],
      ['a role that every object has', { role: 'constructor' }, {}, 'must be one of admin'],
      ['no store', { store_id: undefined }, {}, 'names no store'],
      ['no stores', { store_id: undefined, store_ids: [] }, {}, 'names no store'],
      [
        'several stores and none named',
        { store_id: undefined, store_ids: [1, 2] },
        {},
        'name one in X-Store-Id',
      ],
      ['another store', { store_ids: [2] }, { 'X-Store-Id': '3' }, 'not for store 3'],
    ];

    it.each(cases)('%s', async (_what, claims, headers, detail) => {
      const token = await sign({ ...claims });
      const answer = await ask(url, { ...bearer(token), ...headers });
      expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
      expect(answer.detail).toContain(detail);
    });
  });

  describe('a token', () => {
    it('may name its user by number, which is the same as by text', async () => {
      const token = await sign({ sub: 42, role: 'customer' });
      const product = { sku: 'N', name: 'N', quantity: 1, publish: true };
      const { id } = (await service.client().post('/api/products', product)).body;
      const response = await fetch(`${url}/api/rentals`, {
        method: 'POST',
        headers: { ...bearer(token), 'Content-Type': 'application/json' },
        body: JSON.stringify({ product_id: id }),
      });
      expect(await response.json()).toMatchObject({ user_id: '42' });
    });

    it.each([
      ['its only store', { store_id: 5 }, undefined, 5],
      ['the only one of its list', { store_id: undefined, store_ids: [6] }, undefined, 6],
      ['its own, where it has others too', { store_id: 5, store_ids: [6, 7] }, undefined, 5],
      ['the one that X-Store-Id names', { store_id: 5, store_ids: [6, 7] }, '7', 7],
    ])('acts in %s', async (_what, claims, named, storeId) => {
      const headers = { ...bearer(await sign(claims)), ...(named ? { 'X-Store-Id': named } : {}) };
      const response = await fetch(`${url}/api/products`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ sku: `S-${_what}`, name: 'x', quantity: 1 }),
      });
      expect(await response.json()).toMatchObject({ store_id: storeId });
    });

    it.each(['x', '0', '-1', '01', '1.0', '1, 2', ''])('X-Store-Id "%s" is 400', async (named) => {
      const headers = { ...bearer(await sign()), 'X-Store-Id': named };
      expect(await ask(url, headers)).toMatchObject({ status: 400, code: 'malformed_request' });
    });
  });

  describe('API keys', () => {
    const call = async (
      key: string,
      method: string,
      path: string,
      body?: object,
    ): Promise<Pick<Answer, 'status' | 'body'>> => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { 'X-Api-Key': key, 'Content-Type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return { status: response.status, body: await response.json() };
    };

    it('are shown once, open what their role may do, and are kept as a hash', async () => {
      const admin = service.client();
      const made = await admin.post('/api/api-keys', { name: 'back end', role: 'reseller' });
      expect(made.status).toBe(201);
      const { key, ...shown } = made.body;
      expect(shown).toEqual({
        id: expect.any(String),
        name: 'back end',
        role: 'reseller',
        store_id: 1,
        created_at: expect.any(String),
      });
      const listed = (await admin.get('/api/api-keys')).body.data;
      expect(listed.find((one: { id: string }) => one.id === shown.id)).toEqual(shown);
      const [row] = await service.rows.select(`SELECT * FROM api_keys WHERE id = '${shown.id}'`);
      expect(JSON.stringify(row)).not.toContain(key.split('.')[1]);

      const product = { sku: 'BY-KEY', name: 'x', quantity: 1 };
      const answer = await call(key, 'POST', '/api/products', product);
      expect(answer).toMatchObject({ status: 201, body: { store_id: 1 } });
      const ledger = await call(key, 'GET', '/api/products/BY-KEY/movements');
      expect(ledger.body.data[0].actor).toBe(`key:${shown.id}`);
      expect((await call(key, 'GET', '/api/api-keys')).status).toBe(403);
      expect(await call(`${key}A`, 'GET', '/api/products')).toMatchObject({ status: 401 });
    });

    it('open nothing in another store', async () => {
      const { key } = (await service.client().post('/api/api-keys', { name: 'one', role: 'admin' }))
        .body;
      expect(await ask(url, { 'X-Api-Key': key, 'X-Store-Id': '2' })).toMatchObject({
        status: 403,
      });
    });

    it('open nothing once they are revoked, which works once', async () => {
      const admin = service.client();
      const { id, key } = (await admin.post('/api/api-keys', { name: 'k', role: 'admin' })).body;
      expect((await call(key, 'GET', '/api/products?limit=1')).status).toBe(200);
      expect((await admin.delete(`/api/api-keys/${id}`)).status).toBe(204);
      expect((await call(key, 'GET', '/api/products?limit=1')).status).toBe(401);
      expect((await admin.delete(`/api/api-keys/${id}`)).status).toBe(404);
      const listed = (await admin.get('/api/api-keys?limit=200')).body.data;
      expect(listed.map((one: { id: string }) => one.id)).not.toContain(id);
    });

    it.each(['unknown', 'é', '%27', '00000000-0000-7000-8000-000000000000'])(
      'revoking %s is 404',
      async (id) => {
        const { status, body } = await service.client().delete(`/api/api-keys/${id}`);
        expect({ status, code: body.code }).toEqual({ status: 404, code: 'not_found' });
      },
    );

    it('are listed newest first, page by page', async () => {
      const admin = service.client({ storeId: 77 });
      const ids: string[] = [];
      for (const name of ['a', 'b', 'c']) {
        ids.unshift((await admin.post('/api/api-keys', { name, role: 'service' })).body.id);
      }
      const first = (await admin.get('/api/api-keys?limit=2')).body;
      const second = (await admin.get(`/api/api-keys?limit=2&cursor=${first.next_cursor}`)).body;
      const listed = [...first.data, ...second.data].map((key: { id: string }) => key.id);
      expect(listed).toEqual(ids);
      expect(second.next_cursor).toBeNull();
    });
  });

  describe('roles', () => {
    const back: readonly Role[] = ['admin', 'reseller', 'service'];
    /** who may call each route, as the contract says */
    const ALLOWED: Readonly<Record<string, readonly Role[]>> = {
      createProduct: back,
      createProducts: back,
      validateProducts: back,
      listProducts: ROLES,
      getProduct: ROLES,
      updateProduct: back,
      publishProduct: back,
      unpublishProduct: back,
      getAvailability: ROLES,
      listMovements: back,
      createRental: ROLES,
      createPaymentIntent: ROLES,
      createCheckoutSession: ROLES,
      listOrders: ROLES,
      getOrder: ROLES,
      cancelOrder: ['admin', 'service'],
      listRentals: ROLES,
      getRental: ROLES,
      cancelRental: ROLES,
      completeRental: back,
      reserveStock: ROLES,
      releaseStock: ROLES,
      purchaseStock: ROLES,
      getStock: ROLES,
      addToCart: ROLES,
      removeFromCart: ROLES,
      getCart: ROLES,
      syncQuantities: ['admin'],
      syncQuantity: ['admin'],
      listSyncRuns: ['admin'],
      checkInventory: ROLES,
      validateInventory: ROLES,
      listLowStock: back,
      getProductInventory: ROLES,
      reserveInventory: back,
      confirmSale: back,
      releaseInventory: back,
      restockInventory: back,
      adjustInventory: back,
      listInventoryLogs: back,
      createReservation: ROLES,
      listReservations: back,
      getReservableStock: ROLES,
      getCartReservations: ROLES,
      confirmCart: ROLES,
      releaseCart: ROLES,
      getReservation: ROLES,
      extendReservation: ROLES,
      confirmReservation: ROLES,
      releaseReservation: ROLES,
      cleanUpReservations: ['admin'],
      listAudit: ['admin'],
      createEventTicket: ROLES,
      getReportSummary: back,
      listReportProducts: back,
      getReportLevels: back,
      listUnusualChanges: back,
      getStockAdvice: back,
      listReportSuppliers: back,
      listReports: back,
      getReport: back,
      createWebhookEndpoint: ['admin', 'service'],
      listWebhookEndpoints: ['admin', 'service'],
      getWebhookEndpoint: ['admin', 'service'],
      updateWebhookEndpoint: ['admin', 'service'],
      deleteWebhookEndpoint: ['admin', 'service'],
      listWebhookDeliveries: ['admin', 'service'],
      retryWebhookDelivery: ['admin', 'service'],
      getOverview: back,
      getSession: ROLES,
      createApiKey: ['admin'],
      listApiKeys: ['admin'],
      revokeApiKey: ['admin'],
    };
    const endpoints = SURFACES.flatMap((surface) => surface.endpoints);

    it('are laid down here for every route', () => {
      expect(Object.keys(ALLOWED).sort()).toEqual(endpoints.map((e) => e.operationId).sort());
    });

    it.each(endpoints.map((endpoint) => [endpoint.operationId, endpoint] as const))(
      '%s lets in who may call it, and nobody else',
      async (operationId, endpoint) => {
        for (const role of ROLES) {
          // A user may always name itself.
          const path = endpoint.path
            .replace(':user_id', encodeURIComponent(`a ${role}`))
            .replace(/:\w+/g, 'nothing');
          const client = service.client({ role, sub: `a ${role}` });
          const { status, body } =
            endpoint.method === 'get'
              ? await client.get(path)
              : await client[endpoint.method](path, {});
          const mayCall = ALLOWED[operationId]?.includes(role);
          if (mayCall) expect([200, 201, 404, 422]).toContain(status);
          else expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' });
        }
      },
    );
  });
});

describe('tokens of an identity provider', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  let answer: () => { status: number; body: unknown };
  let service: Service;
  let broken: Service;
  const provider = createServer((_request, response) => {
    const { status, body } = answer();
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });

  beforeAll(async () => {
    const keys = [
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
      { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
    ];
    answer = () => ({ status: 200, body: { keys } });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks.json`;
    const settings = {
      JWT_JWKS_URL: at,
      JWT_ISSUER: 'https://id.example',
      JWT_AUDIENCE: 'rentals',
    };
    service = await startService('sqlite', settings);
    broken = await startService('sqlite', settings);
  });
  afterAll(async () => {
    await Promise.all([service.stop(), broken.stop()]);
    provider.close();
  });

  const ours = { iss: 'https://id.example', aud: 'rentals' };
  const byRsa = { alg: 'RS256', key: rsa.privateKey, kid: 'rsa' };
  const byEc = { alg: 'ES256', key: ec.privateKey, kid: 'ec' };
  const cases: [
    what: string,
    token: () => Promise<string>,
    status: number,
    detail: RegExp | null,
  ][] = [
    ['RS256', () => sign(ours, byRsa), 200, null],
    ['ES256', () => sign(ours, byEc), 200, null],
    ['HS256 with the secret, beside them', () => sign(ours), 200, null],
    ['an audience among several', () => sign({ ...ours, aud: ['x', 'rentals'] }, byRsa), 200, null],
    ['another issuer', () => sign({ ...ours, iss: 'https://evil' }, byRsa), 401, /"iss"/],
    ['no issuer', () => sign({ aud: 'rentals' }, byEc), 401, /"iss"/],
    ['another audience', () => sign({ ...ours, aud: 'x' }, byRsa), 401, /"aud"/],
    ['no audience, by HS256', () => sign({ iss: ours.iss }), 401, /"aud"/],
    [
      'a foreign key under a known name',
      () => sign(ours, { ...byRsa, key: foreign.privateKey }),
      401,
      /not valid/,
    ],
    ['an unknown key', () => sign(ours, { ...byRsa, kid: 'new' }), 401, /not valid/],
    ['RS512', () => sign(ours, { ...byRsa, alg: 'RS512' }), 401, /not valid/],
    [
      'HS256 with the public key for a secret',
      () => sign(ours, { key: Buffer.from(pem), kid: 'rsa' }),
      401,
      /not valid/,
    ],
    [
      'RS256 in name, HMAC with the public key in truth',
      async () => {
        const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        const claims = { ...CLAIMS, ...ours, exp: inAnHour() };
        const text = `${encode({ alg: 'RS256', kid: 'rsa' })}.${encode(claims)}`;
        return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
      },
      401,
      /not valid/,
    ],
  ];

  it.each(cases)('%s', async (_what, token, status, detail) => {
    const said = await ask(service.url, bearer(await token()));
    expect(said.status).toBe(status);
    if (detail) expect(said.detail).toMatch(detail);
  });

  it.each([
    ['an error', { status: 500, body: {} }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['no key set', { status: 200, body: { hello: 'world' } }],
  ])('are 503 while their key set answers with %s', async (_what, said) => {
    const before = answer;
    answer = () => said;
    const refused = await ask(broken.url, bearer(await sign(ours, byRsa)));
    answer = before;
    expect(refused).toMatchObject({
      status: 503,
      code: 'overloaded',
      detail: 'The key set that tokens are checked with can not be reached.',
    });
    expect(refused.headers.get('retry-after')).toBe('5');
  });
});
