import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const statuses = async (client: Client, times: number) => {
  const answers = await Promise.all(
    Array.from({ length: times }, () => client.get('/api/products')),
  );
  return answers.map(({ status }) => status).sort();
};

describe.each(DATABASES)('the rate limit on %s', (kind) => {
  let limited: Service;
  let open: Service;
  beforeAll(async () => {
    limited = await startService(kind, { RATE_LIMIT_PER_MINUTE: '3' });
    open = await startService(kind);
  });
  afterAll(() => Promise.all([limited.stop(), open.stop()]));

  it('lets each caller send so many requests a minute, and says when to come back', async () => {
    const client = limited.client({ sub: 'one' });
    expect(await statuses(client, 5)).toEqual([200, 200, 200, 429, 429]);
    const { status, headers } = await client.post('/api/products', {});
    expect(status).toBe(429);
    const seconds = Number(headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  it('counts each caller and each store by itself', async () => {
    expect(await statuses(limited.client({ sub: 'two' }), 3)).toEqual([200, 200, 200]);
    expect(await statuses(limited.client({ sub: 'three' }), 3)).toEqual([200, 200, 200]);
    expect(await statuses(limited.client({ sub: 'two', storeId: 2 }), 3)).toEqual([200, 200, 200]);
  });

  it('leaves health and metrics alone', async () => {
    for (let i = 0; i < 5; i++) {
      expect((await fetch(`${limited.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${limited.url}/metrics`)).status).toBe(200);
    }
  });

  it('is off by default', async () => {
    expect(new Set(await statuses(open.client(), 100))).toEqual(new Set([200]));
  });
});
