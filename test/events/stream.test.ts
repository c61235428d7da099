import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type EventListener, listen } from '../helpers/event-listener.js';
import { eventually } from '../helpers/recorder.js';
import { type Client, type Service, startService } from '../helpers/service.js';

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
  const makeProduct = async (sku: string, fields: object = {}) =>
    (await admin.post('/api/products', { sku, name: sku, quantity: 2, publish: true, ...fields }))
      .body.id as number;
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
});
