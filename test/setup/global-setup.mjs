import { ensureChromium } from './chromium.mjs';
import { startMariadb } from './mariadb.mjs';
import { ensurePromtool } from './promtool.mjs';
import { ensureRedis } from './redis.mjs';

/**
 * Brings up the server that suites run on beside SQLite, where each makes databases of its own, and
 * finds promtool, redis-server and a Chromium. All are told to the suites in the environment.
 */
export default async function globalSetup() {
  const promtool = ensurePromtool();
  if (promtool) process.env.PROMTOOL = promtool;
  const redis = ensureRedis();
  if (redis) {
    process.env.REDIS_SERVER = redis.command;
    process.env.REDIS_LIBRARIES = redis.libraries ?? '';
  }
  const chromium = ensureChromium();
  if (chromium) process.env.CHROMIUM = chromium;
  if (process.env.TEST_DATABASE_URL) return;
  const server = await startMariadb();
  process.env.TEST_DATABASE_URL = server.url;
  globalThis.stopTestDatabase = server.stop;
}
