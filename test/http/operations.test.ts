import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createApp } from '../../src/app.js';
import { SIGNED_ENDPOINTS } from '../../src/http/surfaces.js';
import { createLogger } from '../../src/log.js';
import { DATABASES } from '../helpers/databases.js';
import { itWithPromtool, runPromtool } from '../helpers/promtool.js';
import { type Service, startService, testConfig } from '../helpers/service.js';
import { SURFACES } from '../helpers/surfaces.js';

describe.each(DATABASES)('operations on %s', (kind) => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(kind, { METRICS_TOKEN: 'scrape me' });
  });
  afterAll(() => service.stop());

  const get = (path: string, init: RequestInit = {}) => fetch(`${service.url}${path}`, init);
  const scrape = async () =>
    (await get('/metrics', { headers: { Authorization: 'Bearer scrape me' } })).text();

  describe('health', () => {
    it('is alive and ready once it is started', async () => {
      expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' });
      const ready = await get('/readyz');
      expect(ready.status).toBe(200);
      expect(await ready.json()).toEqual({ status: 'ready' });
    });

    it('is not ready while the database is away, and serves nothing else', async () => {
      const config = testConfig({ DATABASE_URL: 'mysql://nobody@127.0.0.1:1/nowhere' });
      const app = createApp(config, { log: createLogger('silent'), secret: config.jwtSecret });
      const started = app.start().catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
      const ready = await fetch(`${app.url}/readyz`);
      expect(ready.status).toBe(503);
      expect(ready.headers.get('retry-after')).toBe('1');
      expect(await ready.json()).toEqual({
        status: 'not ready',
        reason: 'waiting for the database and its migrations',
      });
      expect(await (await fetch(`${app.url}/metrics`)).text()).toContain(
        '\navailability_ready 0\n',
      );
      expect((await fetch(`${app.url}/api/products`)).status).toBe(503);
      expect((await fetch(`${app.url}/openapi.json`)).status).toBe(200);
      await app.stop();
      await started;
    });

    it('is not ready as soon as it shuts down, and answers what still comes', async () => {
      const other = await startService(kind);
      const admin = other.client();
      await admin.get('/api/products');
      const stopped = other.app.stop({ delayMs: 800 });
      const ready = await fetch(`${other.url}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({ status: 'not ready', reason: 'shutting down' });
      const answer = await admin.post('/api/products', { sku: 'LATE', name: 'x', quantity: 1 });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('connection')).toBe('close');
      expect(await stopped).toBe(true);
      await expect(fetch(`${other.url}/healthz`)).rejects.toThrow();
      await other.rows.close();
      await other.testDatabase.drop();
    });
  });

  describe('metrics', () => {
    it('are given to whoever has METRICS_TOKEN, and to nobody else', async () => {
      for (const headers of [
        {},
        { Authorization: 'Bearer wrong' },
        { Authorization: 'scrape me' },
        { Authorization: `Bearer ${'scrape me'.repeat(2)}` },
      ]) {
        const response = await get('/metrics', { headers });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
      }
      expect(await scrape()).toContain('# TYPE');
    });

    it('count requests by route and status, and commands by what became of them', async () => {
      const admin = service.client();
      const product = { sku: 'COUNTED', name: 'x', quantity: 1, publish: true };
      const key = { 'Idempotency-Key': 'counted' };
      await admin.post('/api/products', product, key);
      await admin.post('/api/products', product, key);
      await admin.post('/api/rentals', { product_id: 'COUNTED' });
      await admin.post('/api/rentals', { product_id: 'COUNTED' });
      await admin.get('/api/products/secret-name');
      await admin.get('/no/such/path');
      const text = await scrape();
      const line = (start: string) => text.split('\n').find((one) => one.startsWith(start));
      const commands = 'availability_commands_total';
      expect(line(`${commands}{kind="create_products",outcome="accepted"}`)).toMatch(/ 1$/);
      expect(line(`${commands}{kind="create_products",outcome="replayed"}`)).toMatch(/ 1$/);
      expect(line(`${commands}{kind="rent",outcome="accepted"}`)).toMatch(/ 1$/);
      expect(line(`${commands}{kind="rent",outcome="refused"}`)).toMatch(/ 1$/);
      const count = 'http_request_duration_seconds_count';
      expect(line(`${count}{method="POST",route="/api/rentals",status="4xx"}`)).toMatch(/ 1$/);
      expect(line(`${count}{method="GET",route="none",status="4xx"}`)).toMatch(/ 1$/);
      // What a caller names is no label: there would be no end of them.
      expect(text).not.toContain('secret-name');
      for (const name of [
        'availability_batch_commands_count',
        'availability_batch_duration_seconds_count',
        'availability_mailbox_wait_seconds_count',
        'availability_waiting_commands 0',
        'availability_ready 1',
        'availability_mailbox_max_commands 10000',
        'availability_batches_in_flight 0',
        'nodejs_eventloop_lag_seconds',
        'process_resident_memory_bytes',
      ]) {
        expect(line(name)).toBeDefined();
      }
    });

    itWithPromtool('please promtool', async () => {
      runPromtool(['check', 'metrics'], await scrape());
    });
  });

  describe('the description of the API', () => {
    it('is valid OpenAPI 3.1', async () => {
      const document = await (await get('/openapi.json')).json();
      const { valid, errors } = await new Validator().validate(document as Record<string, unknown>);
      expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
      expect(document).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) });
    });

    it('lists every route, with its replies, its problems and an id of its own', async () => {
      const { paths } = (await (await get('/openapi.json')).json()) as {
        paths: Record<string, Record<string, { operationId: string; responses: object }>>;
      };
      const operations = Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, spec]) => ({ route: `${method} ${path}`, ...spec })),
      );
      const declared = SURFACES.flatMap((surface) => surface.endpoints).map(
        ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
      );
      const signed = SIGNED_ENDPOINTS.map(({ path }) => `post ${path}`);
      const plain = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'];
      expect(operations.map(({ route }) => route).sort()).toEqual(
        [...declared, ...signed, ...plain.map((path) => `get ${path}`)].sort(),
      );
      expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(
        operations.length,
      );
      for (const { route, responses } of operations) {
        if (!declared.includes(route)) continue;
        const statuses = Object.keys(responses);
        expect(statuses).toEqual(
          expect.arrayContaining(['400', '401', '403', '429', '500', '503']),
        );
        expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
      }
    });

    it('can be read in a browser without asking any other host', async () => {
      const page = await get('/docs');
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      const html = await page.text();
      const references = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
      expect(references).toHaveLength(4);
      for (const url of references.filter((one) => one !== 'data:,')) {
        expect(url).toMatch(/^\/docs\//);
        const file = await get(url);
        expect(file.status).toBe(200);
        expect((await file.text()).length).toBeGreaterThan(50);
        expect(file.headers.get('content-type')).toMatch(/^text\/(css|javascript); charset=utf-8$/);
      }
    });

    it.each(['package.json', '..%2fpackage.json', '__proto__', 'constructor'])(
      'does not give out other files: %s',
      async (file) => {
        expect((await get(`/docs/${file}`)).status).toBe(404);
      },
    );
  });

  describe('methods and paths', () => {
    it.each([
      ['PUT', '/api/products', 'GET, HEAD, POST'],
      ['DELETE', '/api/products/1', 'GET, HEAD, PATCH'],
      ['GET', '/api/products/1/publish', 'POST'],
      ['HEAD', '/api/products/1/publish', 'POST'],
      ['PATCH', '/api/rentals/1', 'GET, HEAD'],
      ['POST', '/healthz', 'GET, HEAD'],
      ['DELETE', '/openapi.json', 'GET, HEAD'],
    ])('%s %s is 405, with what is possible', async (method, path, allow) => {
      const response = await get(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe(allow);
    });

    it('OPTIONS says what is possible', async () => {
      const response = await get('/api/products/1', { method: 'OPTIONS' });
      expect(response.status).toBe(204);
      expect(response.headers.get('allow')).toBe('GET, HEAD, PATCH');
    });

    it('HEAD is GET without a body', async () => {
      const admin = service.client();
      const { id } = (await admin.post('/api/products', { sku: 'H', name: 'H', quantity: 1 })).body;
      const headers = await admin.get(`/api/products/${id}`).then((answer) => answer.headers);
      const head = await admin.head(`/api/products/${id}`);
      expect(head.status).toBe(200);
      expect(head.body).toBeUndefined();
      for (const name of ['etag', 'content-type', 'content-length']) {
        expect(head.headers.get(name)).toBe(headers.get(name));
      }
      expect((await admin.head('/api/products/NOBODY')).status).toBe(404);
    });

    it.each(['/', '/api', '/api/product', '/api/products/1/x', '//', '/api//products', '/.env'])(
      '%s is 404 without asking who it is',
      async (path) => {
        const response = await get(path);
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: 'not_found', instance: path });
      },
    );
  });
});
