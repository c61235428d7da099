import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { type Service, startService } from '../helpers/service.js';

const LIMIT = 4;

describe.each(DATABASES)('webhook endpoints of a store on %s', (kind) => {
  let database: TestDatabase;
  let copies: Service[];

  beforeAll(async () => {
    database = await createDatabase(kind);
    const settings = { MAX_WEBHOOK_ENDPOINTS: String(LIMIT) };
    copies = [await startService(database, settings), await startService(database, settings)];
  });
  afterAll(async () => {
    for (const copy of copies) await copy.stop();
    await database.drop();
  });

  const register = (n: number, storeId = 1) =>
    copies[n % copies.length]
      ?.client({ storeId })
      .post('/api/webhook-endpoints', { url: `https://example.com/${n}`, events: ['*'] });

  it('are no more than may be, however many are made at once, by whatever copy', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, (_, n) => register(n)));
    const refused = answers.filter((answer) => answer?.status !== 201);
    expect(refused).toHaveLength(24 - LIMIT);
    for (const answer of refused) {
      expect([answer?.status, answer?.body]).toMatchObject([
        409,
        { code: 'webhook_endpoint_limit_reached', limit: LIMIT },
      ]);
    }
    const admin = copies[0]?.client();
    const { data } = (await admin?.get('/api/webhook-endpoints'))?.body ?? { data: [] };
    expect(data).toHaveLength(LIMIT);
    // Another store has its own, and one that is deleted makes room.
    expect((await register(0, 2))?.status).toBe(201);
    await admin?.delete(`/api/webhook-endpoints/${data[0].id}`);
    expect((await register(1))?.status).toBe(201);
    expect((await register(0))?.status).toBe(409);
  });
});
