import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import Router from '@koa/router';
import type { Context } from 'koa';
import { Problem } from '../problem.js';

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

// 'self' in connect-src is the WebSocket of this host as well.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const A_YEAR = 'public, max-age=31536000, immutable';

/**
 * Where `npm run build` puts the page: `dist/web`, which lies beside the build's output, and below
 * the sources' parent. undefined where it was not built.
 */
export function dashboardFolder(): string | undefined {
  return ['../../../web/', '../../../dist/web/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((folder) => existsSync(join(folder, 'assets')));
}

/**
 * The dashboard at `/admin`: a page that needs no caller, since it has nothing in it that is not
 * public; what it shows it asks of the API. Every address below it that is no file is the page,
 * which knows by its address what to show.
 */
export function dashboardRouter(folder: string | undefined): Router {
  const router = new Router();
  const files = folder === undefined ? new Map<string, PageFile>() : readFiles(folder);

  const sendPage = (ctx: Context) => {
    ctx.state['route'] = '/admin';
    const page = files.get('index.html');
    if (!page) throw new Problem('not_found', 'The dashboard is not built: npm run build does so.');
    ctx.set('Content-Security-Policy', POLICY);
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cache-Control', 'no-cache');
    send(ctx, page);
  };
  router.get('/admin', sendPage);
  // Whoever types the service's address into a browser; a client that takes anything is no browser.
  router.get('/', (ctx) => {
    const isBrowser = ctx.accepts('json', 'html') === 'html';
    if (!files.has('index.html') || !isBrowser) {
      throw new Problem('not_found', `There is nothing at ${ctx.path}. See /docs.`);
    }
    ctx.state['route'] = '/';
    ctx.vary('Accept');
    ctx.redirect('/admin/');
  });
  // Its name says what is in it, so it may be kept for good.
  router.get('/admin/assets/:file', (ctx) => {
    ctx.state['route'] = '/admin/assets/:file';
    const file = files.get(`assets/${ctx['params']['file']}`);
    if (!file) throw new Problem('not_found', `There is nothing at ${ctx.path}.`);
    ctx.set('Cache-Control', A_YEAR);
    send(ctx, file);
  });
  router.get('/admin/*rest', sendPage);
  return router;
}

function send(ctx: Context, { type, bytes, gzipped }: PageFile): void {
  const isGzip = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.vary('Accept-Encoding');
  if (isGzip) ctx.set('Content-Encoding', 'gzip');
  ctx.type = type;
  ctx.body = isGzip ? gzipped : bytes;
}

/** They are few and small: read and compressed once, by their path below the folder. */
function readFiles(folder: string): Map<string, PageFile> {
  const names = ['index.html', ...readdirSync(join(folder, 'assets')).map((n) => `assets/${n}`)];
  return new Map(
    names.flatMap((name): [string, PageFile][] => {
      const type = TYPES[extname(name)];
      if (type === undefined) return [];
      const bytes = readFileSync(join(folder, name));
      return [[name, { type, bytes, gzipped: gzipSync(bytes, { level: 9 }) }]];
    }),
  );
}
