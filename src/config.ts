import { validate as isCronExpression } from 'node-cron';

/** Settings: one table, read from the environment once, at the start. Nobody else reads it. */

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting<T> {
  readonly name: string;
  /** what it is for, in one sentence; the README's table shows it */
  readonly doc: string;
  readonly fallback: T;
  /** what it prints as in the README, where that is not the value itself */
  readonly shownDefault?: string;
  /** Returns the value, or throws a RangeError that says what would be right. */
  read(text: string): T;
}

function whole(
  name: string,
  fallback: number,
  range: { min: number; max: number },
  doc: string,
): Setting<number> {
  return {
    name,
    doc,
    fallback,
    read(text) {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < range.min || value > range.max) {
        throw new RangeError(`must be a whole number from ${range.min} to ${range.max}`);
      }
      return value;
    },
  };
}

/** Minutes, which may be a fraction like 0.5. */
function minutes(
  name: string,
  fallback: number,
  range: { min: number; max: number },
  doc: string,
): Setting<number> {
  return {
    name,
    doc: `${doc}, in minutes`,
    fallback,
    read(text) {
      const value = Number(text);
      if (!/^\d+(\.\d+)?$/.test(text) || value < range.min || value > range.max) {
        throw new RangeError(`must be a number of minutes from ${range.min} to ${range.max}`);
      }
      return value;
    },
  };
}

function text(name: string, fallback: string, doc: string): Setting<string> {
  return { name, doc, fallback, read: (value) => value };
}

function optional(name: string, doc: string): Setting<string | null> {
  return { name, doc, fallback: null, read: (value) => value };
}

function oneOf<T extends string>(
  name: string,
  fallback: T,
  choices: readonly T[],
  doc: string,
): Setting<T> {
  return {
    name,
    doc,
    fallback,
    read(value) {
      const choice = choices.find((candidate) => candidate === value);
      if (choice === undefined) throw new RangeError(`must be one of ${choices.join(', ')}`);
      return choice;
    },
  };
}

/** Where the rows are: a server, or a file of the embedded database. */
export type DatabaseTarget =
  | { readonly dialect: 'mysql'; readonly url: string; readonly database: string }
  | { readonly dialect: 'sqlite'; readonly file: string };

const DEFAULT_DATABASE: DatabaseTarget = {
  dialect: 'sqlite',
  file: './data/availability.sqlite',
};

/** Reads a DATABASE_URL. Throws a RangeError that names the two forms. */
export function parseDatabaseUrl(url: string): DatabaseTarget {
  const wrong = new RangeError(
    'must be sqlite:<path of a file> or mysql://user:password@host:port/database',
  );
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length);
    if (file === '' || file.includes(':memory:')) throw wrong;
    return { dialect: 'sqlite', file };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const known = parsed?.protocol === 'mysql:' || parsed?.protocol === 'mariadb:';
  // Names of databases need no escapes, and each driver would read them in its own way.
  const database = parsed?.pathname.slice(1) ?? '';
  if (!known || !parsed?.hostname || !/^[^/%]+$/.test(database)) throw wrong;
  return { dialect: 'mysql', url: url.replace(/^mariadb:/, 'mysql:'), database };
}

/** Standard Webhooks' own: over a day in all. */
const WEBHOOK_RETRY_SCHEDULE: readonly number[] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];
const RETRIES_MAX = 20;
const RETRY_SECONDS_MAX = 604_800;

function parseRetrySchedule(value: string): readonly number[] {
  const seconds = value.split(',').map((text) => text.trim());
  const isRight = (text: string) => /^\d+(\.\d+)?$/.test(text) && Number(text) <= RETRY_SECONDS_MAX;
  if (seconds.length > RETRIES_MAX || !seconds.every(isRight)) {
    throw new RangeError(
      `must be up to ${RETRIES_MAX} numbers of seconds from 0 to ${RETRY_SECONDS_MAX}, with commas, like 5,300,1800`,
    );
  }
  return seconds.map(Number);
}

/** One address and nothing else: no name, no comment, nothing that could end a header. */
function isEmailAddress(text: string): boolean {
  return text.length <= 320 && /^[^\s@<>(),;:"\\[\]]+@[^\s@<>(),;:"\\[\]]+$/.test(text);
}

/** A second to a year. */
const MINUTES = { min: 1 / 60, max: 525_600 };

function readCron(value: string): string {
  if (!isCronExpression(value) || neverComes(value)) {
    throw new RangeError('must be a cron expression that comes round, like 15 3 * * *');
  }
  return value;
}

/** When a report of the calendar is made. */
function calendar(name: string, fallback: string, about: string): Setting<string | null> {
  return {
    name,
    doc: `when the report on ${about} is made, in UTC; \`off\`: never`,
    fallback,
    read: (value) => (value === 'off' ? null : readCron(value)),
  };
}

