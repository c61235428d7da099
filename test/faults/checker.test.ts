import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { check, type Exchange } from '../helpers/checker.js';
import { DATABASES } from '../helpers/databases.js';
import { createRecorder, rentalOf, sleep } from '../helpers/recorder.js';
import { type Service, startService } from '../helpers/service.js';
import { deliver, type StripeServer, startStripe } from '../helpers/stripe-server.js';
import { paymentSettings } from '../payments/setup.js';

/** Who watches the watcher: each thing that must never happen is made to, and has to be seen. */
describe.each(DATABASES)('the checker on %s', (kind) => {
  const recorder = createRecorder();
  let stripe: StripeServer;
  let service: Service;
  let productId = 0;
  let products = 0;
  let out: Exchange;
  let over: Exchange;

  beforeAll(async () => {
    stripe = await startStripe();
    service = await startService(kind, paymentSettings(stripe));
  });
  afterAll(async () => {
    await service.stop();
    await stripe.close();
  });
  beforeEach(async () => {
    const send = async (
      path: string,
      body?: Record<string, unknown>,
      key: string | null = null,
    ) => {
      await recorder.send(service.url, { path, key, ...(body ? { body } : {}) });
      return recorder.exchanges.at(-1) as Exchange;
    };
    const sku = `P${++products}`;
    const made = await send('/api/products', { sku, name: sku, quantity: 5, publish: true });
    productId = made.answer?.body.id;
    out = await send('/api/rentals', rentalOf(productId, 2), `key ${sku}`);
    over = await send('/api/rentals', rentalOf(productId, 1));
    await send(`/api/rentals/${over.answer?.body.id}/complete`);
    expect(await violations()).toEqual([]);
  });

  const violations = (exchanges: readonly Exchange[] = recorder.exchanges) =>
    check(service.testDatabase.url, exchanges, { paidOrders: stripe.paidOrders() });
  /** Spoils the rows, has them looked at, and puts them right again. */
  async function spoiled(sql: string, cure: string) {
    const run = async (statements: string) => {
      for (const statement of statements.split(';')) await service.rows.run(statement);
    };
    await run(sql);
    const found = await violations();
    await run(cure);
    expect(await violations()).toEqual([]);
    return found.join('\n');
  }
  const set = (values: string) => `UPDATE products SET ${values} WHERE id = ${productId}`;

  it.each([
    [
      'counters that moved without a line',
      'quantity = 6, quantity_available = 4',
      'quantity = 5, quantity_available = 3',
      /its ledger says/,
    ],
    [
      'units that nobody has',
      'quantity_available = 2, quantity_rented = 3',
      'quantity_available = 3, quantity_rented = 2',
      /active rentals say 2/,
    ],
    [
      'a status that is not what the counters say',
      "availability_status = 'rented_out'",
      "availability_status = 'available'",
      /is rented_out with 3 free/,
    ],
    [
      'a version that was skipped',
      'version = version + 1',
      'version = version - 1',
      /has version 5 after 4 lines/,
    ],
  ])('sees %s', async (_, wrong, right, expected) => {
    expect(await spoiled(set(wrong), set(right))).toMatch(expected);
  });

  it('sees a rental that is over and came back to life', async () => {
    const rental = (status: string) =>
      `UPDATE rentals SET status = '${status}' WHERE id = '${over.answer?.body.id}'`;
    const found = await spoiled(rental('active'), rental('completed'));
    expect(found).toMatch(/was ended by "complete"/);
    expect(found).toMatch(/active rentals say 3/);
  });

  it('sees a line that does not continue the one before', async () => {
    const line = (free: number, rented: number) =>
      `UPDATE movements SET quantity_available = ${free}, quantity_rented = ${rented}
       WHERE rental_id = '${out.answer?.body.id}'`;
    expect(await spoiled(line(1, 4), line(3, 2))).toMatch(/the sums say 3/);
  });

  it('sees rows of one store that belong to another', async () => {
    const store = (id: number) =>
      `UPDATE movements SET store_id = ${id} WHERE rental_id = '${out.answer?.body.id}'`;
    expect(await spoiled(store(2), store(1))).toMatch(/a product of another store/);
  });

  it('sees an accepted rental that is lost, and one that nobody asked for', async () => {
    const id = (from: string, to: string) => `UPDATE rentals SET id = '${to}' WHERE id = '${from}'`;
    const own = String(out.answer?.body.id);
    const other = '00000000-0000-7000-8000-000000000000';
    const found = await spoiled(id(own, other), id(other, own));
    expect(found).toMatch(/the rental is not in the database/);
    const without = recorder.exchanges.filter((exchange) => exchange !== out);
    expect((await violations(without)).join('\n')).toMatch(/is there 1 times and was asked for 0/);
  });

  it('sees what was done although it was refused, or done twice', async () => {
    const refused = { status: 503, body: { detail: 'Nothing was done.' }, replayed: false };
    const told = (answer: object) =>
      recorder.exchanges.map((exchange) =>
        exchange === out
          ? ({ ...out, answer: { retryAfter: '1', ...answer } } as Exchange)
          : exchange,
      );
    expect((await violations(told(refused))).join('\n')).toMatch(/was asked for 0 times/);
    // Where its client doesn't know, it may be there.
    expect(await violations(told({ ...refused, body: { detail: 'is not known' } }))).toEqual([]);

    const again = { ...out, answer: { ...out.answer, body: { ...out.answer?.body, id: 'x' } } };
    const found = await violations([...recorder.exchanges, again as Exchange]);
    expect(found.join('\n')).toMatch(/was answered .* and /);
    expect(found.join('\n')).toMatch(/was carried out 2 times/);
  });

  describe('of holds', () => {
    let held: Exchange;
    let confirmed: Exchange;
    let expired: Exchange;
    const last = () => recorder.exchanges.at(-1) as Exchange;

    beforeAll(async () => {
      const send = async (path: string, body: Record<string, unknown>) => {
        await recorder.send(service.url, { path, body });
        return last();
      };
      const product = { sku: 'held', name: 'held', quantity: 9, publish: true };
      const made = await send('/api/products', product);
      const resellerProductId = made.answer?.body.id;
      const hold = (cartId: string) =>
        send('/api/reservations', { cartId, resellerProductId, quantity: 2 });
      held = await hold('a');
      confirmed = await hold('b');
      await send(`/api/reservations/${idOf(confirmed)}/confirm`, { orderId: 'b' });
      const line = { variantId: 'held', quantity: 3, reservationId: 'c', expiresAt: inMs(300) };
      expired = await send('/api/inventory/reserve', { reservations: [line] });
      await sleep(350);
      await recorder.send(service.url, { path: '/api/reservations/cleanup' });
      expect(last().answer?.body).toMatchObject({ expired: 1 });
      expect(await violations()).toEqual([]);
    });

    const idOf = ({ answer }: Exchange) => answer?.body.id ?? answer?.body.reservations[0].id;
    const timeOf = ({ answer }: Exchange) => {
      const told = answer?.body.expiresAt ?? answer?.body.reservations[0].expiresAt;
      return told.replace('T', ' ').replace('Z', '');
    };
    const setHold = (hold: Exchange, values: string) =>
      `UPDATE reservations SET ${values} WHERE id = '${idOf(hold)}'`;
    const setDue = (hold: Exchange, at: string) => setHold(hold, `expires_at = '${at}'`);

    it('sees units that are held by nobody', async () => {
      const found = await spoiled(setHold(held, 'quantity = 3'), setHold(held, 'quantity = 2'));
      expect(found).toMatch(/says 2 reserved, its active holds say 3/);
      expect(found).toMatch(/has 3 units, its lines say 2/);
    });

    it('sees a hold that is over and came back to life', async () => {
      const found = await spoiled(
        setHold(expired, "status = 'reserved', active = 1"),
        setHold(expired, "status = 'expired', active = NULL"),
      );
      expect(found).toMatch(/\(reserved\) was ended by "expire"/);
    });

    it('sees one that was confirmed when it was due, and one that expired too early', async () => {
      const early = await spoiled(
        setDue(confirmed, '2020-01-01 00:00:00.000'),
        setDue(confirmed, timeOf(confirmed)),
      );
      expect(early).toMatch(/\(confirmed\) was ended \d+ ms after it was due/);
      const late = await spoiled(
        setDue(expired, '2040-01-01 00:00:00.000'),
        setDue(expired, timeOf(expired)),
      );
      expect(late).toMatch(/\(expired\) expired \d+ ms before it was due/);
    });

    it('sees one that was confirmed after its caller was told that it had expired', async () => {
      const refused = { status: 409, body: { code: 'reservation_expired' }, replayed: false };
      const path = `/api/reservations/${idOf(confirmed)}/confirm`;
      const told = { ...confirmed, path, answer: { ...refused, retryAfter: null } };
      const found = await violations([...recorder.exchanges, told]);
      expect(found.join('\n')).toMatch(/was told expired and is confirmed/);
    });

    it('sees an accepted hold that is lost, and one that nobody asked for', async () => {
      const other = '00000000-0000-7000-8000-000000000000';
      const id = (from: string, to: string) =>
        `UPDATE reservations SET id = '${to}' WHERE id = '${from}'`;
      expect(await spoiled(id(idOf(held), other), id(other, idOf(held)))).toMatch(
        /reservation \S+ is not in the database/,
      );
      const without = recorder.exchanges.filter((exchange) => exchange !== held);
      expect((await violations(without)).join('\n')).toMatch(
        /"reserve 1 a \d+" is there 1 times and was asked for 0/,
      );
    });
  });

  describe('of orders', () => {
    let pending: string;
    let paid: string;
    let cancelled: string;
    const last = () => recorder.exchanges.at(-1) as Exchange;

    beforeAll(async () => {
      const price = { price_amount: 500, price_currency: 'EUR' };
      const product = { sku: 'priced', name: 'priced', quantity: 9, publish: true, ...price };
      await recorder.send(service.url, { path: '/api/products', body: product });
      const productId = last().answer?.body.id;
      const checkOut = async (cartId: string) => {
        const body = { cartId, items: [{ productId, quantity: 2 }] };
        await recorder.send(service.url, { path: '/api/checkout/create-payment-intent', body });
        return last().answer?.body;
      };
      pending = (await checkOut('pending')).orderId;
      cancelled = (await checkOut('cancelled')).orderId;
      await recorder.send(service.url, { path: `/api/orders/${cancelled}/cancel` });
      const { orderId, paymentIntentId } = await checkOut('paid');
      paid = orderId;
      const event = stripe.pay(paymentIntentId);
      const { status, body } = await deliver(service.url, event);
      const message = { method: 'POST', path: '/api/webhooks/stripe', key: null } as const;
      const answer = { status, body, replayed: false, retryAfter: null };
      recorder.exchanges.push({ ...message, body: { ...event }, storeId: 1, sub: 's', answer });
      expect(await violations()).toEqual([]);
    });

    const setOrder = (id: string, values: string) =>
      `UPDATE orders SET ${values} WHERE id = '${id}'`;
    const setHolds = (cart: string, values: string) =>
      `UPDATE reservations SET ${values} WHERE cart_id = '${cart}'`;

    it('sees one that was paid and is not confirmed, and one that is and was never paid', async () => {
      const unpaid = await spoiled(
        setOrder(paid, "status = 'failed'"),
        setOrder(paid, "status = 'confirmed'"),
      );
      expect(unpaid).toMatch(/was paid, as message evt_\w+ said, and is failed/);
      expect(unpaid).toMatch(/\(failed\) was last told to be confirmed/);
      const free = await spoiled(
        setOrder(pending, "status = 'confirmed', pending = NULL"),
        setOrder(pending, "status = 'pending', pending = 1"),
      );
      expect(free).toMatch(/\(confirmed\) was never paid/);
    });

    it('sees one that has no rental, or another one, or two', async () => {
      const rental = (from: string, to: string) =>
        `UPDATE rentals SET order_id = '${to}' WHERE order_id = '${from}'`;
      const found = await spoiled(rental(paid, pending), rental(pending, paid));
      expect(found).toMatch(/has 0 rentals for 1 products/);
      expect(found).toMatch(/\(pending\) was never confirmed and has 1 rentals/);
    });

    it('sees a turn that was not told, told twice, or not possible', async () => {
      const type = (from: string, to: string) =>
        `UPDATE events SET type = 'order.${to}' WHERE type = 'order.${from}'`;
      expect(await spoiled(type('cancelled', 'lost'), type('lost', 'cancelled'))).toMatch(
        /was told to be lost after it was pending/,
      );
      const columns = 'store_id, product_id, user_id, type, data, command_id, created_at';
      const again = await spoiled(
        `INSERT INTO events (id, ${columns}) SELECT 9999, ${columns} FROM events WHERE type = 'order.confirmed'`,
        'DELETE FROM events WHERE id = 9999',
      );
      expect(again).toMatch(/was told to be confirmed after it was confirmed/);
    });

    it('sees units that are held for an order that is over', async () => {
      const found = await spoiled(
        setHolds('cancelled', "status = 'reserved', active = 1"),
        setHolds('cancelled', "status = 'released', active = NULL"),
      );
      expect(found).toMatch(/is held for order \S+, which is cancelled/);
    });

    it('sees a message that had its effect twice, and one that is lost', async () => {
      const message = recorder.exchanges.find(({ path }) => path === '/api/webhooks/stripe');
      const twice = await violations([...recorder.exchanges, message as Exchange]);
      expect(twice.join('\n')).toMatch(/was taken for new 2 times/);
      const id = (from: string, to: string) =>
        `UPDATE webhook_events SET id = '${to}' WHERE id = '${from}'`;
      const own = String(message?.body?.['id']);
      expect(await spoiled(id(own, 'other'), id('other', own))).toMatch(
        /was taken and is not there/,
      );
    });
  });
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
