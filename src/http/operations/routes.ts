import { createHash, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import Router from '@koa/router';
import absolutePath from 'swagger-ui-dist/absolute-path.js';
import type { Metrics } from '../../metrics.js';
import { Problem } from '../problem.js';

export interface OperationParts {
  readonly metrics: Metrics;
  /** null: anybody may scrape */
  readonly metricsToken: string | null;
  /** Why the service is not ready; null where it is. Answers within a second. */
  notReady(): Promise<string | null>;
  openApi(): unknown;
}

const DOCS_FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rental availability: API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="icon" href="data:,">
</head>
<body><div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
`;
const DOCS_START =
  "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });\n";
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** The routes that need no caller: health, metrics, the API's description. */
export function operationsRouter(parts: OperationParts): Router {
  const router = new Router();

  router.get('/healthz', (ctx) => {
    ctx.state['route'] = '/healthz';
    ctx.body = { status: 'ok' };
  });

  router.get('/readyz', async (ctx) => {
    ctx.state['route'] = '/readyz';
    const reason = await parts.notReady();
    ctx.status = reason === null ? 200 : 503;
    if (reason !== null) ctx.set('Retry-After', '1');
    ctx.body = reason === null ? { status: 'ready' } : { status: 'not ready', reason };
  });

  router.get('/metrics', async (ctx) => {
    ctx.state['route'] = '/metrics';
    if (parts.metricsToken !== null && !isToken(ctx.headers.authorization, parts.metricsToken)) {
      throw new Problem('unauthenticated', 'Send "Authorization: Bearer <METRICS_TOKEN>".', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    ctx.body = await parts.metrics.registry.metrics();
    ctx.type = parts.metrics.registry.contentType;
  });

  router.get('/openapi.json', (ctx) => {
    ctx.state['route'] = '/openapi.json';
    ctx.body = parts.openApi();
  });

  router.get('/docs', (ctx) => {
    ctx.state['route'] = '/docs';
    ctx.set('Content-Security-Policy', DOCS_POLICY);
    ctx.type = 'text/html; charset=utf-8';
    ctx.body = DOCS_PAGE;
  });

  router.get('/docs/:file', (ctx) => {
    ctx.state['route'] = '/docs/:file';
    const file = String(ctx['params']['file']);
    const type = Object.hasOwn(DOCS_FILES, file) ? DOCS_FILES[file] : undefined;
    if (file === 'start.js') {
      ctx.type = 'text/javascript; charset=utf-8';
      ctx.body = DOCS_START;
    } else if (type !== undefined) {
      ctx.type = type;
      ctx.set('Cache-Control', 'public, max-age=3600');
      ctx.body = createReadStream(join(absolutePath(), file));
    } else {
      throw new Problem('not_found', `There is nothing at ${ctx.path}.`);
    }
  });

  return router;
}

function isToken(authorization: string | undefined, token: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`));
}
