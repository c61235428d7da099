import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)('the metrics of holds on %s', (kind) => {
  let service: Service;
  let admin: Client;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  /** The lines of a scrape that are about holds, without their buckets. */
  async function scraped(): Promise<Record<string, number>> {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    const lines = text.matchAll(/^(availability_(?:hold|held|active_hold|cleanup)\S*) (\S+)$/gm);
    return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
  }
  const outcome = (name: string) => `availability_holds_ended_total{outcome="${name}"}`;

  it('tell how holds ended, how long that took, and how many of their units were rented', async () => {
    const product = { sku: 'HELD', name: 'Held', quantity: 20, publish: true };
    const { id } = (await admin.post('/api/products', product)).body;
    const reserve = async (reservationId: string, quantity: number, more: object = {}) => {
      const hold = { variantId: id, quantity, reservationId, ...more };
      const answer = await admin.post('/api/inventory/reserve', { reservations: [hold] });
      expect(answer.status).toBe(200);
    };
    const sell = async (reservationId: string, quantity: number) => {
      const update = { variantId: id, quantity, reason: 'sold', reservationId };
      const answer = await admin.post('/api/inventory/confirm-sale', { updates: [update] });
      expect(answer.status).toBe(200);
    };
    const expiresAt = new Date(Date.now() + 300).toISOString();
    await reserve('part', 5);
    await reserve('whole', 2);
    await reserve('back', 1);
    await reserve('late', 4, { expiresAt });
    await sell('part', 3);
    expect(await scraped()).toMatchObject({
      [outcome('confirmed')]: 0,
      availability_held_units_rented_total: 3,
    });
    await sell('part', 2);
    // Two of them are held, the third one is not.
    await sell('whole', 3);
    await admin.post('/api/inventory/release', { reservationId: 'back' });
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt) - Date.now() + 200));
    await admin.post('/api/reservations/cleanup');
    const after = await scraped();
    expect(after).toMatchObject({
      [outcome('confirmed')]: 2,
      [outcome('released')]: 1,
      [outcome('expired')]: 1,
      availability_held_units_rented_total: 7,
      availability_hold_overdue_seconds_count: 1,
      availability_cleanup_duration_seconds_count: 1,
      availability_cleanup_batches_total: 1,
      availability_cleanup_errors_total: 0,
    });
    const { availability_hold_overdue_seconds_sum: overdueSeconds } = after;
    expect(overdueSeconds).toBeGreaterThanOrEqual(0.1);
  });
});
