import autocannon from 'autocannon';
import type { Load } from './generator.js';

/** The load generator where there is no wrk: a process that sends what its argument says. */
const load = JSON.parse(process.argv[2] ?? '') as Load;
let sent = 0;

const result = await autocannon({
  url: load.url,
  connections: load.connections,
  duration: load.seconds,
  timeout: 30,
  requests: [
    {
      setupRequest(request) {
        const product = 1 + Math.floor(Math.random() * load.products);
        const headers: Record<string, string> = { Authorization: `Bearer ${load.token}` };
        if (load.request === 'availability') {
          const path = `/api/products/${product}/availability`;
          return { ...request, method: 'GET', path, headers };
        }
        headers['Content-Type'] = 'application/json';
        if (load.keyPrefix !== null) headers['Idempotency-Key'] = `${load.keyPrefix}${sent++}`;
        const body = JSON.stringify({ product_id: product, user_id: 'bench' });
        return { ...request, method: 'POST', path: '/api/rentals', headers, body };
      },
    },
  ],
});

process.stdout.write(
  `${JSON.stringify({
    requests: result.requests.total,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.errors + result.timeouts + result.non2xx,
  })}\n`,
);