const SETTINGS = {
  port: whole('PORT', 3000, { min: 0, max: 65_535 }, 'port that the service listens on'),
  host: text('HOST', '127.0.0.1', 'address that the service listens on'),
  database: {
    name: 'DATABASE_URL',
    doc: 'where the rows are: `sqlite:<file>` or `mysql://user:password@host:port/database`',
    fallback: DEFAULT_DATABASE,
    shownDefault: 'sqlite:./data/availability.sqlite',
    read: parseDatabaseUrl,
  } satisfies Setting<DatabaseTarget>,
  databasePoolMax: whole(
    'DATABASE_POOL_MAX',
    10,
    { min: 2, max: 500 },
    'connections to the database at most',
  ),
  jwtSecret: optional('JWT_SECRET', 'secret of HS256 tokens, at least 32 bytes'),
  jwtJwksUrl: optional('JWT_JWKS_URL', 'key set of RS256 and ES256 tokens'),
  jwtIssuer: optional('JWT_ISSUER', '`iss` that a token must bear'),
  jwtAudience: optional('JWT_AUDIENCE', '`aud` that a token must bear'),
  batchMax: whole(
    'BATCH_MAX',
    256,
    { min: 1, max: 1000 },
    'lines of commands in one transaction at most',
  ),
  commitConcurrency: whole(
    'COMMIT_CONCURRENCY',
    2,
    { min: 1, max: 64 },
    'transactions in flight at once (the embedded database always takes one)',
  ),
  commitRetries: whole(
    'COMMIT_RETRIES',
    5,
    { min: 0, max: 50 },
    'times that a batch is run again after a deadlock, a lock wait or a lost connection',
  ),
  mailboxMax: whole(
    'MAILBOX_MAX',
    10_000,
    { min: 1, max: 1_000_000 },
    'commands waiting for one product at most; beyond it 503',
  ),
  mailboxWaitSeconds: whole(
    'MAILBOX_WAIT_SECONDS',
    10,
    { min: 1, max: 300 },
    'longest wait of a command for its turn; beyond it 503',
  ),
  queryTimeoutSeconds: whole(
    'QUERY_TIMEOUT_SECONDS',
    10,
    { min: 1, max: 300 },
    'longest wait for one statement; beyond it the connection is given up',
  ),
  reservationExpiryMinutes: minutes(
    'RESERVATION_EXPIRY_MINUTES',
    15,
    MINUTES,
    'how long a hold lasts where the request does not say',
  ),
  cartReservationMinutes: minutes(
    'CART_RESERVATION_MINUTES',
    30,
    MINUTES,
    "how long a hold lasts for a user's cart (`/api/stock`, `/api/cart`)",
  ),
  reservationMaxMinutes: minutes(
    'RESERVATION_MAX_MINUTES',
    1440,
    MINUTES,
    'how long a hold lives at most, however often it is extended',
  ),
  maxActiveHolds: whole(
    'MAX_ACTIVE_HOLDS',
    50,
    { min: 1, max: 100_000 },
    'holds that a customer may have at once',
  ),
  reservationCleanupInterval: minutes(
    'RESERVATION_CLEANUP_INTERVAL',
    5,
    MINUTES,
    'how often holds that are due are written down as expired',
  ),
  reservationCleanupBatchSize: whole(
    'RESERVATION_CLEANUP_BATCH_SIZE',
    100,
    { min: 1, max: 1000 },
    'holds of one product that the cleanup ends in one transaction',
  ),
  eventRetentionDays: whole(
    'EVENT_RETENTION_DAYS',
    7,
    { min: 1, max: 3650 },
    'how long events can be asked for again, in days',
  ),
  redisUrl: {
    name: 'REDIS_URL',
    doc: 'carries events between copies, `redis://host:6379`; unset: each looks into the database',
    fallback: null,
    read(value) {
      if (!/^rediss?:\/\/./.test(value) || !URL.canParse(value)) {
        throw new RangeError('must be redis://host:port or rediss://host:port');
      }
      return value;
    },
  } satisfies Setting<string | null>,
  webhookAllowPrivate: {
    name: 'WEBHOOK_ALLOW_PRIVATE',
    doc: 'whether webhooks may go to private addresses, and by http: for trying things',
    fallback: false,
    read(value) {
      if (value !== 'true' && value !== 'false') throw new RangeError('must be true or false');
      return value === 'true';
    },
  } satisfies Setting<boolean>,
  maxWebhookEndpoints: whole(
    'MAX_WEBHOOK_ENDPOINTS',
    20,
    { min: 1, max: 10_000 },
    'webhook endpoints that a store may have',
  ),
  webhookRetrySchedule: {
    name: 'WEBHOOK_RETRY_SCHEDULE',
    doc: 'how long a webhook that failed waits for each further attempt, in seconds',
    fallback: WEBHOOK_RETRY_SCHEDULE,
    shownDefault: WEBHOOK_RETRY_SCHEDULE.join(','),
    read: parseRetrySchedule,
  } satisfies Setting<readonly number[]>,
  smtpUrl: {
    name: 'SMTP_URL',
    doc: 'server that takes mail, `smtp://user:password@host:587` or `smtps://…`; unset: no mail',
    fallback: null,
    read(value) {
      const wrong = new RangeError('must be smtp://user:password@host:port or smtps://…');
      if (!/^smtps?:\/\//.test(value) || !URL.canParse(value)) throw wrong;
      if (new URL(value).hostname === '') throw wrong;
      return value;
    },
  } satisfies Setting<string | null>,
  alertEmail: {
    name: 'ALERT_EMAIL',
    doc: 'who is told by mail of stock that is low, drift and refunds, and gets the reports; several with commas',
    fallback: [],
    shownDefault: '',
    read(value) {
      const addresses = value.split(',').map((address) => address.trim());
      if (!addresses.every(isEmailAddress)) {
        throw new RangeError('must be one or more addresses like anna@example.com, with commas');
      }
      return addresses;
    },
  } satisfies Setting<readonly string[]>,
  mailFrom: {
    name: 'MAIL_FROM',
    doc: 'address that mail comes from; unset: the first of `ALERT_EMAIL`',
    fallback: null,
    read(value) {
      if (!isEmailAddress(value)) throw new RangeError('must be an address like anna@example.com');
      return value;
    },
  } satisfies Setting<string | null>,
  lowStockThreshold: whole(
    'LOW_STOCK_THRESHOLD',
    10,
    { min: 0, max: 1_000_000_000 },
    'free units at or below which a product without a threshold of its own is low',
  ),
  stripeSecretKey: optional(
    'STRIPE_SECRET_KEY',
    "Stripe's secret key; without it there are no payments, and all else works",
  ),
  stripeWebhookSecrets: {
    name: 'STRIPE_WEBHOOK_SECRET',
    doc: "what Stripe's webhooks are signed with; several, with commas, during a rotation",
    fallback: [],
    shownDefault: '',
    read: (value) => value.split(',').map((secret) => secret.trim()),
  } satisfies Setting<readonly string[]>,
  stripeApiBase: text('STRIPE_API_BASE', 'https://api.stripe.com', "where Stripe's API is"),
  stripeTimeoutSeconds: whole(
    'STRIPE_TIMEOUT_SECONDS',
    8,
    { min: 1, max: 80 },
    'longest wait for an answer of Stripe, which is asked once more after it',
  ),
  paymentFailedPolicy: oneOf(
    'PAYMENT_FAILED_POLICY',
    'hold',
    ['hold', 'release'],
    'what a failed attempt to pay does: `hold` lets the buyer try again until the hold ends, `release` gives the units back at once',
  ),
  syncCron: {
    name: 'SYNC_CRON',
    doc: 'when to find and repair drift, like `15 3 * * *`; unset: never by itself',
    fallback: null,
    read: readCron,
  } satisfies Setting<string | null>,
  reportDailyCron: calendar('REPORT_DAILY_CRON', '0 6 * * *', 'low stock'),
  reportWeeklyCron: calendar(
    'REPORT_WEEKLY_CRON',
    '0 6 * * 1',
    'drift and movements of the week before',
  ),
  reportMonthlyCron: calendar(
    'REPORT_MONTHLY_CRON',
    '0 6 1 * *',
    'stock advice and suppliers of the month before',
  ),
  reportRetentionDays: whole(
    'REPORT_RETENTION_DAYS',
    730,
    { min: 1, max: 36_500 },
    'how long kept reports and counts of refused requests are kept',
  ),
  idempotencyTtlHours: whole(
    'IDEMPOTENCY_TTL_HOURS',
    24,
    { min: 1, max: 8760 },
    'how long an idempotency key keeps its answer',
  ),
  maxConnections: whole(
    'MAX_CONNECTIONS',
    10_000,
    { min: 1, max: 1_000_000 },
    'clients connected at once at most',
  ),
  requestsMax: whole(
    'REQUESTS_MAX',
    2_000,
    { min: 1, max: 1_000_000 },
    'requests worked on at once at most; beyond it 503',
  ),
  requestTimeoutSeconds: whole(
    'REQUEST_TIMEOUT_SECONDS',
    30,
    { min: 1, max: 300 },
    'longest time for a request to arrive; beyond it 408',
  ),
  shutdownDelaySeconds: whole(
    'SHUTDOWN_DELAY_SECONDS',
    3,
    { min: 0, max: 300 },
    'how long the port stays open after SIGTERM, so that balancers notice',
  ),
  shutdownGraceSeconds: whole(
    'SHUTDOWN_GRACE_SECONDS',
    25,
    { min: 1, max: 3600 },
    'how long a shutdown may take in all',
  ),
  rateLimitPerMinute: whole(
    'RATE_LIMIT_PER_MINUTE',
    0,
    { min: 0, max: 1_000_000 },
    'requests a minute for each caller and copy of the service; 0 is off',
  ),
  logLevel: oneOf(
    'LOG_LEVEL',
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'what is logged',
  ),
  metricsToken: optional('METRICS_TOKEN', 'bearer token that `/metrics` asks for'),
} as const;

const DAYS_OF_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether an expression names only days that no month has, which a scheduler would look for without end. */
function neverComes(expression: string): boolean {
  const [days = '*', months = '*'] = expression.trim().split(/\s+/).slice(-3, -1);
  if (!/^[\d,]+$/.test(days) || !/^[\d,]+$/.test(months)) return false;
  const earliest = Math.min(...days.split(',').map(Number));
  return months.split(',').every((month) => earliest > (DAYS_OF_MONTHS[Number(month) - 1] ?? 31));
}

type Settings = typeof SETTINGS;
export type Config = {
  readonly [K in keyof Settings]: Settings[K] extends Setting<infer T> ? T : never;
};

/** All that is wrong with the environment, one sentence a setting. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks every setting. A variable that is empty counts as absent.
 * Throws a ConfigError that names each wrong one and what would be right.
 */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const entries = Object.entries(SETTINGS).map(([key, setting]) => {
    const given = environment[setting.name];
    if (given === undefined || given === '') return [key, setting.fallback];
    try {
      return [key, setting.read(given)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`${setting.name} ${error.message}.`);
      return [key, setting.fallback];
    }
  });
  const config = Object.fromEntries(entries) as Config;
  problems.push(...relations(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

/** What settings must be to each other. */
function relations(config: Config): string[] {
  const problems: string[] = [];
  if (config.jwtSecret !== null && Buffer.byteLength(config.jwtSecret) < 32) {
    problems.push('JWT_SECRET must be at least 32 bytes long.');
  }
  if (config.jwtJwksUrl !== null && !isHttpUrl(config.jwtJwksUrl)) {
    problems.push('JWT_JWKS_URL must be an http or https URL.');
  }
  if (!isHttpUrl(config.stripeApiBase)) {
    problems.push('STRIPE_API_BASE must be an http or https URL.');
  }
  if (config.stripeWebhookSecrets.includes('')) {
    problems.push('STRIPE_WEBHOOK_SECRET must be secrets with commas between them, none empty.');
  }
  if (config.jwtSecret === null && config.jwtJwksUrl === null && !isLoopback(config.host)) {
    problems.push(
      `JWT_SECRET (or JWT_JWKS_URL) must be set when HOST is not a loopback address (it is ${config.host}).`,
    );
  }
  if (config.databasePoolMax < config.commitConcurrency) {
    problems.push('DATABASE_POOL_MAX must be at least COMMIT_CONCURRENCY.');
  }
  if (config.mailboxMax < config.batchMax) {
    problems.push('MAILBOX_MAX must be at least BATCH_MAX.');
  }
  for (const [name, lasts] of [
    ['RESERVATION_EXPIRY_MINUTES', config.reservationExpiryMinutes],
    ['CART_RESERVATION_MINUTES', config.cartReservationMinutes],
  ] as const) {
    if (lasts > config.reservationMaxMinutes) {
      problems.push(`${name} must not be more than RESERVATION_MAX_MINUTES.`);
    }
  }
  if (config.smtpUrl !== null && config.mailFrom === null && config.alertEmail.length === 0) {
    problems.push(
      'MAIL_FROM or ALERT_EMAIL must be set where SMTP_URL is: mail has to come from somebody.',
    );
  }
  if (config.shutdownGraceSeconds <= config.shutdownDelaySeconds) {
    problems.push('SHUTDOWN_GRACE_SECONDS must be more than SHUTDOWN_DELAY_SECONDS.');
  }
  return problems;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The settings as the README lists them. */
export function describeSettings(): { name: string; fallback: string; doc: string }[] {
  return Object.values(SETTINGS).map((setting: Setting<unknown>) => {
    const shown = setting.shownDefault ?? (setting.fallback === null ? '' : `${setting.fallback}`);
    return { name: setting.name, fallback: shown, doc: setting.doc };
  });
}
