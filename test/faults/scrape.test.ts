import { describe, expect, it } from '@jest/globals';
import { createDatabase, serverUrl } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';
import { startProxy } from '../helpers/tcp-proxy.js';

/** after which Prometheus counts a scrape as failed, and the service as down */
const SCRAPE_TIMEOUT_MS = 10_000;

describe('a scrape while the database hangs', () => {
  it('says in time that the service is not ready, and leaves out what it can not know', async () => {
    const testDatabase = await createDatabase('mysql');
    const proxy = await startProxy(Number(new URL(serverUrl()).port));
    const url = testDatabase.url.replace(/:\d+\//, `:${proxy.port}/`);
    const service = await startService({ ...testDatabase, url });
    try {
      proxy.blackhole = true;
      const startedMs = performance.now();
      const text = await (await fetch(`${service.url}/metrics`)).text();
      expect(performance.now() - startedMs).toBeLessThan(SCRAPE_TIMEOUT_MS * 0.8);
      expect(text).toContain('\navailability_ready 0\n');
      expect(text).not.toContain('\navailability_units{');
    } finally {
      await proxy.close();
      await service.stop();
      await testDatabase.drop();
    }
  });
});
