import autocannon from 'autocannon';
import type { Load } from './generator.js';
import { requestsOf, UNIQUE } from './requests.js';

/** The load generator where there is no wrk: a process that sends what its argument says. */
const load = JSON.parse(process.argv[2] ?? '') as Load;
const requests = requestsOf(load);
let sent = 0;

const result = await autocannon({
  url: load.url,
  connections: load.connections,
  duration: load.seconds,
  timeout: 30,
  requests: [
    {
      setupRequest(request) {
        const chosen = requests[Math.floor(Math.random() * requests.length)];
        if (!chosen) throw new Error('there is nothing to send');
        const { method, path, body } = chosen;
        const number = String(++sent).padStart(UNIQUE.length, '0');
        const headers: Record<string, string> = { Authorization: `Bearer ${load.token}` };
        if (load.withKeys) headers['Idempotency-Key'] = `${load.prefix}${number}`;
        if (body === null) return { ...request, method, path, headers };
        headers['Content-Type'] = 'application/json';
        return { ...request, method, path, headers, body: body.replaceAll(UNIQUE, number) };
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
