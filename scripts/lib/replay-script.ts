import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import { openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { signToken } from '../../src/tokens.js';
import { sayDatabase } from './name-database.js';
import { pastTable, replayPast } from './past.js';
import { type ReplayReport, replay } from './replay.js';
import { requireNoService } from './require-no-service.js';
import { script, storeNumber, type Terminal, UsageError, wholeNumber } from './script.js';

const CONCURRENCY_MAX = 1_000;
/** for one statement of those that write a past */
const PAST_QUERY_MS = 60_000;
const TOKEN_LIFETIME_SECONDS = 24 * 3600;

/** `npm run replay -- FOLDER`: past rentals through the service's REST interface. */
export const replayScript = script({
  help: `
Sends a folder of past rentals through the service's REST interface, and prints what became of them.

  npm run replay -- samples/sakila                          a service of its own, a database for now
  npm run replay -- samples/sakila --database               a service of its own, on DATABASE_URL
  npm run replay -- samples/sakila --past                   with the folder's own times, for reports
  npm run replay -- samples/sakila --url http://127.0.0.1:3000 --token "$TOKEN"

  --url URL          a service that runs; --token goes with it
  --token TOKEN      of an admin, a reseller or a service (npm run -s create-token)
  --database         use the database that DATABASE_URL names; what is replayed stays there
  --store N          the store to use, with a service of its own (default: 1)
  --concurrency N    products whose rentals are sent at the same time (default: 64)
  --past             send nothing: write the rentals with the times that they have, and print what
                     the reports say of them; with --database that one must have no ledger yet

The folder holds products.csv (sku, name, quantity, …) and rentals.csv (sku, user_id, starts_at,
returned_at). Each product's rentals and returns are sent in order of time, at the same instant
returns first. The store must not have these products yet. Where the service is overloaded or
away for a moment, a request is sent again under its Idempotency-Key.
Exits with 0 when all was sent and answered (refusals are answers), 1 when it failed, 2 when the
command line can not be understood.
`,
  options: {
    url: { type: 'string' },
    token: { type: 'string' },
    database: { type: 'boolean', default: false },
    store: { type: 'string' },
    concurrency: { type: 'string', default: '64' },
    past: { type: 'boolean', default: false },
  },
  positionalsMax: 1,
  async run({ values, positionals }, terminal) {
    const [folder] = positionals;
    if (folder === undefined) throw new UsageError('Which folder? Name one, like samples/sakila.');
    const { url, token, database, past } = values;
    const concurrency = wholeNumber(values.concurrency, {
      option: '--concurrency',
      min: 1,
      max: CONCURRENCY_MAX,
    });
    if ((url === undefined) !== (token === undefined)) {
      throw new UsageError('--url and --token go together.');
    }
    if (url !== undefined && past) throw new UsageError('--past is for a database, not for --url.');
    if (url !== undefined && token !== undefined) {
      if (database) throw new UsageError('--database is for a service of its own, not for --url.');
      if (values.store !== undefined) throw new UsageError('The token of --url says which store.');
      if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
        throw new UsageError('--url must be like http://127.0.0.1:3000.');
      }
      printReport(await replay({ folder, concurrency, url, token }, terminal), terminal);
      return;
    }
    const storeId = storeNumber(values.store ?? '1');
    if (past) {
      terminal.print(await reportOnPast({ folder, storeId, database }, terminal));
      return;
    }
    const own = await startOwnService({ database, storeId }, terminal);
    // The first Ctrl-C ends the replay and cleans up; the second one ends the process.
    const interruption = new AbortController();
    const interrupt = () => interruption.abort();
    process.once('SIGINT', interrupt);
    try {
      const { signal } = interruption;
      printReport(await replay({ folder, concurrency, ...own, signal }, terminal), terminal);
    } finally {
      process.off('SIGINT', interrupt);
      await own.stop();
    }
  },
});

/** What the reports say of the folder's rentals, in a database for now or in DATABASE_URL. */
async function reportOnPast(
  options: { folder: string; storeId: number; database: boolean },
  terminal: Terminal,
): Promise<string> {
  const place = placeFor('past.sqlite', { ...options, terminal });
  try {
    const config = readConfig(place.environment);
    if (options.database) sayDatabase(terminal, config.database);
    const limits = { poolMax: 2, queryTimeoutMs: PAST_QUERY_MS };
    const database = openDatabase(config.database, limits);
    try {
      await database.select('SELECT 1');
      await createMigrator(database, config.database).up();
      const name = 'this database';
      await requireNoService(database, { name, consequence: 'Nothing was written.' });
      const { lowStockThreshold } = config;
      return pastTable(await replayPast(database, { ...options, lowStockThreshold }));
    } finally {
      await database.close();
    }
  } finally {
    place.remove();
  }
}

/** DATABASE_URL, or a file in a folder of its own that `remove` takes away. */
function placeFor(
  file: string,
  { database, terminal }: { database: boolean; terminal: Terminal },
): { environment: Terminal['environment']; remove(): void } {
  if (database) return { environment: terminal.environment, remove: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'availability-replay-'));
  return {
    environment: { ...terminal.environment, DATABASE_URL: `sqlite:${join(folder, file)}` },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface OwnService {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

/** A service in this process, on a free port of this machine. */
async function startOwnService(
  { database, storeId }: { database: boolean; storeId: number },
  terminal: Terminal,
): Promise<OwnService> {
  const place = placeFor('replay.sqlite', { database, terminal });
  try {
    const secret = randomBytes(48).toString('base64url');
    const config = readConfig({
      ...place.environment,
      HOST: '127.0.0.1',
      PORT: '0',
      JWT_SECRET: secret,
      RATE_LIMIT_PER_MINUTE: '0',
    });
    if (database) sayDatabase(terminal, config.database);
    await assertReachable(config);
    const app = createApp(config, { log: createLogger('error', 2), secret });
    await app.start();
    const token = await signToken(secret, {
      sub: 'replay',
      role: 'service',
      storeId,
      issuer: config.jwtIssuer,
      audience: config.jwtAudience,
      lifetimeSeconds: TOKEN_LIFETIME_SECONDS,
    });
    return {
      url: app.url,
      token,
      async stop() {
        await app.stop();
        place.remove();
      },
    };
  } catch (error) {
    place.remove();
    throw error;
  }
}

/** The service would wait for its database; whoever runs a script is better told. */
async function assertReachable(config: ReturnType<typeof readConfig>): Promise<void> {
  const database = openDatabase(config.database, { poolMax: 2, queryTimeoutMs: 5_000 });
  try {
    await database.select('SELECT 1');
  } finally {
    await database.close();
  }
}

function printReport(report: ReplayReport, terminal: Terminal): void {
  const whole = (n: number) => Math.round(n).toLocaleString('en-US');
  const rows: [string, string][] = [
    ['accepted', whole(report.accepted)],
    ['refused', whole(report.refused)],
    ['completed', whole(report.completed)],
    ['out at the end', whole(report.out)],
    ['products rented out at the end', whole(report.rentedOut)],
    ['times a last unit went out', whole(report.lastUnitsOut)],
    ['requests', whole(report.requests)],
    ['requests sent again', whole(report.repeats)],
    ['seconds', report.seconds.toFixed(1)],
    ['requests per second', whole(report.requests / Math.max(report.seconds, 0.001))],
  ];
  for (const [name, value] of rows) terminal.print(`${name.padEnd(32)}${value.padStart(8)}`);
}
