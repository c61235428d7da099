import { resolve } from 'node:path';
import { createApp } from './app.js';
import { type Config, ConfigError, readConfig } from './config.js';
import { createLogger } from './log.js';
import { DatabaseFault } from './persistence/faults.js';
import { jwtSecret, signToken } from './tokens.js';

const TOKEN_LIFETIME_SECONDS = 30 * 24 * 3600;

/** Starts the service, and stops it at SIGTERM or SIGINT. The only place that ends the process. */
async function main(): Promise<void> {
  const config = settingsOrExit();
  const log = createLogger(config.logLevel);
  const secret = jwtSecret(config);
  const app = createApp(config, { log, secret });

  let stopping = false;
  const stop = async (signal: NodeJS.Signals, delaySeconds: number) => {
    // npm passes a signal on that the process has got already.
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'shutting down: what was accepted is answered first');
    setTimeout(() => {
      log.error('not everything was answered in time; leaving anyway');
      process.exit(1);
    }, config.shutdownGraceSeconds * 1000).unref();
    const allAnswered = await app.stop({ delayMs: delaySeconds * 1000 });
    log.info('stopped');
    process.exit(allAnswered ? 0 : 1);
  };
  process.on('SIGTERM', () => void stop('SIGTERM', config.shutdownDelaySeconds));
  process.on('SIGINT', () => void stop('SIGINT', 0));

  const startedMs = performance.now();
  try {
    await app.start();
  } catch (error) {
    if (stopping) return;
    // Whoever started it has to take another address or file: a sentence says more than a stack.
    const sentence = whyNotListening(error, config) ?? whyNoDatabase(error, config);
    if (sentence === null) log.fatal({ err: error }, 'the service could not start');
    else process.stderr.write(`${sentence}\n`);
    process.exit(1);
  }
  log.info({ url: app.url, ready_ms: Math.round(performance.now() - startedMs) }, 'ready');
  if (config.jwtSecret === null && secret !== null) await greet(config, app.url, secret);
}

function settingsOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The service can not start with these settings:\n${error.message}\n`);
    process.exit(1);
  }
}

/** Null where the error is about something else than the address. */
function whyNotListening(error: unknown, { host, port }: Config): string | null {
  if (!(error instanceof Error && 'code' in error)) return null;
  switch (error.code) {
    case 'EADDRINUSE':
      return (
        `Something listens on port ${port} of ${host} already. ` +
        `Stop it, or take another port: PORT=${port + 1} npm start`
      );
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host} to listen on: HOST has to be one of its own.`;
    default:
      return null;
  }
}

/** Null where the error is about something else than a file that is no database. */
function whyNoDatabase(error: unknown, { database }: Config): string | null {
  const isOther = !(error instanceof DatabaseFault) || !error.message.startsWith('SQLITE_NOTADB');
  if (isOther || database.dialect !== 'sqlite') return null;
  return (
    `${resolve(database.file)} is no SQLite database, and was left as it is. ` +
    'Move it away, or name another file: DATABASE_URL=sqlite:<file> npm start'
  );
}

/** What somebody who tries the service needs: an address, a token, a first request. */
async function greet(config: Config, url: string, secret: string): Promise<void> {
  const token = await signToken(secret, {
    sub: 'admin',
    role: 'admin',
    storeId: 1,
    issuer: config.jwtIssuer,
    audience: config.jwtAudience,
    lifetimeSeconds: TOKEN_LIFETIME_SECONDS,
  });
  const call = (path: string, body: object) =>
    `curl -s ${url}${path} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Idempotency-Key: first${path}' -d '${JSON.stringify(body)}'`;
  const product = { sku: 'DRILL-18V', name: 'Cordless drill', quantity: 3, publish: true };
  process.stdout.write(
    `
Rental availability is ready at ${url} (documentation: ${url}/docs, dashboard: ${url}/admin)

An admin's token for store 1, good for 30 days:

TOKEN=${token}

Paste this to make a product and rent one unit of it:

TOKEN=${token}; ${call('/api/products', product)}; echo; ${call('/api/rentals', { product_id: 'DRILL-18V' })}; echo

`,
  );
}

await main();
