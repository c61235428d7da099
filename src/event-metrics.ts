import { Counter, Gauge, type Registry } from 'prom-client';

/** What is told to the world, and to how many. */
export interface EventMetrics {
  readonly eventsTold: Counter;
  readonly eventClients: Gauge;
  readonly eventsSent: Counter;
  /** a client was closed that did not take its events */
  readonly slowClients: Counter;
}

export interface OutboxLag {
  /** lines of the ledger and rows of `events` that were not told yet */
  readonly lines: number;
  /** for how long the first of them waits */
  readonly seconds: number;
}

export function createEventMetrics(
  registry: Registry,
  /** null where the database does not answer */
  lag: () => Promise<OutboxLag | null>,
): EventMetrics {
  const registers = [registry];
  const lagGauge = (name: string, help: string, figure: (lag: OutboxLag) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const now = await lag();
        this.reset();
        if (now) this.set(figure(now));
      },
    });
  lagGauge(
    'availability_outbox_lag_seconds',
    'For how long the first line waits that was committed and is not told yet; 0: none does.',
    ({ seconds }) => seconds,
  );
  lagGauge(
    'availability_outbox_lag_lines',
    'Lines that were committed and are not told yet.',
    ({ lines }) => lines,
  );
  return {
    eventsTold: new Counter({
      name: 'availability_events_total',
      help: 'Events that the relay of this copy gave their sequence.',
      registers,
    }),
    eventClients: new Gauge({
      name: 'availability_event_clients',
      help: 'Clients of /api/events.',
      registers,
    }),
    eventsSent: new Counter({
      name: 'availability_events_sent_total',
      help: 'Events sent to clients of /api/events, each as often as it was sent.',
      registers,
    }),
    slowClients: new Counter({
      name: 'availability_slow_event_clients_total',
      help: 'Clients of /api/events that were closed since they did not take their events.',
      registers,
    }),
  };
}
