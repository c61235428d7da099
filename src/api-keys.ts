import { createHash, randomBytes } from 'node:crypto';
import type { NewApiKey, Role } from './domain/api-key.js';
import { newId } from './ids.js';

const SECRET_BYTES = 32;

/** Makes a key: an id and a random secret. `key` is what the back end sends, and is never stored. */
export function newApiKey(named: { name: string; role: Role }): { key: string; apiKey: NewApiKey } {
  const id = newId();
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return {
    key: `${id}.${secret}`,
    apiKey: { id, name: named.name, role: named.role, secretHash: hashSecret(secret) },
  };
}

/** What is kept of a key's secret part: SHA-256, hex. The secret is random, so it needs no salt. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
