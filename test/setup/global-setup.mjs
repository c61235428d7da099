import { startMariadb } from './mariadb.mjs';

/** Brings up the server that suites run on beside SQLite; each makes databases of its own on it. */
export default async function globalSetup() {
  if (process.env.TEST_DATABASE_URL) return;
  const server = await startMariadb();
  process.env.TEST_DATABASE_URL = server.url;
  globalThis.stopTestDatabase = server.stop;
}
