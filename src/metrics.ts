import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Answer } from './actors/committer.js';
import type { Command } from './domain/command.js';
import { DRIFT_CAUSES } from './domain/drift.js';
import { createEventMetrics, type EventMetrics, type OutboxLag } from './event-metrics.js';
import { createHoldMetrics, type HoldMetrics } from './hold-metrics.js';
import {
  COMMAND_KINDS,
  COMMAND_OUTCOMES,
  COMMIT_FATES,
  DRIFT_ACTIONS,
  REFUSAL_CODES,
  RETRY_CAUSES,
} from './metric-labels.js';
import { createOrderMetrics, type OrderMetrics } from './order-metrics.js';
import type { StockSummary } from './persistence/reads/stock.js';
import {
  createTellingMetrics,
  type TellingMetrics,
  type TellingSummary,
} from './telling-metrics.js';

/** Metrics that Prometheus scrapes; names and units after its conventions. */
export interface Metrics extends HoldMetrics, OrderMetrics, EventMetrics, TellingMetrics {
  readonly registry: Registry;
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  readonly batchSize: Histogram;
  readonly batchDuration: Histogram;
  readonly lockDuration: Histogram;
  readonly commitDuration: Histogram;
  readonly mailboxWait: Histogram;
  readonly batchRetries: Counter<'cause'>;
  readonly commitsResolved: Counter<'fate'>;
  /** Counts a command by what became of it. */
  answered<C extends Command>(command: C, answer: Answer<C>): void;
  /** Counts a command that got no answer. */
  failed(command: Command): void;
}

/** What is read when somebody scrapes. */
export interface Gauges {
  waitingCommands(): number;
  deepestMailbox(): number;
  /** commands that may wait for one product */
  readonly mailboxMax: number;
  batchesInFlight(): number;
  /** Whether requests are served, as /readyz says. */
  ready(): Promise<boolean>;
  /** null where the database has no pool */
  pool(): { size: number; available: number; waiting: number } | null;
  /** What needs a query; null where the database does not answer. */
  stock(): Promise<StockSummary | null>;
  /** What needs a query; null where the database does not answer. */
  outboxLag(): Promise<OutboxLag | null>;
  /** What needs a query; null where the database does not answer. */
  telling(): Promise<TellingSummary | null>;
  readonly version: string;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // prom-client's names for these do not pass `promtool check metrics`.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}`);
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  registerQueueGauges(registry, gauges);
  registerStateGauges(registry, gauges);
  registerStockGauges(registry, gauges);

  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const counter = <Label extends string>(
    name: string,
    help: string,
    values: LabelValues<Label>,
  ): Counter<Label> => counterFromZero(registry, { name, help }, values);
  const commands = counter(
    'availability_commands_total',
    'Commands by kind and by what became of them.',
    { kind: COMMAND_KINDS, outcome: COMMAND_OUTCOMES },
  );
  const refusals = counter('availability_refusals_total', 'Commands that were refused, by code.', {
    code: REFUSAL_CODES,
  });
  const drifts = counter(
    'availability_drifted_products_total',
    'Products whose counters had drifted, by the gravest cause and what was done.',
    { cause: DRIFT_CAUSES, action: DRIFT_ACTIONS },
  );

  return {
    registry,
    ...createHoldMetrics(registry),
    ...createEventMetrics(registry, () => gauges.outboxLag()),
    ...createTellingMetrics(registry, () => gauges.telling()),
    ...createOrderMetrics(registry),
    httpDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from a request to its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    }),
    batchSize: histogram(
      'availability_batch_commands',
      'Commands in one transaction.',
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    ),
    batchDuration: histogram(
      'availability_batch_duration_seconds',
      'Time from the start of a batch to its COMMIT, with all its repeats.',
      SECONDS,
    ),
    lockDuration: histogram(
      'availability_lock_duration_seconds',
      'Time to lock and read the products of a batch.',
      SECONDS,
    ),
    commitDuration: histogram('availability_commit_duration_seconds', 'Time of a COMMIT.', SECONDS),
    mailboxWait: histogram(
      'availability_mailbox_wait_seconds',
      'Time that a command waited for its turn.',
      SECONDS,
    ),
    batchRetries: counter(
      'availability_batch_retries_total',
      'Batches that were run again, by cause.',
      { cause: RETRY_CAUSES },
    ),
    commitsResolved: counter(
      'availability_commits_resolved_total',
      'COMMITs whose answer was lost, by what was found out.',
      { fate: COMMIT_FATES },
    ),
    answered(command, { outcome, replayed }) {
      const done = outcome.ok ? 'accepted' : 'refused';
      commands.inc({ kind: command.kind, outcome: replayed ? 'replayed' : done });
      if (!outcome.ok) {
        refusals.inc({ code: outcome.refusal.code });
        return;
      }
      const drift = driftIn(command, outcome.value);
      if (drift) drifts.inc(drift);
    },
    failed: (command) => commands.inc({ kind: command.kind, outcome: 'failed' }),
  };
}

/** All values that each label can have. */
type LabelValues<Label extends string> = Readonly<Record<Label, readonly string[]>>;

/**
 * A counter that shows 0 for every combination of its labels from the start. One that shows up with
 * its first event has not increased yet in the eyes of Prometheus, so nobody would be told of it.
 */
