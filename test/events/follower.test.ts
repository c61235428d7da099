import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Following, startFollower } from '../../src/events/follower.js';
import type { ToldEvent } from '../../src/events/told-event.js';
import { createLogger } from '../../src/log.js';
import { DATABASES } from '../helpers/databases.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const log = createLogger('silent');

describe.each(DATABASES)('a follower on %s', (kind) => {
  let service: Service;
  let admin: Client;
  const running: Following[] = [];
  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
    await admin.post('/api/products', { sku: 'P', name: 'P', quantity: 1_000, publish: true });
  });
  afterAll(async () => {
    for (const one of running) await one.stop();
    await service.stop();
  });

  const rent = async (times = 1) => {
    for (let i = 0; i < times; i++) await admin.post('/api/rentals', { product_id: 'P' });
  };
  function follow(name: string, take: (events: readonly ToldEvent[]) => Promise<void>): Following {
    const wants = ({ type }: { type: string }) => type === 'rental.created';
    const following = startFollower({ name, wants, take }, { database: service.rows, log });
    running.push(following);
    return following;
  }

  it('goes on where it was, and is given again what it could not take', async () => {
    const taken: number[] = [];
    let isBroken = false;
    const take = async (events: readonly ToldEvent[]) => {
      if (isBroken) throw new Error('not now');
      taken.push(...events.map(({ sequence }) => sequence));
    };
    const first = follow('hooks', take);
    await sleep(500);
    await rent(3);
    await eventually('three', () => taken.length === 3);
    isBroken = true;
    await rent(2);
    await sleep(500);
    await first.stop();
    expect(taken).toHaveLength(3);

    isBroken = false;
    await rent(2);
    follow('hooks', take);
    await eventually('all of them', () => taken.length === 7);
    expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
  });

  it('is one among several copies, and another takes over', async () => {
    const taken: [copy: number, sequence: number][] = [];
    const copies = [0, 1, 2].map((copy) =>
      follow('mail', async (events) => {
        taken.push(...events.map(({ sequence }): [number, number] => [copy, sequence]));
      }),
    );
    await sleep(1_000);
    await rent(5);
    await eventually('five', () => taken.length === 5);
    const [atWork] = taken[0] ?? [0];
    expect(new Set(taken.map(([copy]) => copy))).toEqual(new Set([atWork]));
    await copies[atWork]?.stop();
    await rent(5);
    await eventually('ten', () => taken.length === 10);
    expect(new Set(taken.map(([, sequence]) => sequence)).size).toBe(10);
    expect(taken[9]?.[0]).not.toBe(atWork);
  });
});
