import { type Logger, pino } from 'pino';

export type { Logger };

/** The service's log: one JSON object a line on standard output. It never holds a token or a key. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['headers.authorization', 'headers["x-api-key"]', '*.key', '*.token', '*.secret'],
  });
}
