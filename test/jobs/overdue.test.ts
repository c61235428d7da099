import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startOverdueSchedule } from '../../src/jobs/overdue.js';
import { createLogger } from '../../src/log.js';
import { DATABASES } from '../helpers/databases.js';
import { listen } from '../helpers/event-listener.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Service, startService } from '../helpers/service.js';

const log = createLogger('silent');
const EVERY_SECOND = '* * * * * *';

describe.each(DATABASES)('overdue rentals on %s', (kind) => {
  let service: Service;
  const stops: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    service = await startService(kind);
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await service.stop();
  });

  it('are told once each, whatever the number of copies; those that are over are not', async () => {
    const admin = service.client();
    await admin.post('/api/products', { sku: 'P', name: 'P', quantity: 500, publish: true });
    const rent = async (endsInMs: number | null) => {
      const ends_at = endsInMs === null ? null : new Date(Date.now() + endsInMs).toISOString();
      const rental = { product_id: 'P', user_id: 'ann', ends_at };
      return (await admin.post('/api/rentals', rental)).body.id as string;
    };
    const late = await Promise.all(Array.from({ length: 250 }, () => rent(-60_000)));
    const soon = await rent(2_500);
    await rent(3_600_000);
    await rent(null);
    await admin.post(`/api/rentals/${await rent(-60_000)}/complete`);
    const listener = await listen(service.url, { query: 'types=rental.overdue&since=0' });
    for (let copy = 0; copy < 3; copy++) {
      const parts = { core: service.app.core, database: service.rows, log };
      stops.push(startOverdueSchedule(parts, EVERY_SECOND));
    }
    // The service's own run of a minute may have the lease, which then lasts half a minute.
    const isAllTold = () => listener.events.length === late.length + 1;
    await eventually('all are told', isAllTold, 60_000);
    await sleep(1_500);
    const ids = listener.events.map(({ data }) => data['id']);
    expect([...ids].sort()).toEqual([...late, soon].sort());
    expect(ids.at(-1)).toBe(soon);
    expect(listener.events[0]?.data).toMatchObject({
      status: 'active',
      userId: 'ann',
      endsAt: expect.stringMatching(/Z$/),
    });
    listener.close();
  }, 90_000);
});
