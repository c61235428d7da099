import { type Logger, pino } from 'pino';

export type { Logger };

/** What is kept of a log that can't be written just now; beyond it lines are dropped. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

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
  const destination = pino.destination({ fd, maxLength: BUFFERED_BYTES_MAX });
  // A full disk or a closed pipe under the log is no reason for the service to stop serving.
  destination.on('error', () => {});
  return pino(options, destination);
}
