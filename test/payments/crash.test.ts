import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { openDatabase } from '../../src/persistence/database.js';
import { createDatabase, DATABASES } from '../helpers/databases.js';
import { killAll, startProcess } from '../helpers/process.js';
import { breachesInRows } from '../helpers/rows-law.js';
import { clientOf, tokenFor } from '../helpers/service.js';
import { deliver, STRIPE_KEY, startStripe, WEBHOOK_SECRET } from '../helpers/stripe-server.js';
import { paymentSettings } from './setup.js';

const until = async (holds: () => Promise<boolean>) => {
  for (let i = 0; i < 1_000; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('what was waited for did not come');
};

describe.each(DATABASES)('a service that is killed while it takes payments, on %s', (kind) => {
  afterEach(killAll);

  async function open() {
    const database = await createDatabase(kind);
    const stripe = await startStripe();
    const rows = openDatabase(database.target, { poolMax: 2, queryTimeoutMs: 10_000 });
    const start = async () => {
      const service = await startProcess(database.url, paymentSettings(stripe));
      return { service, admin: clientOf(service.url, () => tokenFor()) };
    };
    const product = {
      sku: 'A',
      name: 'A',
      quantity: 10,
      publish: true,
      price_amount: 100,
      price_currency: 'EUR',
    };
    return {
      stripe,
      rows,
      start,
      product,
      async close() {
        killAll();
        await rows.close();
        await stripe.close();
        await database.drop();
      },
    };
  }

  it('between the hold and the provider: a repeat, or the job, goes on', async () => {
    const { stripe, rows, start, product, close } = await open();
    const first = await start();
    const { id } = (await first.admin.post('/api/products', product)).body;
    const checkOut = (admin: typeof first.admin, name: string) =>
      admin.post(
        '/api/checkout/create-payment-intent',
        { cartId: name, items: [{ productId: id, quantity: 2 }] },
        { 'Idempotency-Key': name },
      );
    // The provider hangs: nothing was made when the service died, and everything else was committed.
    for (const name of ['repeated', 'left']) {
      stripe.fail({}, {}, {}, {});
      const made = stripe.nextMade();
      checkOut(first.admin, name).catch(() => undefined);
      await made;
    }
    first.service.kill('SIGKILL');
    await first.service.exited;
    expect(stripe.intents.size).toBe(0);
    stripe.fail();

    const second = await start();
    const { body: pending } = await second.admin.get('/api/orders?status=pending');
    expect(pending.data).toHaveLength(2);
    // What was programmed for the repeats of the dead service is used up first.
    while (stripe.intents.size === 0) {
      const { status, body } = await checkOut(second.admin, 'repeated');
      if (status === 201) expect(body.clientSecret).toMatch(/_secret_/);
    }
    await rows.run(
      "UPDATE orders SET attend_at = '2020-01-01 00:00:00.000' WHERE attend_at IS NOT NULL",
    );
    const orders = async () => (await second.admin.get('/api/orders')).body.data;
    await until(async () =>
      (await orders()).every((order: { paymentIntentId: unknown }) => order.paymentIntentId),
    );
    expect(await orders()).toHaveLength(2);
    expect(stripe.intents.size).toBe(2);
    for (const { paymentIntentId } of await orders()) {
      await deliver(second.service.url, stripe.pay(paymentIntentId));
    }
    const logged = JSON.stringify([first.service.log, second.service.log]);
    for (const secret of [STRIPE_KEY, WEBHOOK_SECRET, '_secret_']) {
      expect(logged).not.toContain(secret);
    }
    const { body } = await second.admin.get(`/api/products/${id}`);
    expect(body).toMatchObject({ quantity_available: 6, quantity_reserved: 0, quantity_rented: 4 });
    expect(await breachesInRows(rows)).toEqual([]);
    await close();
  }, 60_000);

  it('between the effect of a message and its answer: sent again, it is a duplicate', async () => {
    const { stripe, rows, start, product, close } = await open();
    const first = await start();
    const { id } = (await first.admin.post('/api/products', product)).body;
    const { body: made } = await first.admin.post('/api/checkout/create-payment-intent', {
      cartId: 'c',
      items: [{ productId: id, quantity: 3 }],
    });
    const paid = stripe.pay(made.paymentIntentId);
    const payload = JSON.stringify(paid);
    const { hostname, port } = new URL(first.service.url);
    const socket = connect(Number(port), hostname, () => {
      const signature = Stripe.webhooks.generateTestHeaderString({
        payload,
        secret: WEBHOOK_SECRET,
      });
      socket.write(
        `POST /api/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `Stripe-Signature: ${signature}\r\nContent-Length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`,
      );
      // Nobody is there to hear the answer.
      socket.pause();
    });
    socket.on('error', () => undefined);
    await until(async () => (await rows.select('SELECT id FROM webhook_events')).length > 0);
    first.service.kill('SIGKILL');
    await first.service.exited;
    socket.destroy();

    const second = await start();
    expect(await deliver(second.service.url, paid)).toEqual({
      status: 200,
      body: { received: true, duplicate: true },
    });
    const { body: order } = await second.admin.get(`/api/orders/${made.orderId}`);
    expect(order).toMatchObject({ status: 'confirmed', rentals: [{ quantity: 3 }] });
    const { body } = await second.admin.get(`/api/products/${id}`);
    expect(body).toMatchObject({ quantity_available: 7, quantity_reserved: 0, quantity_rented: 3 });
    const told = await rows.select('SELECT type FROM events');
    expect(told.map(({ type }) => type)).toEqual(['order.confirmed']);
    expect(await breachesInRows(rows)).toEqual([]);
    await close();
  }, 60_000);
});
