import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApiKey } from '../../scripts/lib/create-api-key.js';
import { createToken } from '../../scripts/lib/create-token.js';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import { jwtSecret } from '../../src/tokens.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { clientOf, SECRET, type Service, startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

const product = { sku: 'A', name: 'A', quantity: 1 };

describe.each(DATABASES)('create-api-key on %s', (kind) => {
  let testDatabase: TestDatabase;
  let service: Service;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
  });
  afterAll(async () => {
    await service?.stop();
    await testDatabase.drop();
  });

  it('makes a key, also before the service ever ran, which the service accepts', async () => {
    const argv = ['--name', 'shop front', '--role', 'reseller', '--store', '7'];
    const made = await runScript(createApiKey, argv, { DATABASE_URL: testDatabase.url });
    expect(made.code).toBe(0);
    expect(made.output).toMatch(/^[0-9a-f-]{36}\.[\w-]{43}$/);
    expect(made.said).toEqual([
      'Made the reseller key "shop front" of store 7. Keep it: it is not shown again.',
    ]);

    service = await startService(testDatabase);
    const answer = await fetch(`${service.url}/api/products`, {
      method: 'POST',
      headers: { 'X-Api-Key': made.output, 'Content-Type': 'application/json' },
      body: JSON.stringify(product),
    });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ store_id: 7 });
    const listed = await service.client({ storeId: 7 }).get('/api/api-keys');
    expect(listed.body.data).toMatchObject([{ name: 'shop front', role: 'reseller' }]);
  });
});

describe('create-token', () => {
  it('prints a token that the service accepts, for the store, role and user asked for', async () => {
    const service = await startService('sqlite', { JWT_ISSUER: 'us', JWT_AUDIENCE: 'them' });
    try {
      const settings = { JWT_SECRET: SECRET, JWT_ISSUER: 'us', JWT_AUDIENCE: 'them' };
      const make = async (...argv: string[]) => {
        const { output } = await runScript(createToken, argv, settings);
        return clientOf(service.url, async () => output);
      };
      const made = await (await make('--store', '3')).post('/api/products', {
        ...product,
        publish: true,
      });
      expect(made.body).toMatchObject({ store_id: 3 });
      const customer = await make('--store', '3', '--role', 'customer', '--sub', 'eve');
      const rental = await customer.post('/api/rentals', { product_id: 'A' });
      expect(rental.body).toMatchObject({ user_id: 'eve' });
      expect((await customer.post('/api/products', product)).status).toBe(403);
    } finally {
      await service.stop();
    }
  });

  it('says what is missing where only a key set is known', async () => {
    const made = await runScript(createToken, [], { JWT_JWKS_URL: 'https://example.com/keys' });
    expect(made).toMatchObject({ code: 1, output: '' });
    expect(made.said[0]).toContain('JWT_SECRET is not set');
  });

  it('prints nothing but the token through npm, good for the embedded secret', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'availability-token-'));
    const environment = { DATABASE_URL: `sqlite:${join(folder, 'test.sqlite')}`, PORT: '0' };
    try {
      const run = spawnSync('npm', ['run', '-s', 'create-token'], {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
        encoding: 'utf8',
      });
      expect(run.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
      expect(run.status).toBe(0);

      const config = readConfig(environment);
      const app = createApp(config, { log: createLogger('silent'), secret: jwtSecret(config) });
      await app.start();
      const client = clientOf(app.url, async () => run.stdout.trim());
      const { status } = await client.get('/api/products');
      await app.stop();
      expect(status).toBe(200);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
