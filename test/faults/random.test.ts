import { afterEach, describe, expect, it } from '@jest/globals';
import { check, type Told } from '../helpers/checker.js';
import { readTables } from '../helpers/checker-tables.js';
import { createDatabase, DATABASES, type DatabaseKind } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { type Random, randomOf } from '../helpers/random.js';
import { createRecorder, type Recorder, type RequestToSend, sleep } from '../helpers/recorder.js';
import { deliver, type StripeServer, startStripe } from '../helpers/stripe-server.js';
import { paymentSettings, RETURN_URLS } from '../payments/setup.js';
import { atProvider, type KnownOrder, type Message } from './random-payments.js';

const DURATION_MS = Number(process.env['RANDOM_TEST_SECONDS'] ?? 10) * 1000;
const CLIENTS = 24;
const STORES = 3;
/** few, so that clients meet */
const PRODUCTS_MAX = 12;
const NEVER = [400, 401, 403, 405, 413, 415, 500];

/**
 * Seeds that once found something. Each is run for a second, besides one that is new each time;
 * SEED=n runs that one instead.
 */
const FIXED_SEEDS: readonly number[] = [1147452898];

const seedGiven = process.env['SEED'];
const newSeed = seedGiven ? Number(seedGiven) : Math.floor(Math.random() * 2 ** 31);

/** What a client knows of: ids that it made or heard of, and requests that it may send again. */
interface World {
  readonly products: { id: number; storeId: number; version: number }[];
  readonly rentals: { id: string; storeId: number }[];
  readonly holds: { id: string; storeId: number }[];
  readonly orders: KnownOrder[];
  /** what the payment provider said so far, be it that it was delivered or not */
  readonly messages: Message[];
  readonly keyed: RequestToSend[];
  count: number;
}

function nextRequest(random: Random, world: World, client: number): RequestToSend {
  const repeat = random.one(world.keyed);
  if (repeat && random.chance(0.08)) return repeat;
  const request = freshRequest(random, world, client);
  if (random.chance(0.5)) return request;
  const keyed = { ...request, key: `key ${client} ${world.count}` };
  world.keyed.push(keyed);
  if (world.keyed.length > 50) world.keyed.shift();
  return keyed;
}

function freshRequest(random: Random, world: World, client: number): RequestToSend {
  const serial = ++world.count;
  const product = random.one(world.products);
  const rental = random.one(world.rentals.slice(-60));
  // Now and then somebody tries what belongs to another store.
  const storeOf = (owner: number) => (random.chance(0.05) ? (owner % STORES) + 1 : owner);
  const choice = random.below(100);
  if (!product || (choice < 6 && world.products.length < PRODUCTS_MAX)) {
    const storeId = 1 + random.below(STORES);
    // A SKU that somebody else may ask for at the same time.
    const sku = `SKU-${world.products.length}-${random.below(2)}`;
    const price = { price_amount: 1 + random.below(900), price_currency: 'EUR' };
    const publish = random.chance(0.8);
    const body = { sku, name: sku, quantity: random.below(12), publish, ...price };
    return { path: '/api/products', body, storeId };
  }
  const storeId = storeOf(product.storeId);
  const path = `/api/products/${product.id}`;
  if (choice < 12) {
    const headers: Record<string, string> = random.chance(0.3)
      ? { 'If-Match': `"${product.version}"` }
      : {};
    const body = { quantity: random.below(15), name: `Named ${client} ${serial}` };
    return { method: 'PATCH', path, body, storeId, headers };
  }
  if (choice < 15) return { path: `${path}/unpublish`, storeId };
  if (choice < 20) return { path: `${path}/publish`, storeId };
  if (choice < 50) return holdRequest(random, world, { client, serial, product, storeOf });
  if (choice < 65) return orderRequest(random, world, { product, storeOf });
  if (choice < 85 || !rental) {
    const body = {
      product_id: product.id,
      quantity: random.chance(0.8) ? 1 : 1 + random.below(5),
      order_id: `order ${client} ${serial}`,
      ...(random.chance(0.5) ? { user_id: `user ${random.below(9)}` } : {}),
    };
    return { path: '/api/rentals', body, storeId };
  }
  const action = random.chance(0.5) ? 'complete' : 'cancel';
  return { path: `/api/rentals/${rental.id}/${action}`, storeId: storeOf(rental.storeId) };
}

