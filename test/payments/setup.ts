import { expect } from '@jest/globals';
import type { DatabaseKind } from '../helpers/databases.js';
import { breachesInRows } from '../helpers/rows-law.js';
import { type Answer, type Client, type Service, startService } from '../helpers/service.js';
import {
  deliver,
  STRIPE_KEY,
  type StripeEvent,
  type StripeServer,
  startStripe,
  WEBHOOK_SECRET,
} from '../helpers/stripe-server.js';

// biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
type Body = any;

/** A service that takes payments, with a payment provider beside it. */
export interface Shop {
  readonly service: Service;
  readonly stripe: StripeServer;
  readonly admin: Client;
  /** Makes a published product with a price; 10 units at 12.50 EUR unless it is said otherwise. */
  product(fields?: Record<string, unknown>): Promise<Body>;
  level(id: number): Promise<{ free: number; held: number; out: number }>;
  /** Checks one product out of a cart of its own, for a payment intent; returns the answer's body. */
  intent(productId: number, quantity: number, fields?: object, by?: Client): Promise<Body>;
  session(productId: number, quantity: number, fields?: object, by?: Client): Promise<Body>;
  order(id: string): Promise<Body>;
  /** Delivers a message, and expects that it is taken. */
  say(event: StripeEvent): Promise<Body>;
  /** Lets the hold of an order, and so the order, be over. */
  endHold(orderId: string): Promise<void>;
  /** types of the events that were told of an order */
  told(orderId: string): Promise<string[]>;
  expectLaw(): Promise<void>;
  stop(): Promise<void>;
}

export const paymentSettings = (stripe: StripeServer): Record<string, string> => ({
  STRIPE_SECRET_KEY: STRIPE_KEY,
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STRIPE_API_BASE: stripe.url,
  STRIPE_TIMEOUT_SECONDS: '1',
});

let made = 0;
export const RETURN_URLS = {
  successUrl: 'https://shop.example/thanks',
  cancelUrl: 'https://shop.example/cart',
};

export async function openShop(
  kind: DatabaseKind,
  settings: Record<string, string> = {},
): Promise<Shop> {
  const stripe = await startStripe();
  const service = await startService(kind, { ...paymentSettings(stripe), ...settings });
  const admin = service.client();
  const checkOut = async (path: string, body: object, by: Client): Promise<Body> => {
    const answer: Answer = await by.post(`/api/checkout/${path}`, body);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  const cart = (productId: number, quantity: number) => ({
    cartId: `cart-${++made}`,
    items: [{ productId, quantity }],
  });
  return {
    service,
    stripe,
    admin,
    async product(fields = {}) {
      const sku = `P-${++made}`;
      const price = { price_amount: 1250, price_currency: 'EUR' };
      const body = { sku, name: `Bike ${made}`, quantity: 10, publish: true, ...price, ...fields };
      return (await admin.post('/api/products', body)).body;
    },
    async level(id) {
      const { body } = await admin.get(`/api/products/${id}`);
      return {
        free: body.quantity_available,
        held: body.quantity_reserved,
        out: body.quantity_rented,
      };
    },
    intent: (productId, quantity, fields = {}, by = admin) =>
      checkOut('create-payment-intent', { ...cart(productId, quantity), ...fields }, by),
    session: (productId, quantity, fields = {}, by = admin) =>
      checkOut('create-session', { ...cart(productId, quantity), ...RETURN_URLS, ...fields }, by),
    async order(id) {
      return (await admin.get(`/api/orders/${id}`)).body;
    },
    async say(event) {
      const { status, body } = await deliver(service.url, event);
      expect({ status, body }).toMatchObject({ status: 200, body: { received: true } });
      return body;
    },
    async endHold(orderId) {
      const past = "'2020-01-01 00:00:00.000'";
      const [row] = await service.rows.select(`SELECT items FROM orders WHERE id = '${orderId}'`);
      for (const { reservationId, productId } of JSON.parse(String(row?.['items']))) {
        await service.rows.run(
          `UPDATE reservations SET expires_at = ${past} WHERE id = '${reservationId}'`,
        );
        await service.rows.run(
          `UPDATE products SET next_hold_due_at = ${past} WHERE id = ${productId}`,
        );
      }
      await service.rows.run(`UPDATE orders SET expires_at = ${past} WHERE id = '${orderId}'`);
    },
    async told(orderId) {
      const events = await service.rows.select('SELECT type, data FROM events ORDER BY id');
      return events
        .filter((row) => JSON.parse(String(row['data'])).id === orderId)
        .map((row) => String(row['type']));
    },
    async expectLaw() {
      expect(await breachesInRows(service.rows)).toEqual([]);
    },
    async stop() {
      await service.stop();
      await stripe.close();
    },
  };
}
