import { LRUCache } from 'lru-cache';
import { type Answer, Committer } from './actors/committer.js';
import { batchRunner } from './actors/run-batch.js';
import { atMostEvery } from './at-most-every.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Core, Send } from './core.js';
import { CartGrew } from './domain/cart-grew.js';
import type { QuantityChange } from './domain/changes.js';
import { type Command, withProducts } from './domain/command.js';
import type { Order } from './domain/order.js';
import { newId } from './ids.js';
import { createCleanups } from './jobs/cleanup.js';
import { createSync } from './jobs/sync.js';
import type { Logger } from './log.js';
import { createMetrics, type Gauges, type Metrics } from './metrics.js';
import { createPayments, type Payments } from './payments/payments.js';
import { stripeProvider } from './payments/stripe.js';
import { readStripeEvent } from './payments/stripe-events.js';
import { listApiKeys } from './persistence/api-keys.js';
import { batchStore } from './persistence/batch-store.js';
import { type Database, openDatabase } from './persistence/database.js';
import { redeemEventTicket } from './persistence/event-tickets.js';
import { DatabaseFault } from './persistence/faults.js';
import { readLag } from './persistence/outbox.js';
import { cartReads } from './persistence/reads/carts.js';
import { listAudit, listMovements } from './persistence/reads/movements.js';
import { type OrderReads, orderReads } from './persistence/reads/orders.js';
import { readOverview, type StoreOverview } from './persistence/reads/overview.js';
import { pageOf, productReads } from './persistence/reads/products.js';
import { rentalReads } from './persistence/reads/rentals.js';
import { reservationReads } from './persistence/reads/reservations.js';
import { summariseStock } from './persistence/reads/stock.js';
import { summariseTelling } from './persistence/reads/telling.js';
import { webhookReads } from './persistence/reads/webhooks.js';
import { Stores } from './persistence/stores.js';
import { Readiness } from './readiness.js';
import { RecentRefusals } from './recent-refusals.js';
import { createKeptReports } from './reports/kept.js';
import { RefusalCounter } from './reports/refusal-counter.js';
import { createReports } from './reports/reports.js';
import { VERSION } from './version.js';
import { within } from './within.js';

const STOCK_SUMMARY_MS = 10_000;
const OVERVIEW_MS = 2_000;
const OVERVIEW_STORES_MAX = 1_000;
const OVERVIEW_MINUTES = 30;
const OUTBOX_LAG_MS = 1_000;
/** A scrape is given up after 10 s, and then nothing is known: a database that hangs is left out. */
const STOCK_WITHIN_MS = 5_000;
/** so many full mailboxes may wait at once, over all products */
const WAITING_MAILBOXES = 2;

/** The core and what it is made of; whoever assembled it closes the committer, then the database. */
export interface CoreParts {
  readonly core: Core;
  readonly database: Database;
  readonly committer: Committer;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly stores: Stores;
  readonly refusals: RefusalCounter;
}

/**
 * Puts the core together on the database that the settings name. Nothing is connected yet.
 * `committed` is told of each batch.
 */
export function assembleCore(
  config: Config,
  parts: { log: Logger; clock: Clock; committed?: () => void },
): CoreParts {
  const database = openDatabase(config.database, {
    poolMax: config.databasePoolMax,
    queryTimeoutMs: config.queryTimeoutSeconds * 1000,
  });
  const readiness = new Readiness(database);
  const metrics = createMetrics(
    gaugesOf(config, { database, readiness, committer: () => committer }),
  );
  const committer = createCommitter(config, { ...parts, database, metrics, readiness });
  const { log } = parts;
  const refusals = new RefusalCounter({ database, log });
  const core = createCore(config, { database, committer, metrics, refusals, log });
  const stores = new Stores(database);
  return { core, database, committer, metrics, readiness, stores, refusals };
}