/** What a checkout sends that is paid for, and an admin who ends an order. */
function orderRequest(
  random: Random,
  world: World,
  by: { product: World['products'][number]; storeOf: (owner: number) => number },
): RequestToSend {
  const order = random.one(world.orders.slice(-20));
  if (order && random.chance(0.2)) {
    return { path: `/api/orders/${order.id}/cancel`, storeId: by.storeOf(order.storeId) };
  }
  const { storeId } = by.product;
  const others = world.products.filter((other) => other.storeId === storeId);
  const items = Array.from({ length: random.chance(0.7) ? 1 : 3 }, () => ({
    productId: random.one(others)?.id ?? by.product.id,
    quantity: random.chance(0.7) ? 1 : 2,
  }));
  // A cart of its own now and then; else a newer order takes an older one's place.
  const cartId = random.chance(0.4) ? `pay ${world.count}` : random.one([...CARTS, 'p', 'q']);
  const body = { cartId, items };
  return random.chance(0.7)
    ? { path: '/api/checkout/create-payment-intent', body, storeId: by.storeOf(storeId) }
    : {
        path: '/api/checkout/create-session',
        body: { ...body, ...RETURN_URLS },
        storeId: by.storeOf(storeId),
      };
}

/** few, so that carts meet; a user's is also reached by its name */
const CARTS = ['user:user 1', 'user:user 2', 'checkout:check 1', 'checkout:check 2', 'a', 'b', 'c'];
const userOf = (random: Random) => `user ${1 + random.below(3)}`;
const checkOf = (random: Random) => `check ${1 + random.below(3)}`;

/** What the clients of documents 2, 3 and 4 send. */
function holdRequest(
  random: Random,
  world: World,
  by: {
    client: number;
    serial: number;
    product: World['products'][number];
    storeOf: (owner: number) => number;
  },
): RequestToSend {
  const { client, serial, product } = by;
  const storeId = by.storeOf(product.storeId);
  const units = 1 + random.below(3);
  const orderId = `order ${client} ${serial}`;
  const hold = random.one(world.holds.slice(-30));
  const cart = `/api/reservations/cart/${encodeURIComponent(random.one(CARTS) ?? '')}`;
  // Each line names another product of the store, or the same one again.
  const list = <T>(line: (id: number) => T): T[] =>
    Array.from({ length: 1 + random.below(3) }, () => {
      const others = world.products.filter((other) => other.storeId === product.storeId);
      return line(random.one(others)?.id ?? product.id);
    });
  const of = (user: string) => ({ user_id: user, product_id: product.id, quantity: units });
  const choices: (() => RequestToSend)[] = [
    () => ({ path: '/api/stock/reserve', body: of(userOf(random)) }),
    () => ({ path: '/api/stock/release', body: of(userOf(random)) }),
    () => ({
      path: '/api/stock/purchase',
      body: {
        user_id: userOf(random),
        order_id: orderId,
        items: list((product_id) => ({ product_id, quantity: 1 })),
      },
    }),
    () => ({
      path: '/api/cart/add',
      body: { ...of(userOf(random)), price: 1.25, decrease_stock: random.chance(0.8) },
    }),
    () => ({
      method: 'DELETE',
      path: '/api/cart/remove',
      body: { user_id: userOf(random), product_id: product.id },
    }),
    () => {
      const reservationId = checkOf(random);
      const expiresAt = new Date(Date.now() + 50 + random.below(1500)).toISOString();
      const line = (variantId: number) => ({ variantId, quantity: 1, reservationId, expiresAt });
      return { path: '/api/inventory/reserve', body: { reservations: list(line) } };
    },
    () => {
      const named = random.chance(0.6) ? { reservationId: checkOf(random) } : {};
      const line = (variantId: number) => ({ variantId, quantity: 1, reason: 'sold', ...named });
      return { path: '/api/inventory/confirm-sale', body: { updates: list(line) } };
    },
    () => ({ path: '/api/inventory/release', body: { reservationId: checkOf(random) } }),
    () => ({
      path: '/api/inventory/restock',
      body: { updates: [{ variantId: product.id, quantity: units, reason: 'came in' }] },
    }),
    () => ({
      method: 'PUT',
      path: '/api/inventory/adjust',
      body: { updates: [{ variantId: product.id, quantity: random.below(9), reason: 'count' }] },
    }),
    () => ({
      path: '/api/reservations',
      body: { cartId: random.one(CARTS), resellerProductId: product.id, quantity: units },
    }),
    () => ({ path: `${cart}/confirm`, body: { orderId } }),
    () => ({ method: 'DELETE', path: cart }),
  ];
  if (random.chance(0.02)) return { path: '/api/reservations/cleanup', storeId };
  if (hold && random.chance(0.3)) {
    const path = `/api/reservations/${hold.id}`;
    const holdStore = by.storeOf(hold.storeId);
    if (random.chance(0.4))
      return { path: `${path}/confirm`, body: { orderId }, storeId: holdStore };
    if (random.chance(0.5)) return { method: 'DELETE', path, storeId: holdStore };
    const body = { additionalMinutes: 1 };
    return { method: 'PATCH', path: `${path}/extend`, body, storeId: holdStore };
  }
  // More is held than is given back, or there would be little to fight for.
  const request = random.one([...choices, choices[0], choices[3], choices[5], choices[10]])?.();
  if (!request) throw new Error('there is no choice');
  return { ...request, storeId };
}

