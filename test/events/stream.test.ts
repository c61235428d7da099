import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Core } from '../../src/core.js';
import { newId } from '../../src/ids.js';
import { readLag } from '../../src/persistence/outbox.js';
import { purge } from '../../src/persistence/purge.js';
import { DATABASES } from '../helpers/databases.js';
import { type EventListener, listen } from '../helpers/event-listener.js';
import { eventually } from '../helpers/recorder.js';
import { type Client, type Service, startService, tokenFor } from '../helpers/service.js';

describe.each(DATABASES)('the stream of events on %s', (kind) => {
  let service: Service;
  let admin: Client;
  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  const hears = (listener: EventListener, count: number) =>
    eventually(`${count} events`, () => listener.events.length >= count);
  /** Makes a product, and waits until that is told: who listens now hears what comes after it. */
  const makeProduct = async (sku: string, fields: object = {}) => {
    const fresh = { sku, name: sku, quantity: 2, publish: true, ...fields };
    const { body } = await admin.post('/api/products', fresh);
    await eventually('it is told', async () => (await readLag(service.rows)).lines === 0);
    return body.id as number;
  };
  const rent = (product: string | number, fields: object = {}) =>
    admin.post('/api/rentals', { product_id: product, ...fields });

  it('tells of a rental, from when it is made until it is over', async () => {
    const id = await makeProduct('DRILL', { low_stock_threshold: 1 });
    const listener = await listen(service.url, { query: `productId=${id}` });
    const { body: rental } = await rent('DRILL', { user_id: 'ann' });
    await hears(listener, 3);
    await admin.post(`/api/rentals/${rental.id}/complete`);
    await hears(listener, 5);
    expect(listener.events.map(({ type }) => type)).toEqual([
      'rental.created',
      'product.low_stock',
      'product.availability_changed',
      'rental.completed',
      'product.availability_changed',
    ]);
    const [created, low, changed, completed] = listener.events;
    expect(created).toEqual({
      id: created?.id,
      type: 'rental.created',
      storeId: 1,
      at: rental.created_at,
      data: {
        id: rental.id,
        storeId: 1,
        productId: id,
        userId: 'ann',
        quantity: 1,
        status: 'active',
        startsAt: null,
        endsAt: null,
        orderId: null,
        reservationId: null,
        createdAt: rental.created_at,
        completedAt: null,
        cancelledAt: null,
        cancelReason: null,
      },
    });
    expect(low?.data).toEqual({
      variantId: id,
      sku: 'DRILL',
      name: 'DRILL',
      quantity: 2,
      quantityOnHand: 1,
      quantityAvailable: 1,
      quantityReserved: 0,
      quantityRented: 1,
      availabilityStatus: 'available',
      threshold: 1,
    });
    expect(changed?.data).toEqual(low?.data);
    expect(completed?.data).toMatchObject({ id: rental.id, status: 'completed' });
    const ids = listener.events.map((event) => Number(event.id));
    expect(ids).toEqual(ids.map((_, at) => (ids[0] ?? 0) + at));
    listener.close();
  });

  it('tells of holds, and of what became of them', async () => {
    const id = await makeProduct('HELD');
    const listener = await listen(service.url, { query: 'productId=HELD&types=reservation.*' });
    const send = holds(service.app.core, id);
    const reservation = await send.reserve('cart-1', 'ann');
    await send.extend(reservation);
    await send.release(reservation);
    const second = await send.reserve('cart-1', 'ann');
    await send.confirm(second);
    await hears(listener, 5);
    expect(listener.events.map(({ type, data }) => [type, data['id'], data['status']])).toEqual([
      ['reservation.created', reservation, 'reserved'],
      ['reservation.updated', reservation, 'reserved'],
      ['reservation.released', reservation, 'released'],
      ['reservation.created', second, 'reserved'],
      ['reservation.confirmed', second, 'confirmed'],
    ]);
    expect(listener.events[0]?.data).toEqual({
      id: reservation,
      storeId: 1,
      cartId: 'cart-1',
      resellerProductId: id,
      sku: 'HELD',
      quantity: 1,
      status: 'reserved',
      expiresAt: expect.any(String),
      confirmedAt: null,
      releasedAt: null,
      orderId: null,
      customerId: 'ann',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    listener.close();
  });

  it('with since, sends what was missed and then what comes, each once', async () => {
    await makeProduct('AWAY', { quantity: 1_000 });
    const first = await listen(service.url, { query: 'types=rental.created&productId=AWAY' });
    await rent('AWAY');
    await hears(first, 1);
    first.close();
    await first.closed;

    const rentMany = (count: number) =>
      Promise.all(Array.from({ length: count }, () => rent('AWAY')));
    await rentMany(50);
    const since = first.events[0]?.id;
    const query = `types=rental.created&productId=AWAY&since=${since}`;
    const [, again] = await Promise.all([rentMany(100), listen(service.url, { query })]);
    await rentMany(50);
    await hears(again, 200);
    const ids = again.events.map((event) => Number(event.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(ids).toHaveLength(200);
    expect(again.notes).toEqual([]);
    again.close();
  });

  it('says reload where what was missed is no longer kept, or never was, and goes on', async () => {
    await makeProduct('OLD', { quantity: 100 });
    await rent('OLD');
    const future = await listen(service.url, { query: 'since=9007199254740000' });
    await eventually('the note', () => future.notes.length === 1);
    const before = await listen(service.url, { query: 'since=0&productId=OLD' });
    await hears(before, 3);
    await service.rows.run("UPDATE outbox SET created_at = '2020-01-01 00:00:00.000'");
    const options = { rowsMax: 100_000, eventRetentionHours: 24 };
    expect(await purge(service.rows, options)).toBe(false);

    const tooLate = await listen(service.url, { query: 'since=0&productId=OLD' });
    await eventually('the note', () => tooLate.notes.length === 1);
    await rent('OLD');
    for (const listener of [future, tooLate]) {
      await eventually('what comes next', () =>
        listener.events.some(({ data }) => data['sku'] === 'OLD'),
      );
      expect(listener.notes).toEqual([{ type: 'reload' }]);
    }
    // Who has all but the newest misses nothing.
    const id = tooLate.events[0]?.id;
    const again = await listen(service.url, { query: `since=${id}&productId=OLD` });
    await hears(again, 1);
    expect(again.notes).toEqual([]);
    for (const listener of [future, before, tooLate, again]) listener.close();
  });

  it('tells a store nothing of another', async () => {
    await makeProduct('OURS');
    const theirs = await listen(service.url, { who: { storeId: 2 }, query: 'since=0' });
    await rent('OURS');
    const other = service.client({ storeId: 2 });
    await other.post('/api/products', { sku: 'OTHER', name: 'x', quantity: 1, publish: true });
    await hears(theirs, 1);
    expect(theirs.events.map(({ storeId, data }) => [storeId, data['sku']])).toEqual([
      [2, 'OTHER'],
    ]);
    await expect(
      listen(service.url, { who: { storeId: 2 }, query: 'productId=OURS' }),
    ).rejects.toMatchObject({ status: 404, code: 'product_not_found' });
    theirs.close();
  });

  it('tells a customer of products, and of what is its own', async () => {
    const id = await makeProduct('SHARED', { quantity: 10 });
    const who = { sub: 'ann', role: 'customer' } as const;
    const ann = await listen(service.url, { who, query: `productId=${id}` });
    const send = holds(service.app.core, id);
    await rent('SHARED', { user_id: 'bob' });
    await send.reserve('cart-of-bob', 'bob');
    await rent('SHARED');
    await send.reserve('cart-of-ann', 'ann');
    await rent('SHARED', { user_id: 'ann' });
    await hears(ann, 7);
    expect(ann.events.map(({ type }) => type)).toEqual([
      ...Array.from({ length: 3 }, () => 'product.availability_changed'),
      'reservation.created',
      'product.availability_changed',
      'rental.created',
      'product.availability_changed',
    ]);
    ann.close();
  });

  describe('who is let in', () => {
    it.each([
      ['no token', '', {}, 401, 'unauthenticated'],
      ['garbage', '', { Authorization: 'Bearer x' }, 401, 'unauthenticated'],
      ['an unknown ticket', 'ticket=x', {}, 401, 'unauthenticated'],
      ['an unknown parameter', 'sinse=1', null, 400, 'malformed_request'],
      ['a since that is no id', 'since=-1', null, 400, 'malformed_request'],
      ['a type that there is not', 'types=rental.lost', null, 400, 'malformed_request'],
      ['no type at all', 'types=', null, 400, 'malformed_request'],
      ['a parameter twice', 'since=1&since=2', null, 400, 'malformed_request'],
      ['another store', '', { 'X-Store-Id': '7' }, 403, 'forbidden'],
      ['an unknown product', 'productId=NOWHERE', null, 404, 'product_not_found'],
    ])('not with %s', async (_what, query, headers, status, code) => {
      const token = { Authorization: `Bearer ${await tokenFor()}` };
      const isAnonymous = headers && !('X-Store-Id' in headers);
      const sent = isAnonymous ? headers : { ...token, ...headers };
      await expect(
        listen(service.url, { query, headers: sent as Record<string, string> }),
      ).rejects.toMatchObject({ status, code });
    });

    it('with a ticket, once', async () => {
      await makeProduct('TICKET', { quantity: 10 });
      const ann = service.client({ sub: 'ann', role: 'customer' });
      const key = { 'Idempotency-Key': `ticket-${kind}` };
      const { status, body } = await ann.post('/api/events/ticket', undefined, key);
      expect(status).toBe(201);
      expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(30_500);
      expect((await ann.post('/api/events/ticket', undefined, key)).body).toEqual({
        ...body,
        ticket: null,
      });
      const options = { query: `ticket=${body.ticket}&types=rental.*`, headers: {} };
      const both = await Promise.allSettled([
        listen(service.url, options),
        listen(service.url, options),
      ]);
      const [listener] = both.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
      await rent('TICKET', { user_id: 'bob' });
      await rent('TICKET', { user_id: 'ann' });
      await eventually('its own', () => listener?.events.length === 1);
      expect(listener?.events[0]?.data['userId']).toBe('ann');
      listener?.close();
    });

    it('not with a ticket that is past its time', async () => {
      const { body } = await admin.post('/api/events/ticket');
      await service.rows.run("UPDATE event_tickets SET expires_at = '2020-01-01 00:00:00.000'");
      await expect(
        listen(service.url, { query: `ticket=${body.ticket}`, headers: {} }),
      ).rejects.toMatchObject({ status: 401 });
    });

    it('for as long as the token is good, also by a ticket', async () => {
      const token = await tokenFor({}, 2);
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch(`${service.url}/api/events/ticket`, { method: 'POST', headers });
      const { ticket } = (await answer.json()) as { ticket: string };
      const listeners = [
        await listen(service.url, { headers }),
        await listen(service.url, { query: `ticket=${ticket}`, headers: {} }),
      ];
      for (const { closed } of listeners) {
        expect(await closed).toEqual({ code: 4001, reason: 'The token has expired.' });
      }
    });

    it('a client that offers HTTP/2 is answered as ever', async () => {
      const answer = await new Promise<string>((resolve, reject) => {
        const { hostname, port } = new URL(service.url);
        const socket = connect(Number(port), hostname, () =>
          socket.write(
            'POST /api/events/ticket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n' +
              'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n{}',
          ),
        );
        socket.once('data', (data) => {
          socket.destroy();
          resolve(String(data));
        });
        socket.once('error', reject);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    });
  });

  it('hangs up on a client that sends something', async () => {
    const listener = await listen(service.url);
    listener.ws.send('hello');
    expect((await listener.closed).code).toBe(1008);
  });
});

/** What document 4 does with holds, without its routes. */
function holds(core: Core, productId: number) {
  const header = () => ({ id: newId(), storeId: 1, actor: 'test', idempotency: null });
  const about = (reservationId: string) => ({
    ...header(),
    productId,
    reservationId,
    ownerId: null,
  });
  return {
    async reserve(cartId: string, customerId: string): Promise<string> {
      const reservationId = newId();
      await core.send({
        ...header(),
        kind: 'reserve',
        ownerId: null,
        how: 'set',
        reason: null,
        lines: [
          {
            productId,
            cartId,
            quantity: 1,
            customerId,
            expiry: { lastsMs: 60_000 },
            reservationId,
          },
        ],
      });
      return reservationId;
    },
    extend: (id: string) => core.send({ ...about(id), kind: 'extend', byMs: 1_000 }),
    release: (id: string) => core.send({ ...about(id), kind: 'release', reason: 'cancelled' }),
    confirm: (id: string) =>
      core.send({ ...about(id), kind: 'confirm', orderId: 'o', rentalId: newId() }),
  };
}