function createCore(
  config: Config,
  parts: {
    database: Database;
    committer: Committer;
    metrics: Metrics;
    refusals: RefusalCounter;
    log: Logger;
  },
): Core {
  const { database, committer, metrics, refusals, log } = parts;
  const orders = orderReads(database);
  const recentRefusals = new RecentRefusals(OVERVIEW_MINUTES);
  const send: Send = async (command) => {
    try {
      const answer = await sendAgainWhileCartGrows(committer, command);
      metrics.answered(command, answer);
      refusals.answered(command, answer);
      if (!answer.outcome.ok && !answer.replayed) recentRefusals.refused(command.storeId);
      return answer;
    } catch (error) {
      metrics.failed(command);
      throw error;
    }
  };
  const sync = createSync(send, database);
  const products = productReads(database);
  const reports = createReports(database, config);
  return {
    send,
    sync,
    products,
    reports,
    keptReports: createKeptReports(
      database,
      { send, sync, products, reports },
      { ...config, mailTo: config.smtpUrl === null ? [] : config.alertEmail },
    ),
    rentals: rentalReads(database),
    reservations: reservationReads(database),
    cleanup: createCleanups(send, {
      database,
      batchSize: config.reservationCleanupBatchSize,
      observer: { ended: (run) => metrics.cleanupEnded(run) },
    }),
    orders,
    payments: paymentsFor(config, { send, orders, log }),
    readCart: cartReads(database),
    webhooks: webhookReads(database),
    overview: overviewReads(database, config, recentRefusals),
    listMovements: (query) => listMovements(database, query),
    listAudit: (query) => listAudit(database, query),
    redeemEventTicket: (ticketHash) => redeemEventTicket(database, ticketHash),
    async listApiKeys(query) {
      const rows = await listApiKeys(database, { ...query, limit: query.limit + 1 });
      return pageOf(rows, query.limit);
    },
  };
}

/** Takes payments where a key is set, and reads what is said of them where a secret is. */
function paymentsFor(
  config: Config,
  parts: { send: Send; orders: OrderReads; log: Logger },
): Payments {
  const { stripeSecretKey: secretKey, stripeWebhookSecrets: secrets } = config;
  const timeoutMs = config.stripeTimeoutSeconds * 1000;
  if (secretKey !== null && secrets.length === 0) {
    parts.log.warn('STRIPE_WEBHOOK_SECRET is not set: what Stripe says of payments is not heard');
  }
  return createPayments({
    ...parts,
    provider:
      secretKey === null
        ? null
        : stripeProvider({ secretKey, apiBase: config.stripeApiBase, timeoutMs }),
    readEvent: secrets.length === 0 ? null : (message) => readStripeEvent(message, secrets),
    options: {
      intentHoldMs: config.reservationExpiryMinutes * 60_000,
      releaseOnFailure: config.paymentFailedPolicy === 'release',
      // It is asked twice at most.
      requestMaxMs: 2 * timeoutMs,
    },
  });
}

/** Whoever looks on shares what was read last, so that a wall of screens costs what one costs. */
function overviewReads(
  database: Database,
  { lowStockThreshold }: Config,
  refusals: RecentRefusals,
): Core['overview'] {
  const stores = new LRUCache<number, () => Promise<StoreOverview>>({ max: OVERVIEW_STORES_MAX });
  return async (storeId) => {
    const read =
      stores.get(storeId) ??
      atMostEvery(OVERVIEW_MS, () => readOverview(database, { storeId, lowStockThreshold }));
    stores.set(storeId, read);
    const overview = await read();
    const activity = overview.activity.map((minute) => ({
      ...minute,
      refusals: refusals.inMinuteOf(storeId, minute.at),
    }));
    return { ...overview, activity };
  };
}

/** A cart may hold more by the time of the lock than when it was read. */
async function sendAgainWhileCartGrows<C extends Command>(
  committer: Committer,
  command: C,
): Promise<Answer<C>> {
  for (let sent = command; ; ) {
    try {
      return await committer.send(sent);
    } catch (error) {
      if (!(error instanceof CartGrew)) throw error;
      sent = withProducts(sent, error.productIds, newId);
    }
  }
}