afterEach(killAll);

async function run(kind: DatabaseKind, seed: number, ms: number) {
  const database = await createDatabase(kind);
  const stripe = await startStripe();
  const settings = {
    ...paymentSettings(stripe),
    BATCH_MAX: '16',
    RESERVATION_CLEANUP_INTERVAL: '0.02',
    // Orders are over unpaid within the run.
    RESERVATION_EXPIRY_MINUTES: '0.05',
  };
  const copies = await Promise.all([
    startProcess(database.url, settings),
    startProcess(database.url, { ...settings, PAYMENT_FAILED_POLICY: 'release' }),
  ]);
  const recorder = createRecorder();
  const world: World = {
    products: [],
    rentals: [],
    holds: [],
    orders: [],
    messages: [],
    keyed: [],
    count: 0,
  };
  const until = performance.now() + ms;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const random = randomOf(seed + client);
      while (performance.now() < until) {
        const service = copies[random.below(copies.length)] as ServiceProcess;
        if (world.orders.length > 0 && random.chance(0.15)) {
          await sayOfPayment(random, world, {
            stripe,
            recorder,
            urls: copies.map(({ url }) => url),
          });
          continue;
        }
        const request = nextRequest(random, world, client);
        if (request.path.startsWith('/api/checkout/') && random.chance(0.03)) {
          stripe.fail(random.one(PROVIDER_FAULTS) ?? {});
        }
        const answer = await recorder.send(service.url, request);
        learn(world, request, answer);
        if (answer === null) await sleep(20);
      }
    }),
  );
  for (const { exited, kill } of copies) {
    kill('SIGTERM');
    expect(await exited).toBe(0);
  }
  const violations = await check(database.url, recorder.exchanges, {
    paidOrders: stripe.paidOrders(),
  });
  const orders: Record<string, number> = {};
  for (const { status } of (await readTables(database.url)).orders.values()) {
    orders[status] = (orders[status] ?? 0) + 1;
  }
  await stripe.close();
  const statuses: Record<string, number> = {};
  for (const { answer } of recorder.exchanges) {
    const status = String(answer?.status ?? 'unknown');
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  await database.drop();
  return { violations, statuses, orders };
}

