import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.js';
import { at } from '../../src/persistence/sql.js';
import { line, reserve } from '../helpers/commands.js';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const counters = (quantity: number, available: number, rented: number, reserved = 0) => ({
  quantity,
  quantity_available: available,
  quantity_reserved: reserved,
  quantity_rented: rented,
});
const HOUR_MS = 3_600_000;

describe.each(DATABASES)('sync on %s', (kind) => {
  let service: Service;
  let admin: Client;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
  });
  afterAll(() => service.stop());

  /** A product with 5 units, 2 of them out on one rental. */
  async function rentedProduct(sku: string) {
    const made = { sku, name: sku, quantity: 5, publish: true };
    const { body: product } = await admin.post('/api/products', made);
    const { body: rental } = await admin.post('/api/rentals', { product_id: sku, quantity: 2 });
    return { id: product.id as number, rentalId: rental.id as string };
  }

  /** Holds units for a cart of its own, for an hour. */
  async function holdUnits(productId: number, quantity: number): Promise<string> {
    const reservationId = newId();
    const expiry = { lastsMs: HOUR_MS };
    const one = line(quantity, { productId, cartId: reservationId, reservationId, expiry });
    const { outcome } = await service.app.core.send(reserve('set', [one], { id: newId() }));
    expect(outcome.ok).toBe(true);
    return reservationId;
  }

  /** What the ledger adds up to, line by line, has to be what the row says. */
  async function expectLawful(id: number) {
    const { body: product } = await admin.get(`/api/products/${id}`);
    const { body: ledger } = await admin.get(`/api/products/${id}/movements?limit=200`);
    for (const counter of Object.keys(counters(0, 0, 0))) {
      const sum = ledger.data.reduce(
        (total: number, line: Record<string, number>) => total + (line[`${counter}_delta`] ?? 0),
        0,
      );
      expect({ counter, sum }).toEqual({ counter, sum: product[counter] });
    }
    const { body: active } = await admin.get(`/api/rentals?product_id=${id}&status=active`);
    const out = active.data.reduce(
      (n: number, rental: { quantity: number }) => n + rental.quantity,
      0,
    );
    expect(out).toBe(product.quantity_rented);
  }

  const SPOILS = [
    {
      what: 'quantities edited by hand',
      spoil: (id: number) =>
        `UPDATE products SET quantity_available = 5, quantity_rented = 0 WHERE id = ${id}`,
      old: counters(5, 5, 0),
      new: counters(5, 3, 2),
      causes: ['counter_changed_outside'],
    },
    {
      what: 'a rental completed behind the back of the service',
      spoil: (_id: number, rentalId: string) =>
        `UPDATE rentals SET status = 'completed' WHERE id = '${rentalId}'`,
      old: counters(5, 3, 2),
      new: counters(5, 5, 0),
      causes: ['rental_changed_outside'],
    },
    {
      what: 'a rental row deleted',
      spoil: (_id: number, rentalId: string) => `DELETE FROM rentals WHERE id = '${rentalId}'`,
      old: counters(5, 3, 2),
      new: counters(5, 5, 0),
      causes: ['rental_changed_outside'],
    },
    {
      what: 'a counter that can not cover what is out',
      spoil: (id: number) =>
        `UPDATE products SET quantity = 1, quantity_available = 0, quantity_rented = 1 WHERE id = ${id}`,
      old: counters(1, 0, 1),
      new: counters(2, 0, 2),
      causes: ['over_committed', 'counter_changed_outside'],
    },
    {
      what: 'a status edited by hand',
      spoil: (id: number) =>
        `UPDATE products SET availability_status = 'rented_out' WHERE id = ${id}`,
      old: counters(5, 3, 2),
      new: counters(5, 3, 2),
      causes: ['counter_changed_outside'],
    },
  ];

  const SPOILT_HOLDS = [
    {
      what: 'a hold deleted',
      spoil: (holdId: string) => `DELETE FROM reservations WHERE id = '${holdId}'`,
      new: counters(5, 3, 2),
    },
    {
      what: 'a hold whose units were edited',
      spoil: (holdId: string) => `UPDATE reservations SET quantity = 1 WHERE id = '${holdId}'`,
      new: counters(5, 2, 2, 1),
    },
    {
      what: 'a hold of more units than are owned',
      spoil: (holdId: string) => `UPDATE reservations SET quantity = 4 WHERE id = '${holdId}'`,
      new: counters(6, 0, 2, 4),
      causes: ['over_committed', 'reservation_changed_outside'],
    },
    {
      what: 'a hold released behind the back of the service',
      spoil: (holdId: string) =>
        `UPDATE reservations SET status = 'released', active = NULL WHERE id = '${holdId}'`,
      new: counters(5, 3, 2),
    },
    {
      what: 'a hold that is due sooner than anybody would look',
      spoil: (holdId: string) =>
        `UPDATE reservations SET expires_at = '${at(Date.now() + HOUR_MS / 2)}' WHERE id = '${holdId}'`,
      new: counters(5, 1, 2, 2),
    },
  ];

  it.each(SPOILS)('finds, names and repairs $what, while rentals go on', async (example) => {
    const { id, rentalId } = await rentedProduct(`spoilt: ${example.what}`);
    await service.rows.run(example.spoil(id, rentalId));
    await expectRepair(id, example);
  });

  it.each(SPOILT_HOLDS)('finds, names and repairs $what, while holds go on', async (example) => {
    const { causes = ['reservation_changed_outside'] } = example;
    const { id } = await rentedProduct(`spoilt: ${example.what}`);
    await service.rows.run(example.spoil(await holdUnits(id, 2)));
    await expectRepair(id, { ...example, old: counters(5, 1, 2, 2), causes });
  });

  it('frees the units of a hold that was due already, and that nobody looked for', async () => {
    const { id } = await rentedProduct('hidden');
    const holdId = await holdUnits(id, 3);
    await service.rows.run(
      `UPDATE reservations SET expires_at = '2020-01-01 00:00:00.000' WHERE id = '${holdId}'`,
    );
    const rental = { product_id: id, quantity: 3 };
    expect((await admin.post('/api/rentals', rental)).body.code).toBe('out_of_stock');
    await admin.post(`/api/products/${id}/sync-quantity`);
    expect((await admin.post('/api/rentals', rental)).status).toBe(201);
    await expectLawful(id);
  });

  type Example = {
    what: string;
    old: Record<string, number>;
    new: Record<string, number>;
    causes: string[];
  };

  /** A dry run finds it, a run repairs it and nothing else, and then nothing is found. */
  async function expectRepair(id: number, example: Example) {
    const { body: busyProduct } = await admin.post('/api/products', {
      sku: `busy: ${example.what}`,
      name: 'b',
      quantity: 900,
      publish: true,
    });

    let isOver = false;
    const busy = (async () => {
      const statuses = new Set<number>();
      while (!isOver) {
        const rental = { product_id: `busy: ${example.what}` };
        const answers = await Promise.all(
          Array.from({ length: 5 }, () => admin.post('/api/rentals', rental)),
        );
        await holdUnits(busyProduct.id, 1);
        for (const { status } of answers) statuses.add(status);
      }
      return statuses;
    })();
    const dry = await admin.post('/api/products/sync-quantities?dry_run=true');
    const wet = await admin.post('/api/products/sync-quantities');
    const again = await admin.post('/api/products/sync-quantities?deep=true');
    isOver = true;
    expect([...(await busy)]).toEqual([201]);

    const finding = {
      product_id: id,
      old: example.old,
      new: example.new,
      cause: example.causes[0],
      causes: example.causes,
    };
    expect(dry.body).toMatchObject({ success: true, dry_run: true, synced_products: 1 });
    expect(dry.body.details).toEqual([expect.objectContaining(finding)]);
    expect(wet.body).toMatchObject({ success: true, dry_run: false, synced_products: 1 });
    expect(wet.body.details).toEqual(dry.body.details);
    expect(again.body).toMatchObject({ synced_products: 0, details: [] });
    await expectLawful(id);
    const { body: ledger } = await admin.get(`/api/products/${id}/movements?limit=1`);
    expect(ledger.data[0]).toMatchObject({
      kind: 'sync',
      reason: example.causes.join(', '),
      rental_id: null,
    });
  }

  it('finds with deep what a later command has covered up', async () => {
    const { id } = await rentedProduct('covered up');
    await service.rows.run(
      `UPDATE products SET quantity = 9, quantity_available = 7 WHERE id = ${id}`,
    );
    await admin.post('/api/rentals', { product_id: id });
    const shallow = await admin.post(`/api/products/${id}/sync-quantity`);
    expect(shallow.body).toMatchObject({ total_products: 1, synced_products: 0 });
    const deep = await admin.post(`/api/products/${id}/sync-quantity?deep=true`);
    expect(deep.body.details).toEqual([
      expect.objectContaining({ product_id: id, cause: 'counter_changed_outside' }),
    ]);
    await expectLawful(id);
  });

  it('lists its runs with what they found', async () => {
    const { id } = await rentedProduct('listed');
    await service.rows.run(
      `UPDATE products SET quantity_available = 4, quantity_rented = 1 WHERE id = ${id}`,
    );
    const run = await admin.post(`/api/products/listed/sync-quantity?dry_run=true`);
    const { body } = await admin.get('/api/products/sync-quantities/status?limit=1');
    expect(body.data).toEqual([
      expect.objectContaining({
        id: run.body.run_id,
        started_by: 'http',
        product_id: id,
        dry_run: true,
        status: 'finished',
        total_products: 1,
        synced_products: 1,
        details: run.body.details,
      }),
    ]);
    await admin.post('/api/products/listed/sync-quantity');
  });

  it('answers a repeat with the report of the first run', async () => {
    const { id } = await rentedProduct('repeated');
    await service.rows.run(
      `UPDATE products SET quantity_available = 5, quantity_rented = 0 WHERE id = ${id}`,
    );
    const key = { 'Idempotency-Key': 'sync-once' };
    const first = await admin.post('/api/products/sync-quantities', undefined, key);
    const repeat = await admin.post('/api/products/sync-quantities', undefined, key);
    expect(first.body.synced_products).toBe(1);
    expect(repeat.body).toEqual(first.body);
    expect(repeat.headers.get('Idempotency-Replayed')).toBe('true');
  });

  it('carries a run on that was cut off, and says 409 while another copy is at it', async () => {
    const { id } = await rentedProduct('cut off');
    await service.rows.run(
      `UPDATE products SET quantity_available = 5, quantity_rented = 0 WHERE id = ${id}`,
    );
    const key = { 'Idempotency-Key': 'cut-off' };
    const first = await admin.post('/api/products/sync-quantities', undefined, key);
    const unfinish = (heldUntil: string) =>
      service.rows.run(
        `UPDATE sync_runs SET finished_at = NULL, total_products = 0, last_product_id = 0, ` +
          `holder = '0', held_until = '${heldUntil}' WHERE id = '${first.body.run_id}'`,
      );
    await unfinish('2999-01-01 00:00:00.000');
    const busy = await admin.post('/api/products/sync-quantities', undefined, key);
    expect(busy).toMatchObject({ status: 409, body: { code: 'idempotency_in_progress' } });
    await unfinish('2020-01-01 00:00:00.000');
    const resumed = await admin.post('/api/products/sync-quantities', undefined, key);
    expect(resumed.body).toEqual(first.body);
  });

  it('looks at the own store alone', async () => {
    const { id } = await rentedProduct('mine');
    await service.rows.run(
      `UPDATE products SET quantity_available = 5, quantity_rented = 0 WHERE id = ${id}`,
    );
    const stranger = service.client({ storeId: 2 });
    const theirs = await stranger.post('/api/products/sync-quantities');
    expect(theirs.body).toMatchObject({ total_products: 0, synced_products: 0 });
    expect((await stranger.post(`/api/products/${id}/sync-quantity`)).status).toBe(404);
    const { body } = await admin.post('/api/products/sync-quantities');
    expect(body.synced_products).toBe(1);
  });
});
