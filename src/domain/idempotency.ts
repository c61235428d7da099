import type { Outcome } from './command.js';
import type { Instant } from './instant.js';

/** A caller's promise that two requests with the same key are one. */
export interface IdempotencyKey {
  /** SHA-256 over store, caller and key, hex: a key belongs to a caller and a store */
  readonly keyHash: string;
  /** SHA-256 over method, path, query and body, hex */
  readonly requestHash: string;
}

/** The first answer to a key. The outcome is kept, not the reply: it is rendered again. */
export interface IdempotencyRecord extends IdempotencyKey {
  readonly storeId: number;
  readonly commandId: string;
  readonly outcome: Outcome;
  readonly createdAt: Instant;
  /** from then on the record counts as absent */
  readonly expiresAt: Instant;
}
