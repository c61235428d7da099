import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is told by webhook and by mail, and what is not. */
export interface TellingMetrics {
  /** an attempt at a webhook */
  webhookAttempted(attempt: { isTaken: boolean; seconds: number }): void;
  webhookEnded(outcome: 'delivered' | 'given_up'): void;
  webhookEndpointDisabled(reason: 'gone' | 'failing'): void;
  mailTried(outcome: MailOutcome): void;
}

export const MAIL_OUTCOMES = ['sent', 'postponed', 'given_up'] as const;
export type MailOutcome = (typeof MAIL_OUTCOMES)[number];

/** What is read when somebody scrapes. */
export interface TellingSummary {
  readonly endpoints: {
    readonly enabled: number;
    readonly failing: number;
    readonly disabled: number;
  };
  /** for how long the webhook is due that is due longest */
  readonly oldestDueWebhookSeconds: number;
  readonly oldestDueMailSeconds: number;
}

export function createTellingMetrics(
  registry: Registry,
  /** null where the database does not answer */
  summary: () => Promise<TellingSummary | null>,
): TellingMetrics {
  const registers = [registry];
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    show: (gauge: Gauge<Label>, now: TellingSummary) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const now = await summary();
        this.reset();
        if (now) show(this, now);
      },
    });
  gauge(
    'availability_webhook_endpoints',
    'Webhook endpoints by state; failing: the last attempt failed.',
    ['state'],
    (endpoints, now) => {
      for (const [state, count] of Object.entries(now.endpoints)) endpoints.set({ state }, count);
    },
  );
  gauge(
    'availability_oldest_due_webhook_seconds',
    'For how long the webhook is due that is due longest; 0: none is.',
    [],
    (age, now) => age.set(now.oldestDueWebhookSeconds),
  );
  gauge(
    'availability_oldest_due_mail_seconds',
    'For how long the mail is due that is due longest; 0: none is.',
    [],
    (age, now) => age.set(now.oldestDueMailSeconds),
  );
  const attempts = new Histogram({
    name: 'availability_webhook_attempt_duration_seconds',
    help: 'Time of an attempt at a webhook, by whether its receiver took it.',
    labelNames: ['outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const fromZero = <Label extends string>(
    { name, help }: { name: string; help: string },
    label: Label,
    values: readonly string[],
  ) => {
    const counter = new Counter<string>({ name, help, labelNames: [label], registers });
    for (const value of values) counter.inc({ [label]: value }, 0);
    return counter;
  };
  const deliveries = fromZero(
    {
      name: 'availability_webhook_deliveries_total',
      help: 'Webhooks that are over, by what became of them.',
    },
    'outcome',
    ['delivered', 'given_up'],
  );
  const disabled = fromZero(
    {
      name: 'availability_webhook_endpoints_disabled_total',
      help: 'Webhook endpoints that were switched off for what their receivers did.',
    },
    'reason',
    ['gone', 'failing'],
  );
  const mails = fromZero(
    { name: 'availability_mails_total', help: 'Attempts at mails, by what became of them.' },
    'outcome',
    MAIL_OUTCOMES,
  );
  return {
    webhookAttempted: ({ isTaken, seconds }) =>
      attempts.observe({ outcome: isTaken ? 'taken' : 'failed' }, seconds),
    webhookEnded: (outcome) => deliveries.inc({ outcome }),
    webhookEndpointDisabled: (reason) => disabled.inc({ reason }),
    mailTried: (outcome) => mails.inc({ outcome }),
  };
}
