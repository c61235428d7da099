import { describe, expect, it } from '@jest/globals';
import { ConfigError, describeSettings, isLoopback, readConfig } from '../src/config.js';

const RETRY_SCHEDULE =
  'WEBHOOK_RETRY_SCHEDULE must be up to 20 numbers of seconds from 0 to 604800, with commas, like 5,300,1800.';
const ALERT_EMAIL = 'ALERT_EMAIL must be one or more addresses like anna@example.com, with commas.';
const SECRET = 's'.repeat(32);

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('settings', () => {
  it('have defaults that work on a laptop', () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      database: { dialect: 'sqlite', file: './data/availability.sqlite' },
      jwtSecret: null,
      batchMax: 256,
      commitConcurrency: 2,
      mailboxMax: 10_000,
      idempotencyTtlHours: 24,
      shutdownDelaySeconds: 3,
      shutdownGraceSeconds: 25,
      rateLimitPerMinute: 0,
      metricsToken: null,
    });
  });

  it('that are empty count as absent', () => {
    expect(readConfig({ PORT: '', JWT_SECRET: '' })).toEqual(readConfig({}));
  });

  it('can not be changed once they are read', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  const wrong: [name: string, value: string, problem: string][] = [
    ['PORT', 'http', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', '65536', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', '-1', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', '80.5', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', ' 80', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', '0x50', 'PORT must be a whole number from 0 to 65535.'],
    ['WEBHOOK_ALLOW_PRIVATE', 'yes', 'WEBHOOK_ALLOW_PRIVATE must be true or false.'],
    ['WEBHOOK_RETRY_SCHEDULE', '5,,300', RETRY_SCHEDULE],
    ['WEBHOOK_RETRY_SCHEDULE', '-1', RETRY_SCHEDULE],
    ['WEBHOOK_RETRY_SCHEDULE', '1e3', RETRY_SCHEDULE],
    ['WEBHOOK_RETRY_SCHEDULE', '604801', RETRY_SCHEDULE],
    ['WEBHOOK_RETRY_SCHEDULE', Array(21).fill('1').join(), RETRY_SCHEDULE],
    ['SMTP_URL', 'mail.example', 'SMTP_URL must be smtp://user:password@host:port or smtps://….'],
    ['SMTP_URL', 'smtp://', 'SMTP_URL must be smtp://user:password@host:port or smtps://….'],
    ['ALERT_EMAIL', 'anna', ALERT_EMAIL],
    ['ALERT_EMAIL', 'a@b.example\nBcc: c@d.example', ALERT_EMAIL],
    ['ALERT_EMAIL', 'a@b.example,', ALERT_EMAIL],
    ['MAIL_FROM', 'Anna <a@b.example>', 'MAIL_FROM must be an address like anna@example.com.'],
    ['DATABASE_POOL_MAX', '1', 'DATABASE_POOL_MAX must be a whole number from 2 to 500.'],
    ['BATCH_MAX', '0', 'BATCH_MAX must be a whole number from 1 to 1000.'],
    ['COMMIT_CONCURRENCY', '0', 'COMMIT_CONCURRENCY must be a whole number from 1 to 64.'],
    ['COMMIT_RETRIES', '51', 'COMMIT_RETRIES must be a whole number from 0 to 50.'],
    ['MAILBOX_MAX', '0', 'MAILBOX_MAX must be a whole number from 1 to 1000000.'],
    ['MAILBOX_WAIT_SECONDS', '0', 'MAILBOX_WAIT_SECONDS must be a whole number from 1 to 300.'],
    ['QUERY_TIMEOUT_SECONDS', '0', 'QUERY_TIMEOUT_SECONDS must be a whole number from 1 to 300.'],
    ['IDEMPOTENCY_TTL_HOURS', '0', 'IDEMPOTENCY_TTL_HOURS must be a whole number from 1 to 8760.'],
    ['MAX_CONNECTIONS', '0', 'MAX_CONNECTIONS must be a whole number from 1 to 1000000.'],
    [
      'REQUEST_TIMEOUT_SECONDS',
      '0',
      'REQUEST_TIMEOUT_SECONDS must be a whole number from 1 to 300.',
    ],
    ['SHUTDOWN_DELAY_SECONDS', 'x', 'SHUTDOWN_DELAY_SECONDS must be a whole number from 0 to 300.'],
    [
      'SHUTDOWN_GRACE_SECONDS',
      '0',
      'SHUTDOWN_GRACE_SECONDS must be a whole number from 1 to 3600.',
    ],
    [
      'RATE_LIMIT_PER_MINUTE',
      '-5',
      'RATE_LIMIT_PER_MINUTE must be a whole number from 0 to 1000000.',
    ],
    [
      'LOG_LEVEL',
      'loud',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.',
    ],
    ['JWT_SECRET', 'short', 'JWT_SECRET must be at least 32 bytes long.'],
    ['JWT_JWKS_URL', 'not a url', 'JWT_JWKS_URL must be an http or https URL.'],
    ['JWT_JWKS_URL', 'file:///etc/passwd', 'JWT_JWKS_URL must be an http or https URL.'],
    ...[
      'postgres://a@b/c',
      'mysql://user@host',
      'mysql://user@host/',
      'mysql://user@host/a/b',
      'mysql://user@host/%zz',
      'mysql:///database',
      'sqlite:',
      'sqlite::memory:',
      'file.sqlite',
    ].map((url): [string, string, string] => [
      'DATABASE_URL',
      url,
      'DATABASE_URL must be sqlite:<path of a file> or mysql://user:password@host:port/database.',
    ]),
  ];

  it.each(wrong)('%s=%s is named, with what would be right', (name, value, problem) => {
    expect(problemsOf({ [name]: value })).toContain(problem);
  });

  it('are all named at once where several are wrong', () => {
    const problems = problemsOf({ PORT: 'x', LOG_LEVEL: 'y', HOST: '0.0.0.0', BATCH_MAX: '0' });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PORT',
      'BATCH_MAX',
      'LOG_LEVEL',
      'JWT_SECRET',
    ]);
  });

  it('are checked against each other', () => {
    expect(problemsOf({ MAILBOX_MAX: '10', BATCH_MAX: '20' })).toEqual([
      'MAILBOX_MAX must be at least BATCH_MAX.',
    ]);
    expect(problemsOf({ DATABASE_POOL_MAX: '4', COMMIT_CONCURRENCY: '5' })).toEqual([
      'DATABASE_POOL_MAX must be at least COMMIT_CONCURRENCY.',
    ]);
    expect(problemsOf({ SMTP_URL: 'smtp://mail.example' })).toEqual([
      'MAIL_FROM or ALERT_EMAIL must be set where SMTP_URL is: mail has to come from somebody.',
    ]);
    expect(problemsOf({ SHUTDOWN_DELAY_SECONDS: '5', SHUTDOWN_GRACE_SECONDS: '5' })).toEqual([
      'SHUTDOWN_GRACE_SECONDS must be more than SHUTDOWN_DELAY_SECONDS.',
    ]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com'])(
    'refuse to listen on %s without a way to check tokens',
    (host) => {
      expect(problemsOf({ HOST: host })).toEqual([
        `JWT_SECRET (or JWT_JWKS_URL) must be set when HOST is not a loopback address (it is ${host}).`,
      ]);
      expect(problemsOf({ HOST: host, JWT_SECRET: SECRET })).toEqual([]);
      expect(problemsOf({ HOST: host, JWT_JWKS_URL: 'https://id.example/jwks' })).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1'])('take %s for loopback', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(problemsOf({ HOST: host })).toEqual([]);
  });

  it('take a database on a server under both its names', () => {
    for (const scheme of ['mysql', 'mariadb']) {
      const { database } = readConfig({ DATABASE_URL: `${scheme}://u:p%40@db:3307/rentals` });
      const expected = { dialect: 'mysql', url: 'mysql://u:p%40@db:3307/rentals' };
      expect(database).toEqual({ ...expected, database: 'rentals' });
    }
  });

  it('describe themselves, each once', () => {
    const names = describeSettings().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(describeSettings()).toContainEqual({
      name: 'MAILBOX_MAX',
      fallback: '10000',
      doc: 'commands waiting for one product at most; beyond it 503',
    });
  });
});
