import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assembleCore } from './assemble-core.js';
import { type Clock, systemClock } from './clock.js';
import type { Config } from './config.js';
import type { Core } from './core.js';
import { type Carrier, startCarrier } from './events/carrier.js';
import { Feed } from './events/feed.js';
import { type Follower, type Following, startFollower } from './events/follower.js';
import { prepareOutbox, RELAY, type Relay, startRelay } from './events/relay.js';
import { Authenticator } from './http/auth.js';
import { dashboardFolder, dashboardRouter } from './http/dashboard/routes.js';
import { createEventSocket } from './http/events/event-socket.js';
import { openApiDocument } from './http/openapi.js';
import { operationsRouter } from './http/operations/routes.js';
import { createHttpServer } from './http/server.js';
import { SIGNED_ENDPOINTS, surfacesFor } from './http/surfaces.js';
import { startCleanupSchedule } from './jobs/cleanup-schedule.js';
import { ORDER_SCHEDULE, startOrderSchedule } from './jobs/orders.js';
import { startOverdueSchedule } from './jobs/overdue.js';
import { startPurgeJob } from './jobs/purge.js';
import { startReportSchedule } from './jobs/report-schedule.js';
import { startRollUpSchedule } from './jobs/rollup-schedule.js';
import { SYNC_SCHEDULE, startSyncSchedule } from './jobs/sync-schedule.js';
import type { Logger } from './log.js';
import { MAILER, startMailer } from './mail/mailer.js';
import { mailNotices } from './mail/notices.js';
import { smtpTransport } from './mail/transport.js';
import { findApiKeys } from './persistence/api-keys.js';
import type { Database } from './persistence/database.js';
import { DatabaseFault } from './persistence/faults.js';
import { createMigrator } from './persistence/migrations.js';
import { sharedQuery } from './persistence/reads/shared-query.js';
import { VERSION } from './version.js';
import { webhookDispatcher } from './webhooks/dispatcher.js';
import { createPoster } from './webhooks/post.js';
import { SENDER, startWebhookSender } from './webhooks/sender.js';
import { within } from './within.js';

const DATABASE_RETRY_MS = 1_000;
/** even a shutdown that is late lets replies that were given reach their clients */
const LAST_REPLIES_MS = 1_000;
/** a server that doesn't answer any more does not keep the process */
const CLOSE_DATABASE_MS = 1_000;

const WEBHOOK_TIMEOUT_MS = 10_000;
const POLL_MS = 250;
const POLL_TO_BE_SURE_MS = 1_000;
/** A transaction is so many statements at the most from its first line on, each as long as it may be. */
const TRANSACTION_STATEMENTS = 12;

/** The service, built from its settings and not started yet. */
export interface App {
  /** Listens, then waits for the database and migrates it. Resolves when requests are served. */
  start(): Promise<void>;
  /** where it listens, once started: `http://host:port` */
  readonly url: string;
  readonly core: Core;
  /**
   * Takes no more requests, answers all that wait, and closes everything. Before that the port
   * stays open for `delayMs`, while `/readyz` says 503. Returns false where not all could be
   * answered in time.
   */
  stop(options?: { delayMs: number }): Promise<boolean>;
}

/**
 * The composition root: who gets whom. `secret` is what HS256 tokens are checked with; a clock is
 * given in tests only.
 */
