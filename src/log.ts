import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * The service's log: one JSON object a line on standard output (`fd` 1), or, for a script whose
 * output is its result, on standard error (2). It never holds a token or a key.
 */
export function createLogger(level: string, fd: 1 | 2 = 1): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['headers.authorization', 'headers["x-api-key"]', '*.key', '*.token', '*.secret'],
  };
  return pino(options, pino.destination(fd));
}
