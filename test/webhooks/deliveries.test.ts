import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Client, type Service, startService } from '../helpers/service.js';
import { answer, hang, type Receiver, startReceiver, verify } from '../helpers/webhook-receiver.js';

const DAYS_AGO = '2020-01-01 00:00:00.000';

describe.each(DATABASES)('webhooks on %s', (kind) => {
  let service: Service;
  let admin: Client;
  let receiver: Receiver;
  let made = 0;

  beforeAll(async () => {
    receiver = await startReceiver();
    service = await startService(kind, {
      WEBHOOK_ALLOW_PRIVATE: 'true',
      WEBHOOK_RETRY_SCHEDULE: '0.1,0.1',
    });
    admin = service.client();
  });
  afterAll(async () => {
    await service.stop();
    await receiver.stop();
  });

  const newPath = () => `/hook-${++made}`;
  const register = async (path: string, events = ['rental.*'], client = admin) =>
    (await client.post('/api/webhook-endpoints', { url: receiver.url + path, events })).body as {
      id: string;
      secret: string;
    };
  const makeProduct = async (fields: object = {}, client = admin): Promise<number> => {
    const product = { sku: `P-${++made}`, name: 'x', quantity: 100, publish: true, ...fields };
    return (await client.post('/api/products', product)).body.id;
  };
  const rent = async (product_id: number, client = admin) =>
    (await client.post('/api/rentals', { product_id })).body.id as string;
  const deliveries = async (id: string, query = '') =>
    (await admin.get(`/api/webhook-endpoints/${id}/deliveries${query}`)).body.data as {
      id: string;
      eventId: string;
      type: string;
      status: string;
      attempts: number;
      responseStatus: number | null;
      error: string | null;
    }[];
  const comes = (path: string, count: number) =>
    eventually(`${count} on ${path}`, () => receiver.on(path).length >= count);
  /** Waits until nothing is on its way to an endpoint any more. */
  const settled = (id: string) =>
    eventually('nothing pending', async () => {
      const all = await deliveries(id);
      return all.length > 0 && all.every(({ status }) => status !== 'pending');
    });

  it('come for what is wanted and for nothing else, signed, as it is told everywhere', async () => {
    const path = newPath();
    const { id, secret } = await register(path, ['rental.created', 'product.low_stock']);
    const product = await makeProduct({ quantity: 2, low_stock_threshold: 1 });
    const rental = await rent(product);
    await admin.post(`/api/rentals/${rental}/complete`);
    await comes(path, 2);
    await sleep(400);
    const [created, low, ...others] = receiver.on(path);
    expect(others).toEqual([]);
    if (!created || !low) throw new Error('nothing came');
    expect(verify(secret, created)).toEqual(created.event);
    expect(created.event).toMatchObject({
      id: created.id,
      type: 'rental.created',
      storeId: 1,
      data: { id: rental, productId: product, status: 'active' },
    });
    expect(created.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^rental-availability\//),
    });
    expect(verify(secret, low)).toMatchObject({
      type: 'product.low_stock',
      data: { threshold: 1 },
    });
    expect(() => verify(secret, { ...low, raw: created.raw })).toThrow();
    await settled(id);
    expect(await deliveries(id)).toMatchObject([
      { eventId: low.id, type: 'product.low_stock', status: 'delivered', attempts: 1 },
      { eventId: created.id, status: 'delivered', responseStatus: 204, error: null },
    ]);
  });

  it('are signed with both secrets while one replaces the other', async () => {
    const path = newPath();
    const { id, secret: old } = await register(path);
    const key = { 'Idempotency-Key': `rotate-${id}` };
    const rotate = () => admin.patch(`/api/webhook-endpoints/${id}`, { rotateSecret: true }, key);
    const { secret } = (await rotate()).body;
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(secret).not.toBe(old);
    expect((await rotate()).body.secret).toBeNull();
    const product = await makeProduct();
    await rent(product);
    await comes(path, 1);
    for (const one of [old, secret]) verify(one, receiver.on(path)[0] ?? fail());
    await service.rows.run(
      `UPDATE webhook_endpoints SET previous_secret_until = '${DAYS_AGO}' WHERE id = '${id}'`,
    );
    await rent(product);
    await comes(path, 2);
    const [, last = fail()] = receiver.on(path);
    verify(secret, last);
    expect(() => verify(old, last)).toThrow();
  });

  it('are tried again until they are taken, and what comes after on the product waits', async () => {
    const path = newPath();
    const { id } = await register(path);
    let failures = 2;
    receiver.behave(path, (_, response) => {
      response.writeHead(failures-- > 0 ? 503 : 200).end();
    });
    const product = await makeProduct();
    for (let n = 0; n < 3; n++) await rent(product);
    await settled(id);
    const ids = receiver.on(path).map((one) => Number(one.id));
    const [first] = ids;
    expect(ids.slice(0, 3)).toEqual([first, first, first]);
    expect(ids.slice(2)).toEqual([...ids.slice(2)].sort((a, b) => a - b));
    expect(ids).toHaveLength(5);
    const [attempts] = (await deliveries(id)).map((delivery) => delivery.attempts).slice(-1);
    expect(attempts).toBe(3);
  });

  it('are given up when no attempt is left, and sent again when somebody asks', async () => {
    const path = newPath();
    const { id } = await register(path);
    receiver.behave(path, answer(500));
    const product = await makeProduct();
    await rent(product);
    await settled(id);
    const [lost = fail()] = await deliveries(id, '?status=failed');
    expect(lost).toMatchObject({ attempts: 3, responseStatus: 500, error: 'answered 500' });
    expect(receiver.on(path)).toHaveLength(3);
    const endpoint = (await admin.get(`/api/webhook-endpoints/${id}`)).body;
    expect(endpoint).toMatchObject({ enabled: true, failingSince: expect.any(String) });

    receiver.behave(path, answer(200));
    const retry = `/api/webhook-endpoints/${id}/deliveries/${lost.id}/retry`;
    expect((await admin.post(retry)).body).toMatchObject({ status: 'pending', attempts: 0 });
    await settled(id);
    expect(receiver.on(path).at(-1)?.id).toBe(lost.eventId);
    expect((await admin.get(`/api/webhook-endpoints/${id}`)).body.failingSince).toBeNull();
    // One that was delivered can be had once more as well.
    await admin.post(retry);
    await comes(path, 5);
  });

  it('follow no redirect: it counts as a failure, wherever it leads', async () => {
    const path = newPath();
    const elsewhere = newPath();
    receiver.behave(path, answer(307, { Location: receiver.url + elsewhere }));
    const { id } = await register(path);
    await rent(await makeProduct());
    await settled(id);
    expect(await deliveries(id)).toMatchObject([{ status: 'failed', responseStatus: 307 }]);
    expect(receiver.on(elsewhere)).toEqual([]);
  });

  it('end with 410, and that is told to the others', async () => {
    const [path, others] = [newPath(), newPath()];
    const { id } = await register(path);
    const { id: watcher } = await register(others, ['webhook_endpoint.*']);
    receiver.behave(path, answer(410));
    const product = await makeProduct();
    await rent(product);
    await comes(others, 1);
    expect(receiver.on(others)[0]?.event).toMatchObject({
      type: 'webhook_endpoint.disabled',
      data: { id, disabledReason: 'gone', url: receiver.url + path },
    });
    expect(receiver.on(others)[0]?.raw).not.toContain('whsec_');
    await rent(product);
    await sleep(500);
    expect(receiver.on(path)).toHaveLength(1);
    expect((await admin.get(`/api/webhook-endpoints/${id}`)).body).toMatchObject({
      enabled: false,
      disabledReason: 'gone',
    });
    receiver.behave(path, answer(200));
    const on = await admin.patch(`/api/webhook-endpoints/${id}`, { enabled: true });
    expect(on.body).toMatchObject({ enabled: true, disabledReason: null, failingSince: null });
    await rent(product);
    await comes(path, 2);
    await admin.delete(`/api/webhook-endpoints/${watcher}`);
  });

  it('are switched off where nothing was taken for a day, and not before', async () => {
    const path = newPath();
    const { id } = await register(path);
    receiver.behave(path, answer(500));
    const product = await makeProduct();
    await rent(product);
    await settled(id);
    const shown = async () => (await admin.get(`/api/webhook-endpoints/${id}`)).body;
    expect((await shown()).enabled).toBe(true);
    await service.rows.run(
      `UPDATE webhook_endpoints SET failing_since = '${DAYS_AGO}' WHERE id = '${id}'`,
    );
    await rent(product);
    await eventually('switched off', async () => !(await shown()).enabled);
    expect((await shown()).disabledReason).toBe('failing');
  });

  it('to one that hangs hold up nobody else', async () => {
    const [slow, fast] = [newPath(), newPath()];
    receiver.behave(slow, hang);
    const { id: hangs } = await register(slow, ['*']);
    await register(fast);
    const products = await Promise.all(Array.from({ length: 12 }, () => makeProduct()));
    await eventually('it hangs', () => receiver.on(slow).length > 0);
    const sinceMs = performance.now();
    await Promise.all(products.map((product) => rent(product)));
    await comes(fast, 12);
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
    expect(receiver.on(slow).length).toBeLessThanOrEqual(8);
    await admin.delete(`/api/webhook-endpoints/${hangs}`);
  });

  it('are taken from an answer as soon as its status is there, however long it is', async () => {
    const path = newPath();
    receiver.behave(path, (_, response) => {
      response.writeHead(200);
      const more = () => response.write('x'.repeat(64 * 1024)) && setTimeout(more, 1);
      response.on('drain', more);
      more();
    });
    const { id } = await register(path);
    const product = await makeProduct();
    for (let n = 0; n < 3; n++) await rent(product);
    await settled(id);
    expect((await deliveries(id)).map(({ status }) => status)).toEqual(Array(3).fill('delivered'));
  });

  it('say nothing of another store', async () => {
    const path = newPath();
    const other = service.client({ storeId: 2 });
    const { id } = await register(path, ['*'], other);
    await rent(await makeProduct());
    const theirs = await makeProduct({}, other);
    await rent(theirs, other);
    await comes(path, 2);
    await sleep(300);
    expect(new Set(receiver.on(path).map(({ event }) => event.storeId))).toEqual(new Set([2]));
    expect((await admin.get(`/api/webhook-endpoints/${id}`)).status).toBe(404);
  });

  it('are listed page by page, newest event first', async () => {
    const path = newPath();
    const { id } = await register(path);
    const product = await makeProduct();
    for (let n = 0; n < 5; n++) await rent(product);
    await comes(path, 5);
    const list = `/api/webhook-endpoints/${id}/deliveries?limit=3`;
    const first = (await admin.get(list)).body;
    const second = (await admin.get(`${list}&cursor=${first.nextCursor}`)).body;
    const ids = [...first.data, ...second.data].map(({ eventId }) => Number(eventId));
    expect(ids).toEqual([...receiver.on(path)].map((one) => Number(one.id)).reverse());
    expect(second.nextCursor).toBeNull();
  });
});

function fail(): never {
  throw new Error('it is not there');
}
