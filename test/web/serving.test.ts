import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Service, startService } from '../helpers/service.js';

const BUNDLE_BYTES_MAX = 150 * 1024;

describe('the files of the dashboard', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService('sqlite');
  });
  afterAll(() => service.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${service.url}${path}`, { headers });
  const atRoot = (init: RequestInit) => fetch(`${service.url}/`, { redirect: 'manual', ...init });
  const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  const assets = () => readdirSync('dist/web/assets');

  it('are the page at every address below /admin, which is asked for anew each time', async () => {
    const pages = ['/admin', '/admin/', '/admin/products/17', '/admin/a/b/c?d=e'];
    for (const path of pages) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('<div id="app">');
    }
  });

  it("are where a browser is sent to from the service's own address, and nobody else", async () => {
    const sent = await atRoot({ headers: { Accept: BROWSER } });
    expect(sent.status).toBe(302);
    expect(sent.headers.get('location')).toBe('/admin/');
    expect(sent.headers.get('vary')).toContain('Accept');
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.5']) {
      const refused = await atRoot({ headers: { Accept: accept } });
      expect(refused.status).toBe(404);
      expect(await refused.json()).toMatchObject({ code: 'not_found' });
    }
  });

  it('may load and ask nothing but their own service, and be framed by nobody', async () => {
    const { headers } = await get('/admin');
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((rule) => {
        const [name = '', ...sources] = rule.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
    });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('name no address but their own', () => {
    const code = assets()
      .map((file) => readFileSync(`dist/web/assets/${file}`, 'utf8'))
      .join('\n');
    const foreign = code.match(/\bhttps?:\/\/(?!www\.w3\.org\/)[^\s"'`)]+/g) ?? [];
    expect(foreign).toEqual([]);
  });

  it('are kept for good where their name says what is in them', async () => {
    for (const file of assets()) {
      const response = await get(`/admin/assets/${file}`);
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes).toEqual(readFileSync(`dist/web/assets/${file}`));
    }
  });

  it('are sent as they are to who takes no gzip', async () => {
    const response = await get('/admin', { 'Accept-Encoding': 'identity' });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect((await get('/admin')).headers.get('content-encoding')).toBe('gzip');
  });

  it.each(['/admin/assets/none.js', '/admin/assets/..%2Findex.html', '/admin/assets/.stamp'])(
    'do not include %s',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    },
  );

  it('have at most 150 KB, compressed', () => {
    const sizes = assets().map((file) => gzipSync(readFileSync(`dist/web/assets/${file}`)).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(BUNDLE_BYTES_MAX);
  });
});
