import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics that Prometheus scrapes; names and units after its conventions. */
export interface Metrics {
  readonly registry: Registry;
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  readonly commands: Counter<'kind' | 'outcome'>;
  readonly batchSize: Histogram;
  readonly batchDuration: Histogram;
  readonly mailboxWait: Histogram;
  readonly batchRetries: Counter<'cause'>;
  readonly commitsResolved: Counter<'fate'>;
}

/** What is read when somebody scrapes. */
export interface Gauges {
  waitingCommands(): number;
  batchesInFlight(): number;
}

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // prom-client's names for these three do not pass `promtool check metrics`.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}`);
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  new Gauge({
    name: 'availability_waiting_commands',
    help: 'Commands that wait for their turn.',
    registers,
    collect() {
      this.set(gauges.waitingCommands());
    },
  });
  new Gauge({
    name: 'availability_batches_in_flight',
    help: 'Batches that are being committed.',
    registers,
    collect() {
      this.set(gauges.batchesInFlight());
    },
  });
  return {
    registry,
    httpDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from a request to its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    commands: new Counter({
      name: 'availability_commands_total',
      help: 'Commands by kind and by what became of them.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    batchSize: new Histogram({
      name: 'availability_batch_commands',
      help: 'Commands in one transaction.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
      registers,
    }),
    batchDuration: new Histogram({
      name: 'availability_batch_duration_seconds',
      help: 'Time from the start of a batch to its COMMIT, with all its repeats.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    mailboxWait: new Histogram({
      name: 'availability_mailbox_wait_seconds',
      help: 'Time that a command waited for its turn.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    batchRetries: new Counter({
      name: 'availability_batch_retries_total',
      help: 'Batches that were run again, by cause.',
      labelNames: ['cause'],
      registers,
    }),
    commitsResolved: new Counter({
      name: 'availability_commits_resolved_total',
      help: 'COMMITs whose answer was lost, by what was found out.',
      labelNames: ['fate'],
      registers,
    }),
  };
}