function counterFromZero<Label extends string>(
  registry: Registry,
  { name, help }: { name: string; help: string },
  values: LabelValues<Label>,
): Counter<Label> {
  const labelNames = Object.keys(values) as Label[];
  const counter = new Counter({ name, help, labelNames, registers: [registry] });
  let combinations: Partial<Record<Label, string>>[] = [{}];
  for (const label of labelNames) {
    combinations = combinations.flatMap((labels) =>
      values[label].map((value) => ({ ...labels, [label]: value })),
    );
  }
  for (const labels of combinations) counter.inc(labels, 0);
  return counter;
}

/** The labels of the drift that a sync command found. */
function driftIn(command: Command, value: unknown): { cause: string; action: string } | null {
  if (command.kind !== 'sync' || typeof value !== 'object' || value === null) return null;
  const cause = 'cause' in value && typeof value.cause === 'string' ? value.cause : 'unknown';
  return { cause, action: command.dryRun ? 'found' : 'repaired' };
}

function registerQueueGauges(registry: Registry, gauges: Gauges): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('availability_waiting_commands', 'Commands that wait for their turn.', () =>
    gauges.waitingCommands(),
  );
  gauge(
    'availability_deepest_mailbox_commands',
    'Commands that wait for one product, at most.',
    () => gauges.deepestMailbox(),
  );
  gauge(
    'availability_mailbox_max_commands',
    'Commands that may wait for one product: MAILBOX_MAX.',
    () => gauges.mailboxMax,
  );
  gauge('availability_batches_in_flight', 'Batches that are being committed.', () =>
    gauges.batchesInFlight(),
  );
}

/** What state the process is in. */
function registerStateGauges(registry: Registry, gauges: Gauges): void {
  new Gauge({
    name: 'availability_ready',
    help: 'Whether requests are served: 1 where /readyz says so, else 0.',
    registers: [registry],
    async collect() {
      this.set((await gauges.ready()) ? 1 : 0);
    },
  });
  new Gauge({
    name: 'availability_database_connections',
    help: 'Connections to the database and requests for one, by state.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const pool = gauges.pool();
      if (!pool) return;
      this.set({ state: 'used' }, pool.size - pool.available);
      this.set({ state: 'idle' }, pool.available);
      this.set({ state: 'waited_for' }, pool.waiting);
    },
  });
  new Gauge({
    name: 'availability_build_info',
    help: 'Which build this is; always 1.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: gauges.version, node: process.version }, 1);
}

/** Figures that need a query, the same for all of them; absent where the database is away. */
function registerStockGauges(registry: Registry, gauges: Gauges): void {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    show: (gauge: Gauge<Label>, stock: StockSummary) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const stock = await gauges.stock();
        this.reset();
        if (stock) show(this, stock);
      },
    });
  gauge('availability_products', 'Products by status.', ['status'], (products, stock) => {
    for (const [status, count] of stock.products) products.set({ status }, count);
  });
  gauge(
    'availability_low_products',
    'Published products with as few units free as their threshold, or fewer.',
    [],
    (low, { lowProducts }) => low.set(lowProducts),
  );
  gauge(
    'availability_units',
    'Units of all products, by what they are doing.',
    ['state'],
    (units, { counters }) => {
      units.set({ state: 'available' }, counters.quantityAvailable);
      units.set({ state: 'reserved' }, counters.quantityReserved);
      units.set({ state: 'rented' }, counters.quantityRented);
    },
  );
  gauge(
    'availability_holds',
    'Holds on units: active ones, and those that are due and not yet written down as expired.',
    ['state'],
    (holds, { holds: { active, due } }) => {
      holds.set({ state: 'active' }, active.holds);
      holds.set({ state: 'due' }, due.holds);
    },
  );
  gauge(
    'availability_held_units',
    'Units that these holds have.',
    ['state'],
    (units, { holds: { active, due } }) => {
      units.set({ state: 'active' }, active.units);
      units.set({ state: 'due' }, due.units);
    },
  );
  gauge(
    'availability_oldest_due_hold_seconds',
    'For how long the hold is due that is due longest and not written down as expired.',
    [],
    (age, { holds }) => age.set(holds.oldestDueSeconds),
  );
  gauge(
    'availability_orders',
    'Orders that wait: to be paid, or to be refunded.',
    ['status'],
    (waiting, { orders }) => {
      for (const [status, count] of orders) waiting.set({ status }, count);
    },
  );
  gauge(
    'availability_last_sync_timestamp_seconds',
    'When the last run of sync over all products of a store ended.',
    [],
    (time, { lastSync }) => {
      if (lastSync) time.set(lastSync.finishedAt / 1000);
    },
  );
  gauge(
    'availability_last_sync_drifted_products',
    'Products that had drifted in the last run of sync over all products of a store.',
    [],
    (drifted, { lastSync }) => {
      if (lastSync) drifted.set(lastSync.driftedProducts);
    },
  );
  gauge(
    'availability_last_sync_over_committed_products',
    'Products of which more was out or held than is owned, in that run.',
    [],
    (products, { lastSync }) => {
      if (lastSync) products.set(lastSync.overCommittedProducts);
    },
  );
}
