import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { check } from '../helpers/checker.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { killAll, type ServiceProcess, startProcess } from '../helpers/process.js';
import { createRecorder, rentalOf, sleep } from '../helpers/recorder.js';
import { clientOf, tokenFor } from '../helpers/service.js';

const MINUTES_OFF = 5;

/** A process whose clock is that many minutes ahead of everybody else's. */
function clockAhead(minutes: number): Record<string, string> {
  const module = `
    const Real = Date;
    const shiftMs = ${minutes * 60_000};
    globalThis.Date = class Date extends Real {
      constructor(...given) {
        if (given.length === 0) super(Real.now() + shiftMs);
        else super(...given);
      }
      static now() {
        return Real.now() + shiftMs;
      }
    };
  `;
  return {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}`,
    // often, so that a job that went by its own clock would be caught
    RESERVATION_CLEANUP_INTERVAL: '0.02',
  };
}

/** What decides whether a hold is due is the database's time, whatever a process believes. */
describe.each(DATABASES)('holds on %s, by processes whose clocks are wrong', (kind) => {
  let database: TestDatabase;
  let ahead: ServiceProcess;
  let behind: ServiceProcess;
  const recorder = createRecorder();
  const copies = () => [ahead, behind];

  beforeAll(async () => {
    database = await createDatabase(kind);
    ahead = await startProcess(database.url, clockAhead(MINUTES_OFF));
    behind = await startProcess(database.url, clockAhead(-MINUTES_OFF));
  });
  afterAll(async () => {
    killAll();
    await Promise.all(copies().map(({ exited }) => exited));
    await database.drop();
  });

  async function makeProduct(sku: string, quantity: number): Promise<number> {
    const body = { sku, name: sku, quantity, publish: true };
    const made = await recorder.send(ahead.url, { path: '/api/products', body });
    return made?.body.id;
  }

  const reserve = (service: ServiceProcess, variantId: number, cart: string, expiresAt: string) =>
    recorder.send(service.url, {
      path: '/api/inventory/reserve',
      body: { reservations: [{ variantId, quantity: 1, reservationId: cart, expiresAt }] },
    });
  const rent = (service: ServiceProcess, id: number) =>
    recorder.send(service.url, { path: '/api/rentals', body: rentalOf(id) });

  it('that are indeed wrong', () => {
    const offMs = (service: ServiceProcess) =>
      Date.parse(String(service.log.at(-1)?.['time'])) - Date.now();
    expect(offMs(ahead)).toBeGreaterThan((MINUTES_OFF - 1) * 60_000);
    expect(offMs(behind)).toBeLessThan(-(MINUTES_OFF - 1) * 60_000);
  });

  it('last as long as was asked for', async () => {
    const id = await makeProduct('lasts', 5);
    for (const [i, service] of copies().entries()) {
      const askedMs = Date.now();
      const held = await recorder.send(service.url, {
        path: '/api/reservations',
        body: { cartId: `lasts ${i}`, resellerProductId: id, quantity: 1, expiresInMinutes: 1 },
      });
      expect(held?.status).toBe(201);
      const lastsMs = Date.parse(held?.body.expiresAt) - askedMs;
      expect(lastsMs).toBeGreaterThanOrEqual(59_000);
      expect(lastsMs).toBeLessThan(70_000);
      // What lies ahead, and what is past, is told by the database's time as well.
      expect(await reserve(service, id, `soon ${i}`, inMs(30_000))).toMatchObject({ status: 200 });
      expect(await reserve(service, id, `past ${i}`, inMs(-10_000))).toMatchObject({ status: 422 });
    }
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  });

  it('are kept until they are due, and over from then on, on each of them', async () => {
    const id = await makeProduct('due', 2);
    const dueMs = Date.now() + 4_000;
    const held = await Promise.all(
      copies().map((service, i) => reserve(service, id, `due ${i}`, new Date(dueMs).toISOString())),
    );
    expect(held.map((answer) => answer?.status)).toEqual([200, 200]);
    const [first, second] = held.map((answer) => answer?.body.reservations[0].id);
    const look = async (service: ServiceProcess) => {
      const client = clientOf(service.url, () => tokenFor());
      const reservation = await client.get(`/api/reservations/${first}`);
      const stock = await client.get(`/api/reservations/stock/${id}`);
      return [reservation.body.status, stock.body.availableStock];
    };
    // Through at least one run of the cleanup on each.
    await sleep(2_500);
    for (const service of copies()) {
      expect(await look(service)).toEqual(['reserved', 0]);
      expect(await rent(service, id)).toMatchObject({
        status: 409,
        body: { code: 'out_of_stock' },
      });
    }
    const confirmed = await recorder.send(ahead.url, {
      path: `/api/reservations/${second}/confirm`,
      body: { orderId: 'in time' },
    });
    expect([confirmed?.status, Date.now() < dueMs]).toEqual([200, true]);

    await sleep(dueMs - Date.now() + 20);
    for (const service of copies()) expect(await look(service)).toEqual(['expired', 1]);
    const late = await recorder.send(behind.url, {
      path: `/api/reservations/${first}/confirm`,
      body: { orderId: 'too late' },
    });
    expect(late).toMatchObject({ status: 409, body: { code: 'reservation_expired' } });
    expect(await rent(behind, id)).toMatchObject({ status: 201 });
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
  });
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