/** How the provider goes wrong: it refuses, it fails, it does what was asked and nobody hears. */
const PROVIDER_FAULTS = [{ status: 402 }, { status: 500 }, { cut: true, done: true }];

/** Something happens to a payment, and what the provider said of one is delivered: once or twice. */
async function sayOfPayment(
  random: Random,
  world: World,
  parts: { stripe: StripeServer; recorder: Recorder; urls: readonly string[] },
): Promise<void> {
  const order = random.one(world.orders.slice(-30));
  const event = order && random.chance(0.7) ? atProvider(random, parts.stripe, order) : null;
  if (order && event) world.messages.push({ event, storeId: order.storeId });
  // Most come at once; others late, again, or before what happened first.
  const message = random.chance(0.6)
    ? world.messages.at(-1)
    : random.one(world.messages.slice(-40));
  if (!message) return;
  const urls = random.chance(0.2) ? parts.urls : [random.one(parts.urls) ?? ''];
  await Promise.all(
    urls.map(async (url) => {
      const { status, body } = await deliver(url, message.event);
      parts.recorder.exchanges.push({
        method: 'POST',
        path: '/api/webhooks/stripe',
        body: { ...message.event },
        key: null,
        storeId: message.storeId,
        sub: 'stripe',
        answer: { status, body, replayed: false, retryAfter: null },
      });
    }),
  );
}

function learn(world: World, request: RequestToSend, answer: Told | null) {
  if (answer === null || answer.status >= 300) return;
  const storeId = request.storeId ?? 1;
  const { path } = request;
  if (path === '/api/rentals') world.rentals.push({ id: answer.body.id, storeId });
  if (path === '/api/reservations') world.holds.push({ id: answer.body.id, storeId });
  if (path === '/api/inventory/reserve') {
    for (const { id } of answer.body.reservations) world.holds.push({ id, storeId });
  }
  if (path.startsWith('/api/checkout/')) {
    const { orderId: id, paymentIntentId = null, sessionId = null } = answer.body;
    world.orders.push({ id, storeId, paymentIntentId, sessionId });
  }
  for (const { id } of answer.body?.rentals ?? []) world.rentals.push({ id, storeId });
  if (!path.startsWith('/api/products')) return;
  const { id, version } = answer.body;
  const known = world.products.find((product) => product.id === id);
  if (known) known.version = version;
  else world.products.push({ id, storeId, version });
}

describe.each(DATABASES)('many clients with random commands on %s', (kind) => {
  it(
    `keep every promise, with seed ${newSeed}`,
    async () => {
      process.stderr.write(`random test on ${kind}: SEED=${newSeed}\n`);
      const { violations, statuses, orders } = await run(kind, newSeed, DURATION_MS);
      expect(violations).toEqual([]);
      const ordersThatAre = (...names: string[]) =>
        names.reduce((sum, name) => sum + (orders[name] ?? 0), 0);
      expect(ordersThatAre('confirmed', 'refund_required', 'refunded')).toBeGreaterThan(3);
      expect(ordersThatAre('cancelled', 'expired', 'failed')).toBeGreaterThan(3);
      expect(Object.keys(statuses).filter((name) => NEVER.includes(Number(name)))).toEqual([]);
      expect(statuses['unknown']).toBeUndefined();
      expect(statuses['503']).toBeUndefined();
      // It would prove nothing where nothing was done, or nothing refused.
      for (const status of ['200', '201', '404', '409']) {
        expect([status, statuses[status] ?? 0]).toEqual([status, expect.any(Number)]);
        expect(statuses[status] ?? 0).toBeGreaterThan(20);
      }
    },
    DURATION_MS + 60_000,
  );

  if (FIXED_SEEDS.length > 0 && seedGiven === undefined) {
    it.each(FIXED_SEEDS)(
      'keep every promise, with seed %i, which once broke one',
      async (seed) => {
        const { violations } = await run(kind, seed, 1_000);
        expect(violations).toEqual([]);
      },
      30_000,
    );
  }
});