export function createApp(
  config: Config,
  parts: { log: Logger; secret: string | null; clock?: Clock },
): App {
  const { log } = parts;
  const clock = parts.clock ?? systemClock;
  let relay: Relay | null = null;
  let carrier: Carrier | null = null;
  /** who must miss no event */
  const followings: Following[] = [];
  const { core, database, committer, metrics, readiness, stores, refusals } = assembleCore(config, {
    log,
    clock,
    committed: () => relay?.nudge(),
  });
  const feed = new Feed({ database, log, pollMs: () => pollMs() });
  const findApiKey = sharedQuery(async (ids: readonly string[]) => {
    const keys = await findApiKeys(database, ids);
    return ids.map((id) => keys.find((key) => key.id === id) ?? null);
  });
  const authenticator = new Authenticator({ ...config, jwtSecret: parts.secret }, findApiKey);
  const surfaces = surfacesFor(config);
  const operations = operationsRouter({
    metrics,
    metricsToken: config.metricsToken,
    notReady: () => readiness.notReady(),
    openApi: () => openApiDocument(surfaces, SIGNED_ENDPOINTS, VERSION),
  });
  operations.use(dashboardRouter(dashboardFolder()).routes());
  const server = createHttpServer(
    {
      core,
      authenticator,
      surfaces,
      signedEndpoints: SIGNED_ENDPOINTS,
      operations,
      metrics,
      log,
      ensureStore: (storeId) => stores.ensure(storeId),
      isStarted: () => readiness.isStarted,
      isStopping: () => readiness.isStopping,
    },
    config,
  );
  const eventSocket = createEventSocket({
    core,
    authenticator,
    feed,
    metrics,
    log,
    ensureStore: (storeId) => stores.ensure(storeId),
    isStarted: () => readiness.isStarted,
    isStopping: () => readiness.isStopping,
  });
  server.on('upgrade', eventSocket.upgrade);
  /** what ends each job that runs */
  const jobs: (() => Promise<void>)[] = [];
  let stopped = false;

  return {
    core,
    get url() {
      return urlOf(server);
    },
    async start() {
      await listen(server, config);
      await prepareDatabase();
      startEvents();
      startWebhooks();
      startMail();
      readiness.started();
      const { eventRetentionDays } = config;
      jobs.push(startPurgeJob(database, { log, eventRetentionDays }));
      const parts = { core, database, clock, log };
      jobs.push(startOverdueSchedule(parts));
      jobs.push(startCleanupSchedule(config.reservationCleanupInterval, parts));
      jobs.push(startOrderSchedule(ORDER_SCHEDULE, parts));
      jobs.push(refusals.start());
      jobs.push(startRollUpSchedule(config, parts));
      jobs.push(startReportSchedule(config, parts));
      if (config.syncCron !== null) {
        const options = { ...SYNC_SCHEDULE, cron: config.syncCron };
        jobs.push(startSyncSchedule(options, parts));
      }
    },
    async stop({ delayMs } = { delayMs: 0 }) {
      const graceMs = config.shutdownGraceSeconds * 1000;
      const lastRepliesMs = Math.min(LAST_REPLIES_MS, graceMs / 4);
      const deadlineMs = clock.monotonicMs() + graceMs - lastRepliesMs;
      const leftMs = () => Math.max(0, deadlineMs - clock.monotonicMs());
      stopped = true;
      readiness.stopping();
      await clock.sleep(delayMs);
      // Whoever is told to go may come back with what it missed, elsewhere.
      const eventsStopped = eventSocket.close().then(() => feed.stop());
      const jobsStopped = Promise.all(jobs.map((stopJob) => stopJob()));
      // A request that is still being read, or reads rows first, may yet send a command.
      const closed = closeServer(server);
      await within(leftMs(), closed, undefined);
      const allAnswered = await committer.close(leftMs());
      await within(lastRepliesMs, closed, undefined);
      server.closeAllConnections();
      // What was refused while it stopped is counted last.
      const over = Promise.all([jobsStopped.then(() => refusals.flush()), eventsStopped]);
      await within(CLOSE_DATABASE_MS, over.then(database.close), undefined);
      return allAnswered;
    },
  };

  function startEvents(): void {
    const { lowStockThreshold, queryTimeoutSeconds, redisUrl } = config;
    const own = startRelay(
      {
        ...RELAY,
        lowStockThreshold,
        transactionMaxSeconds: TRANSACTION_STATEMENTS * queryTimeoutSeconds,
      },
      {
        database,
        clock,
        log,
        observer: {
          told(told) {
            metrics.eventsTold.inc(told.last - told.after);
            feed.told(told);
            for (const following of followings) following.nudge();
          },
        },
      },
    );
    relay = own;
    jobs.push(() => own.stop());
    if (redisUrl === null) return;
    const channel = `availability:${databaseName(config)}:events`;
    const events = startCarrier(
      { url: redisUrl, channel },
      { feed, isAtWork: () => own.isAtWork, log },
    );
    carrier = events;
    jobs.push(() => events.stop());
  }

  function startWebhooks(): void {
    const sender = startWebhookSender(
      {
        ...SENDER,
        retrySeconds: config.webhookRetrySchedule,
        userAgent: `rental-availability/${VERSION}`,
      },
      {
        database,
        send: core.send,
        poster: createPoster({
          allowPrivate: config.webhookAllowPrivate,
          timeoutMs: WEBHOOK_TIMEOUT_MS,
        }),
        log,
        observer: {
          attempted: (attempt) => metrics.webhookAttempted(attempt),
          ended: (outcome) => metrics.webhookEnded(outcome),
          endpointDisabled: (reason) => metrics.webhookEndpointDisabled(reason),
        },
      },
    );
    jobs.push(() => sender.stop());
    follow(webhookDispatcher(database, () => sender.nudge()));
  }

  function startMail(): void {
    const { smtpUrl: url, alertEmail: alertEmails } = config;
    const from = config.mailFrom ?? alertEmails[0];
    if (url === null || from === undefined) {
      log.info('mail is off: SMTP_URL is not set');
      return;
    }
    follow(mailNotices(alertEmails));
    const transport = smtpTransport({ url, from });
    const mailer = startMailer(
      { ...MAILER, alertEmails },
      { database, transport, log, observer: metrics },
    );
    jobs.push(() => mailer.stop());
  }

  function follow(follower: Follower): void {
    const following = startFollower(follower, { database, log });
    followings.push(following);
    jobs.push(() => following.stop());
  }

  /** Where somebody brings the events, the outbox is looked into only to be sure. */
  function pollMs(): number {
    return relay?.isAtWork || carrier?.isBringing ? POLL_TO_BE_SURE_MS : POLL_MS;
  }

  async function prepareDatabase(): Promise<void> {
    const migrator = createMigrator(database, config.database);
    for (;;) {
      try {
        await database.select('SELECT 1');
        const { run } = await migrator.up();
        if (run.length > 0) {
          const { executed } = await migrator.status();
          const wasEmpty = executed.length === run.length;
          log.info(
            { database: databaseName(config), migrations: run },
            // Whoever mistyped its name looks for rows here that are elsewhere.
            wasEmpty ? 'the database was empty: a new one was made' : 'the database was migrated',
          );
        }
        await prepareOutbox(database);
        await warnOfWeakDurability(database, log);
        return;
      } catch (error) {
        const isAway = error instanceof DatabaseFault && error.kind !== 'rejected';
        if (!isAway || stopped) throw error;
        log.warn(
          { reason: error.message, retry_ms: DATABASE_RETRY_MS },
          'waiting for the database: it can not be reached',
        );
        await clock.sleep(DATABASE_RETRY_MS);
      }
    }
  }
}

/** A commit is only as durable as the server makes it: said loudly, since it is not ours to refuse. */
async function warnOfWeakDurability(database: Database, log: Logger): Promise<void> {
  if (database.dialect.name !== 'mysql') return;
  const [row] = await database.select('SELECT @@innodb_flush_log_at_trx_commit AS flush');
  if (row?.['flush'] === 1) return;
  log.warn(
    { innodb_flush_log_at_trx_commit: row?.['flush'] },
    'COMMITS CAN BE LOST: the database does not flush its log at each commit (it should be 1)',
  );
}

/** What copies on the same database have in common, and on one Redis no others. */
function databaseName({ database }: Config): string {
  return database.dialect === 'mysql' ? database.database : database.file;
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Resolves when every connection is closed; idle ones are closed at once. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function urlOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