/** What is read at a scrape. Figures that need a query are read at most every ten seconds. */
function gaugesOf(
  config: Config,
  parts: { database: Database; readiness: Readiness; committer: () => Committer },
): Gauges {
  const { database, readiness, committer } = parts;
  const readStock = () =>
    summariseStock(database, config).catch((error: unknown) => {
      if (!(error instanceof DatabaseFault)) throw error;
      return null;
    });
  const readOutboxLag = () =>
    readLag(database).catch((error: unknown) => {
      if (!(error instanceof DatabaseFault)) throw error;
      return null;
    });
  const readTelling = () =>
    summariseTelling(database).catch((error: unknown) => {
      if (!(error instanceof DatabaseFault)) throw error;
      return null;
    });
  return {
    waitingCommands: () => committer().waiting,
    deepestMailbox: () => committer().deepestMailbox,
    batchesInFlight: () => committer().batchesInFlight,
    mailboxMax: config.mailboxMax,
    ready: async () => (await readiness.notReady()) === null,
    pool: () => database.pool(),
    stock: atMostEvery(STOCK_SUMMARY_MS, () => within(STOCK_WITHIN_MS, readStock(), null)),
    outboxLag: atMostEvery(OUTBOX_LAG_MS, () => within(STOCK_WITHIN_MS, readOutboxLag(), null)),
    telling: atMostEvery(STOCK_SUMMARY_MS, () => within(STOCK_WITHIN_MS, readTelling(), null)),
    version: VERSION,
  };
}

function createCommitter(
  config: Config,
  parts: {
    database: Database;
    clock: Clock;
    log: Logger;
    metrics: Metrics;
    readiness: Readiness;
    committed?: () => void;
  },
): Committer {
  const { database, clock, log, metrics, readiness, committed = () => {} } = parts;
  const holdMaxMs = config.reservationMaxMinutes * 60_000;
  const store = batchStore(
    database,
    { holdMaxMs },
    {
      locked: (ms) => metrics.lockDuration.observe(ms / 1000),
      committed: (ms) => metrics.commitDuration.observe(ms / 1000),
    },
  );
  const runBatch = batchRunner(
    store,
    {
      holdMaxMs,
      activeHoldsMax: config.maxActiveHolds,
      webhookEndpointsMax: config.maxWebhookEndpoints,
      idempotencyTtlMs: config.idempotencyTtlHours * 3_600_000,
      retriesMax: config.commitRetries,
      deadlineMs: config.mailboxWaitSeconds * 1000,
    },
    {
      clock,
      observer: {
        retried(cause) {
          metrics.batchRetries.inc({ cause });
          log.debug({ cause }, 'a batch is run again');
        },
        commandFailed(command, error) {
          log.error({ err: error, command }, 'a command could not be carried out');
        },
        commitResolved(fate) {
          metrics.commitsResolved.inc({ fate });
          log.warn({ fate }, 'the answer to a COMMIT was lost, and its outcome looked up');
        },
        committed(changes) {
          logQuantities(log, changes.quantityChanges);
          metrics.holdsChanged(changes);
          committed();
          for (const order of changes.orderTurns) {
            metrics.orderTurned(order.status);
            if (order.status === 'refund_required') logRefund(log, order);
          }
        },
        writable: (isWritable) => readiness.writable(isWritable),
      },
    },
  );
  return new Committer(
    {
      batchMax: config.batchMax,
      concurrency: Math.min(config.commitConcurrency, database.dialect.writersMax),
      mailboxMax: config.mailboxMax,
      waitingLinesMax: WAITING_MAILBOXES * config.mailboxMax,
      waitMaxMs: config.mailboxWaitSeconds * 1000,
    },
    runBatch,
    {
      clock,
      observer: {
        batchEnded(commands, ms) {
          metrics.batchSize.observe(commands);
          metrics.batchDuration.observe(ms / 1000);
        },
        commandTaken: (waitedMs) => metrics.mailboxWait.observe(waitedMs / 1000),
      },
    },
  );
}

/** Money was taken that is to go back: somebody has to see to it. */
function logRefund(log: Logger, order: Order): void {
  const { id, storeId, amount, currency, failureReason: reason } = order;
  const payment = order.paymentIntentId ?? order.sessionId;
  log.error(
    { order: id, store: storeId, amount, currency, payment, reason },
    'REFUND REQUIRED: an order was paid and is not confirmed. Refund it at the provider',
  );
}

/** One line for a batch: a line for each command would cost more than the command. */
function logQuantities(log: Logger, changes: readonly QuantityChange[]): void {
  if (changes.length === 0 || !log.isLevelEnabled('info')) return;
  const sentences = changes.map(
    ({ productId, quantity, status }) =>
      `Product ${productId} quantity updated: ${quantity[0]} → ${quantity[1]}, status: ${status[0]} → ${status[1]}`,
  );
  log.info({ changes: sentences }, 'quantities changed');
}
