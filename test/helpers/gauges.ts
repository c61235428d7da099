import type { Gauges } from '../../src/metrics.js';

/** What a service that has nothing to do and no database shows at a scrape. */
export const IDLE: Gauges = {
  waitingCommands: () => 0,
  deepestMailbox: () => 0,
  mailboxMax: 0,
  ready: async () => false,
  batchesInFlight: () => 0,
  pool: () => null,
  stock: async () => null,
  outboxLag: async () => null,
  telling: async () => null,
  version: '0',
};
