import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { assertConforms } from '../helpers/conformance.js';
import { DATABASES } from '../helpers/databases.js';
import { tableCounts } from '../helpers/rows.js';
import { type Service, startService, tokenFor } from '../helpers/service.js';
import { SURFACES } from '../helpers/surfaces.js';

type Body = Buffer | string;
type Headers = Record<string, string>;

const JSON_TYPE = { 'Content-Type': 'application/json' };
/** `depth` lists in each other */
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** Bodies that no route takes, whatever it is for. */
const BODIES: [what: string, body: Body, headers: Headers, status: number, code: string][] = [
  ['a form', 'sku=A&name=A', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, ''],
  ['text', '{"sku":"A"}', { 'Content-Type': 'text/plain' }, 415, ''],
  ['JSON of another kind', '{}', { 'Content-Type': 'application/merge-patch+json' }, 415, ''],
  ['no type', Buffer.from('{}'), { 'Content-Type': '' }, 415, ''],
  ['a charset', '{}', { 'Content-Type': 'application/json; charset=latin1' }, 415, ''],
  ['UTF-16', '{}', { 'Content-Type': 'application/json; charset=utf-16' }, 415, ''],
  ['gzip', gzipSync('{}'), { 'Content-Encoding': 'gzip' }, 415, ''],
  ['a bomb', gzipSync(Buffer.alloc(10e6)), { 'Content-Encoding': 'gzip, gzip' }, 415, ''],
  ['gzip unannounced', gzipSync('{}'), {}, 400, 'malformed_json'],
  ['latin1', Buffer.from('{"name":"Bänder"}', 'latin1'), {}, 400, 'malformed_json'],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, 'malformed_json'],
  ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), {}, 400, 'malformed_json'],
  ['cut off', '{"sku": "A"', {}, 400, 'malformed_json'],
  ['two values', '{}{}', {}, 400, 'malformed_json'],
  ['a trailing comma', '{"sku": "A",}', {}, 400, 'malformed_json'],
  ['a comment', '{} // x', {}, 400, 'malformed_json'],
  ['single quotes', "{'sku': 'A'}", {}, 400, 'malformed_json'],
  ['NaN', '{"quantity": NaN}', {}, 400, 'malformed_json'],
  ['hexadecimal', '{"quantity": 0x10}', {}, 400, 'malformed_json'],
  ['a raw NUL', '{"sku": "A\0"}', {}, 400, 'malformed_json'],
  ['a raw line feed in text', '{"sku": "A\n"}', {}, 400, 'malformed_json'],
  ['white space', '  \n', {}, 400, 'malformed_json'],
  ['__proto__', '{"__proto__": {"role": "admin"}}', {}, 400, 'malformed_json'],
  ['__proto__, escaped', '{"\\u005f_proto__": 1}', {}, 400, 'malformed_json'],
  ['__proto__, deep', '{"a": [{"b": {"__proto__": {}}}]}', {}, 400, 'malformed_json'],
  ['a constructor', '{"constructor": {"prototype": {}}}', {}, 400, 'malformed_json'],
  ['10 MB', `{"sku": "${'x'.repeat(10e6)}"}`, {}, 413, 'body_too_large'],
  ['a list', '[]', {}, 422, 'body'],
  ['a list of bodies', '[{"sku": "A", "name": "A", "quantity": 1}]', {}, 422, 'body'],
  ['a number', '1', {}, 422, 'body'],
  ['text for a body', '"{}"', {}, 422, 'body'],
  ['null', 'null', {}, 422, 'body'],
  ['true', 'true', {}, 422, 'body'],
  ['deep lists', nested(100_000), {}, 422, 'body'],
  ['deep lists in a field', `{"x": ${nested(100_000)}}`, {}, 422, 'x'],
  ['deep objects', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`, {}, 422, 'a'],
  ['10,000 unknown fields', manyFields(10_000), {}, 422, 'f9999'],
  ['a method of objects', '{"toString": 1, "hasOwnProperty": 2}', {}, 422, 'toString'],
  ['a constructor that is none', '{"constructor": 1}', {}, 422, 'constructor'],
];

function manyFields(count: number): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i])));
}

/** JSON that is no whole number from 1 to a million. */
const NO_COUNT = [
  ...['"1"', '1.5', '-1', 'true', '[]', '[1]', '{}', '""', '1e-1'],
  ...[
    '1e400',
    '-1e400',
    '1152921504606846976',
    '9007199254740993',
    '99999999999999999999',
    '1e9999',
  ],
];
const ABOVE_A_BILLION = ['1000000001', '2147483648', '4294967297'];
/** JSON that is no line of text. */
const NO_LINE = [
  ...['5', 'true', '[]', '["a"]', '{}', '{"a": "b"}', '""', '" "', '" a"', '"a "', '"a\\u00a0"'],
  ...['"\\ufeffa"', '"a\\u0000b"', '"a\\nb"', '"a\\tb"', '"a\\u001b[2J"', '"\\u0085x"'],
  ...['"\\ud800"', '"a\\udc00b"', '"\\udfff\\ud800"', `"${'x'.repeat(1001)}"`],
];
const NO_TEXT = ['5', 'true', '[]', '{}', '"a\\u0000b"', '"\\u001b"', '"\\ud800"'];
const NO_FLAG = ['"true"', '1', '0', 'null', '[]', '"yes"'];
const NO_TIME = [
  ...[
    '0',
    '1e12',
    '""',
    '"now"',
    '"2026-01-01"',
    '"2026-13-01T00:00:00Z"',
    '"0000-01-01T00:00:00Z"',
  ],
  ...['"1969-12-31T23:59:59Z"', '"+275760-09-13T00:00:00Z"', '"2026-01-01T00:00:00"', '[]', 'true'],
  ...['"2026-01-01T24:00:00Z"', '"2026-01-01T00:00:00+99:00"', `"${'9'.repeat(100_000)}"`],
];
const NO_REFERENCE = [
  '0',
  '-1',
  '1.5',
  'true',
  '[]',
  '{}',
  '1e400',
  '1152921504606846976',
  '""',
  '" a"',
];

/** Bad bodies of a route that takes a list: what is no list, and values that are no field of a line. */
function badLines(
  list: string,
  line: Record<string, unknown>,
  fields: Record<string, string[]>,
): Record<string, string[]> {
  const lines = Object.entries(fields).map(([field, values]): [string, string[]] => {
    const rest = Object.entries(line).filter(([name]) => name !== field);
    const members = rest.map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
    return [
      `${list}[0].${field}`,
      values.map((json) => `[{${[...members, `"${field}": ${json}`].join(', ')}}]`),
    ];
  });
  const many = JSON.stringify(Array.from({ length: 1001 }, () => line));
  return {
    [list]: ['5', '"x"', 'null', '{}', '[]', 'true', many],
    [`${list}[0]`]: ['[5]', '["x"]', '[null]', '[[]]'],
    ...Object.fromEntries(lines),
  };
}

const NO_PRODUCT = [...NO_REFERENCE, 'null', '"a\\u0000"', `"${'x'.repeat(101)}"`];
const NO_LINE_UNITS = [...NO_COUNT, '0', 'null', '1000001'];
const NO_REASON = [...NO_TEXT, 'null', `"${'x'.repeat(501)}"`];
const NO_MINUTES = [
  ...['"1"', 'true', '[]', '[1]', '{}', '""', 'null', '0', '-1', '-0.1', '1440.001', '1e400'],
];
const NO_FOREIGN_ID = [...NO_LINE, '1.5', '1152921504606846976'].filter((value) => value !== '5');
/** JSON that is no decimal number of at most two places from 0 to a billion. */
const NO_MONEY = [
  ...['"1"', '"299.99"', 'true', '[]', '[1]', '{}', '""', '-0.01', '-1', '0.001', '299.999'],
  ...['0.30000000000000004', '1e-3', '1e-9', '1000000000.01', '1e10', '1e21', '1e400'],
];
/** What the fields of a line of a cart must not be. */
const STOCK_LINE = {
  product_id: [...NO_REFERENCE, 'null', '"a\\u0000"', `"${'x'.repeat(101)}"`],
  quantity: [...NO_COUNT, '0', 'null', '1000001'],
  user_id: NO_FOREIGN_ID,
  store_id: ['2'],
};

const CHECKOUT = { cartId: 'c', items: [{ productId: 1, quantity: 1 }] };
const NO_CHECKOUT = {
  cartId: [...NO_LINE, 'null', `"${'x'.repeat(201)}"`],
  ...badLines(
    'items',
    { productId: 1, quantity: 1 },
    {
      productId: NO_PRODUCT,
      quantity: NO_LINE_UNITS,
      unitAmount: NO_COUNT,
      x: ['1'],
    },
  ),
  currency: ['5', '"EU"', '"EURO"', '"€€€"', '"EUR\\n"', '""', '[]'],
  customerEmail: ['5', '"a"', '"a b@c.de"', '"a@b.de\\r\\nBcc: x@y.zz"', '""', '{}'],
  amount: ['1'],
  status: ['"confirmed"'],
};
const NO_URL = ['5', 'null', '""', '"a"', '"/a"', '"javascript:alert(1)"', '"ftp://a.b/c"', '[]'];

const HOOK = { url: 'https://receiver.invalid/', events: ['*'] };
/** JSON that is no URL of an endpoint: those that lead to private addresses have tests of their own. */
const NO_HOOK_URL = [
  ...NO_URL,
  ...['"http://a.b/c"', '"https://127.0.0.1/"', '"https://[::1]/"', '"https://a:b@c.d/"'],
  `"https://a.b/${'x'.repeat(2000)}"`,
];
const NO_PATTERNS = {
  events: ['5', 'null', '"*"', '{}', '[]', JSON.stringify(Array(51).fill('*'))],
  'events[0]': [
    ...['[5]', '[null]', '["rental"]', '["rental."]', '["rental.lost"]', '["nothing.*"]'],
    ...['["*.created"]', '[""]', '[".*"]'],
  ],
};

/** For each route with a body: a good body, and for each field JSON that it must not take. */
const FIELDS: Record<string, { good: Record<string, unknown>; bad: Record<string, string[]> }> = {
  createProduct: {
    good: { sku: 'GOOD', name: 'x', quantity: 1 },
    bad: {
      sku: [...NO_LINE, 'null', '"1"', '"1234567890"', `"${'x'.repeat(101)}"`],
      name: [...NO_LINE, 'null', `"${'x'.repeat(256)}"`],
      quantity: [...NO_COUNT, ...ABOVE_A_BILLION, 'null'],
      publish: NO_FLAG,
      parent_id: NO_REFERENCE,
      low_stock_threshold: [...NO_COUNT, ...ABOVE_A_BILLION],
      price_amount: NO_COUNT,
      price_currency: ['5', '"eur"', '"EU"', '"EURO"', '"€€€"', '"EUR\\n"', '""', '[]'],
      supplier_email: [
        ...['5', '"a"', '"a@b"', '"a b@c.de"', '"a@b.de\\r\\nBcc: x@y.zz"', '"\\u0000@b.de"', '{}'],
        ...[`"${'a'.repeat(250)}@b.de"`, `"${'a.'.repeat(100_000)}@b.de"`, '""', '"@"'],
      ],
    },
  },
  createProducts: {
    good: { products: [{ sku: 'GOOD', name: 'x', quantity: 1 }] },
    bad: {
      products: ['5', '"x"', 'null', '{}', '[]', 'true'],
      'products[0]': ['[5]', '["x"]', '[null]', '[[]]'],
      'products[0].sku': ['[{"name": "x", "quantity": 1}]'],
      'products[0].x': ['[{"sku": "A", "name": "x", "quantity": 1, "x": 1}]'],
    },
  },
  validateProducts: {
    good: { products: [{ sku: 'GOOD', name: 'x', quantity: 1 }] },
    bad: {
      products: ['5', '"x"', 'null', '{}', '[]', 'true'],
      x: ['1'],
    },
  },
  updateProduct: {
    good: {},
    bad: {
      name: [...NO_LINE, 'null', `"${'x'.repeat(256)}"`],
      quantity: [...NO_COUNT, ...ABOVE_A_BILLION, 'null'],
      low_stock_threshold: [...NO_COUNT, ...ABOVE_A_BILLION],
      price_amount: NO_COUNT,
      price_currency: ['5', '"eur"', '""'],
      supplier_email: ['5', '"a"', '""'],
      sku: ['"NEW"'],
      quantity_available: ['1'],
      availability_status: ['"available"'],
      version: ['7'],
      store_id: ['2'],
      id: ['1'],
    },
  },
  createRental: {
    good: { product_id: 1 },
    bad: {
      product_id: [...NO_REFERENCE, 'null', '"a\\u0000"', `"${'x'.repeat(101)}"`],
      quantity: [...NO_COUNT, '0', 'null', '1000001'],
      user_id: [...NO_LINE, '1.5', '1152921504606846976'].filter((value) => value !== '5'),
      order_id: [...NO_LINE, '1e400'].filter((value) => value !== '5'),
      starts_at: NO_TIME,
      ends_at: NO_TIME,
      status: ['"completed"'],
      store_id: ['2'],
    },
  },
  cancelRental: {
    good: {},
    bad: { reason: [...NO_TEXT, `"${'x'.repeat(501)}"`], status: ['"active"'] },
  },
  reserveInventory: {
    good: { reservations: [{ variantId: 1, quantity: 1, reservationId: 'c' }] },
    bad: badLines(
      'reservations',
      { variantId: 1, quantity: 1, reservationId: 'c' },
      {
        variantId: NO_PRODUCT,
        quantity: NO_LINE_UNITS,
        reservationId: [...NO_FOREIGN_ID, 'null'],
        expiresAt: NO_TIME,
        x: ['1'],
      },
    ),
  },
  confirmSale: {
    good: { updates: [{ variantId: 1, quantity: 1, reason: 'x' }] },
    bad: badLines(
      'updates',
      { variantId: 1, quantity: 1, reason: 'x' },
      {
        variantId: NO_PRODUCT,
        quantity: NO_LINE_UNITS,
        reason: NO_REASON,
        reservationId: NO_FOREIGN_ID,
        x: ['1'],
      },
    ),
  },
  releaseInventory: {
    good: { reservationId: 'c' },
    bad: {
      reservationId: [...NO_FOREIGN_ID, 'null'],
      reason: [...NO_TEXT, `"${'x'.repeat(501)}"`],
      cartId: ['"c"'],
    },
  },
  restockInventory: {
    good: { updates: [{ variantId: 1, quantity: 1, reason: 'x' }] },
    bad: badLines(
      'updates',
      { variantId: 1, quantity: 1, reason: 'x' },
      { variantId: NO_PRODUCT, quantity: NO_LINE_UNITS, reason: NO_REASON, x: ['1'] },
    ),
  },
  adjustInventory: {
    good: { updates: [{ variantId: 1, quantity: 1, reason: 'x' }] },
    bad: badLines(
      'updates',
      { variantId: 1, quantity: 1, reason: 'x' },
      {
        variantId: NO_PRODUCT,
        quantity: [...NO_COUNT, ...ABOVE_A_BILLION, 'null'],
        reason: NO_REASON,
        reservationId: ['"c"'],
      },
    ),
  },
  validateInventory: {
    good: { items: [{ productId: 1, quantity: 1 }] },
    bad: {
      ...badLines(
        'items',
        { productId: 1, quantity: 1 },
        { productId: NO_PRODUCT, quantity: NO_LINE_UNITS, x: ['1'] },
      ),
      cartId: NO_FOREIGN_ID,
    },
  },
  createReservation: {
    good: { cartId: 'c', resellerProductId: 1, quantity: 1 },
    bad: {
      cartId: [...NO_LINE, 'null', `"${'x'.repeat(201)}"`],
      resellerProductId: [...NO_REFERENCE, 'null', '"a\\u0000"', `"${'x'.repeat(101)}"`],
      quantity: [...NO_COUNT, '0', 'null', '1000001'],
      expiresInMinutes: NO_MINUTES,
      customerId: NO_FOREIGN_ID,
      expiresAt: ['"2999-01-01T00:00:00Z"'],
      storeId: ['2'],
    },
  },
  extendReservation: {
    good: { additionalMinutes: 1 },
    bad: { additionalMinutes: NO_MINUTES, expiresAt: ['1'] },
  },
  confirmReservation: { good: { orderId: 'O' }, bad: { orderId: [...NO_FOREIGN_ID, 'null'] } },
  confirmCart: {
    good: { orderId: 'O' },
    bad: { orderId: [...NO_FOREIGN_ID, 'null'], cartId: ['"d"'] },
  },
  reserveStock: {
    good: { product_id: 1, quantity: 1 },
    bad: { ...STOCK_LINE, action: [...NO_LINE, 'null', `"${'x'.repeat(101)}"`], held: ['1'] },
  },
  releaseStock: {
    good: { product_id: 1, quantity: 1 },
    bad: { ...STOCK_LINE, action: [...NO_LINE, 'null'], released_quantity: ['1'] },
  },
  purchaseStock: {
    good: { items: [{ product_id: 1, quantity: 1 }] },
    bad: {
      items: ['5', '"x"', 'null', '{}', '[]', 'true'],
      'items[0]': ['[5]', '["x"]', '[null]', '[[]]'],
      'items[0].product_id': ['[{"quantity": 1}]', '[{"product_id": 0, "quantity": 1}]'],
      'items[0].quantity': ['[{"product_id": 1}]', '[{"product_id": 1, "quantity": 0}]'],
      'items[0].price': ['[{"product_id": 1, "quantity": 1, "price": 1}]'],
      user_id: NO_FOREIGN_ID,
      order_id: NO_FOREIGN_ID,
      cart_id: ['"user:ann"'],
    },
  },
  addToCart: {
    good: { product_id: 1, quantity: 1 },
    bad: { ...STOCK_LINE, price: NO_MONEY, shipping_amount: NO_MONEY, decrease_stock: NO_FLAG },
  },
  removeFromCart: {
    good: { product_id: 1 },
    bad: {
      ...STOCK_LINE,
      quantity: [...NO_COUNT, '0', '1000001'],
      increase_stock: NO_FLAG,
      price: ['1'],
    },
  },
  createPaymentIntent: { good: CHECKOUT, bad: NO_CHECKOUT },
  createCheckoutSession: {
    good: { ...CHECKOUT, successUrl: 'https://a.b/c', cancelUrl: 'https://a.b/d' },
    bad: { ...NO_CHECKOUT, successUrl: NO_URL, cancelUrl: NO_URL },
  },
  cancelOrder: {
    good: {},
    bad: { reason: [...NO_TEXT, `"${'x'.repeat(501)}"`], status: ['"refunded"'] },
  },
  createWebhookEndpoint: {
    good: HOOK,
    bad: { url: NO_HOOK_URL, ...NO_PATTERNS, secret: ['"whsec_mine"'], enabled: ['true'] },
  },
  updateWebhookEndpoint: {
    good: {},
    bad: {
      url: NO_HOOK_URL,
      ...NO_PATTERNS,
      enabled: NO_FLAG,
      rotateSecret: [...NO_FLAG, 'false'],
      secret: ['"whsec_mine"'],
    },
  },
  createApiKey: {
    good: { name: 'x', role: 'service' },
    bad: {
      name: [...NO_LINE, 'null', `"${'x'.repeat(101)}"`],
      role: ['5', 'null', '"root"', '""', '["admin"]', '"Admin"', '"constructor"', '"__proto__"'],
      store_id: ['2'],
    },
  },
};

const WRITES = SURFACES.flatMap((surface) => surface.endpoints).filter(
  ({ method }) => method !== 'get',
);
const READS = SURFACES.flatMap((surface) => surface.endpoints).filter(
  ({ method }) => method === 'get',
);

describe.each(DATABASES)('hostile requests on %s', (kind) => {
  let service: Service;
  let token: string;
  let ids: Record<string, string>;
  let before: Record<string, number>;

  beforeAll(async () => {
    service = await startService(kind, { REQUEST_TIMEOUT_SECONDS: '1' });
    token = await tokenFor();
    const admin = service.client();
    const product = { sku: 'A', name: 'A', quantity: 5, publish: true };
    const productId = (await admin.post('/api/products', product)).body.id;
    const rentalId = (await admin.post('/api/rentals', { product_id: productId })).body.id;
    const id = (await admin.post('/api/api-keys', { name: 'k', role: 'admin' })).body.id;
    ids = {
      productId,
      product_id: productId,
      variantId: productId,
      resellerProductId: productId,
      rentalId,
      id,
      cartId: 'c',
      user_id: 'ann',
    };
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    before = await tableCounts(service.rows);
  });
  // Whatever was sent: nothing was made or changed, and the service is well.
  afterEach(async () => {
    expect(await tableCounts(service.rows)).toEqual(before);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  const pathOf = (path: string) => path.replace(/:(\w+)/g, (_, name: string) => `${ids[name]}`);

  /** Sends anything, and returns what the answer says is wrong. */
  async function send(method: string, path: string, body?: Body, headers: Headers = JSON_TYPE) {
    const response = await fetch(`${service.url}${path}`, {
      method: method.toUpperCase(),
      headers: { Authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    assertConforms(method, path, answer);
    const fields = (answer.body?.errors ?? []).map((error: { field: string }) => error.field);
    return { status: answer.status, code: answer.body?.code, fields };
  }

  it('are tried on every route that takes a body', () => {
    const withBody = WRITES.filter(({ body }) => body).map(({ operationId }) => operationId);
    expect(Object.keys(FIELDS).sort()).toEqual(withBody.sort());
  });

  describe.each(WRITES.map((endpoint) => [endpoint.operationId, endpoint] as const))(
    '%s',
    (operationId, endpoint) => {
      it('refuses every body that no route takes', async () => {
        for (const [what, body, headers, status, code] of BODIES) {
          const answer = await send(endpoint.method, pathOf(endpoint.path), body, {
            ...JSON_TYPE,
            ...headers,
          });
          expect({ what, status: answer.status }).toEqual({ what, status });
          if (status === 415) expect(answer.code).toBe('unsupported_media_type');
          else if (status === 422) expect(answer.fields).toContain(code);
          else expect(answer.code).toBe(code);
        }
      });

      const { good = {}, bad = {} } = FIELDS[operationId] ?? {};
      for (const [field, values] of Object.entries(bad)) {
        it(`refuses values that are no ${field}, and names it`, () => refuses(field, values));
      }

      async function refuses(field: string, values: readonly string[]) {
        const member = field.replace(/\[.*/, '');
        for (const json of values) {
          const rest = Object.entries(good).filter(([name]) => name !== member);
          const members = rest.map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
          const body = `{${[...members, `"${member}": ${json}`].join(', ')}}`;
          const { status, fields } = await send(endpoint.method, pathOf(endpoint.path), body);
          expect({ json, status, field: fields[0] }).toEqual({ json, status: 422, field });
        }
      }

      it('refuses unknown and repeated parameters', async () => {
        for (const query of ['?x=1', '?__proto__=1', '?If-Match=*', '?x=1&x=2']) {
          const path = `${pathOf(endpoint.path)}${query}`;
          const body = JSON.stringify(good);
          expect(await send(endpoint.method, path, body)).toMatchObject({
            status: 400,
            code: 'malformed_request',
          });
        }
      });
    },
  );

  it.each(READS.map((endpoint) => [endpoint.operationId, endpoint] as const))(
    '%s refuses queries that mean nothing',
    async (_operationId, endpoint) => {
      const path = pathOf(endpoint.path);
      for (const query of [
        ...['x=1', 'limit=1&limit=2', '__proto__=1', 'constructor=1', 'toString', '%00=1', '='],
        ...['limit=%zz', 'x=%ff', 'limit=1%00', 'limit=%2b1', 'cursor=%F0%9F%8E%BF', 'limit[]=1'],
      ]) {
        const answer = await send('get', `${path}?${query}`);
        expect({ query, ...answer }).toMatchObject({ status: 400, code: 'malformed_request' });
      }
    },
  );

  it.each([
    ['%zz', 400],
    ['%', 400],
    ['%ff', 400],
    ['%c0%af', 400],
    ['%ed%a0%80', 400],
    ['%00', 400],
    ['a%00b', 400],
    ['%0d%0aX-Evil:1', 400],
    ['%20a', 400],
    ['a%20', 400],
    ['%20', 400],
    ['x'.repeat(101), 400],
    ['x'.repeat(14_000), 400],
    ['x'.repeat(20_000), 400],
    ['%2F', 404],
    ['..%2F..%2Fetc', 404],
    ['%252F', 404],
    ['0', 404],
    ['9999999999', 404],
    ['99999999999999999999', 404],
    ['-1', 404],
    ['1.0', 404],
    ['1e0', 404],
    ['true', 404],
    ['null', 404],
    ['__proto__', 404],
    ["'%20OR%20''='", 404],
    ['%5C', 404],
    ['a%5C', 404],
    ['%F0%9F%8E%BF', 404],
    ['%3Cscript%3E', 404],
  ])('a product called %.20s gives %i', async (name, status) => {
    for (const [method, path] of [
      ['get', `/api/stock/${name}`],
      ['get', `/api/products/${name}`],
      ['get', `/api/products/${name}/availability`],
      ['get', `/api/products/${name}/movements`],
      ['get', `/api/inventory/check/${name}`],
      ['get', `/api/inventory/product/${name}`],
      ['get', `/api/inventory/logs/${name}`],
      ['post', `/api/products/${name}/publish`],
      ['patch', `/api/products/${name}`],
    ] as const) {
      const body = method === 'patch' ? '{"name": "new"}' : undefined;
      const answer = await send(method, path, body);
      const code = status === 400 ? 'malformed_request' : 'product_not_found';
      expect(answer).toMatchObject({ status, code });
    }
  });

  it('lets through what only looks odd', async () => {
    const admin = service.client();
    const name = 'ä 日本語 🛠️ <b>"\'\\';
    const answer = await admin.post(
      '/api/products',
      `\ufeff${JSON.stringify({ sku: name, name, quantity: 0 })}`,
      { 'Content-Type': 'Application/JSON; Charset="UTF-8"' },
    );
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ sku: name, name });
    expect((await admin.get(`/api/products/${encodeURIComponent(name)}`)).body.name).toBe(name);
    before = await tableCounts(service.rows);
  });

  describe('on the wire', () => {
    /** Sends these bytes, and returns what came back until the connection was closed. */
    function raw(text: string, { hangUp = false } = {}): Promise<string> {
      return new Promise((resolve) => {
        const { hostname, port } = new URL(service.url);
        const socket = connect(Number(port), hostname, () => {
          socket.write(text);
          if (hangUp) setTimeout(() => socket.destroy(), 50);
        });
        let answer = '';
        socket.on('data', (bytes) => {
          answer += bytes;
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(answer));
      });
    }
    const head = (...more: string[]) =>
      [
        'POST /api/products HTTP/1.1',
        'Host: service',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        ...more,
        '',
        '',
      ].join('\r\n');
    const product = JSON.stringify({ sku: 'RAW', name: 'x', quantity: 1 });

    it('a slow sender is told so, and hung up on', async () => {
      const answers = await Promise.all([
        raw('POST /api/products HTTP/1.1\r\nHost: service\r\n'),
        raw(`${head('Content-Length: 500')}${product}`),
        raw(`${head('Transfer-Encoding: chunked')}5\r\n{"sku`),
      ]);
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    });

    it('a body that ends before its Content-Length changes nothing', async () => {
      const length = `Content-Length: ${product.length + 1}`;
      expect(await raw(`${head(length)}${product}`, { hangUp: true })).toBe('');
    });

    it.each([
      ['nonsense', () => 'nonsense\r\n\r\n'],
      ['TLS', () => '\x16\x03\x01\x02\x00\x01\x00'],
      ['two lengths', () => `${head('Content-Length: 5', 'Content-Length: 6')}${product}`],
      ['a length below zero', () => `${head('Content-Length: -1')}`],
      ['length and chunks', () => head('Content-Length: 5', 'Transfer-Encoding: chunked')],
      ['a bad chunk', () => `${head('Transfer-Encoding: chunked')}xyz\r\n`],
      ['a long header', () => head(`X-Long: ${'x'.repeat(20_000)}`)],
      ['a NUL in a header', () => head('X-Nul: a\0b')],
    ])('%s: 400 with a problem, and hung up on', async (_what, text) => {
      const answer = await raw(text());
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('application/problem+json');
      expect(answer).toContain('"code":"malformed_request"');
    });

    it('an unknown method is no request; an unusual one is answered', async () => {
      expect(await raw('FROB / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
      const purge = 'PURGE /api/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      expect(await raw(purge)).toMatch(/^HTTP\/1\.1 405 /);
    });
  });
});
