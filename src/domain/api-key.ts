import type { Instant } from './instant.js';

export const ROLES = ['admin', 'reseller', 'customer', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** A back end's key, as it is kept: never the key itself. */
export interface ApiKey {
  /** UUIDv7, the part of the key that is no secret */
  readonly id: string;
  readonly storeId: number;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Instant;
}

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret part, hex */
  readonly secretHash: string;
}
