import type { ApiKey } from './api-key.js';
import type { Batch } from './batch.js';
import { type CreateApiKey, done, type Outcome, type RevokeApiKey, refused } from './command.js';

/** Keeps a new key's hash. The key itself is known to the caller alone. */
export function createApiKey(batch: Batch, command: CreateApiKey): Outcome<ApiKey> {
  const { id, name, role } = command.apiKey;
  const key = { id, name, role, storeId: command.storeId, createdAt: batch.now };
  batch.createApiKey({ ...key, secretHash: command.apiKey.secretHash });
  return done(key);
}

/** Ends a key; from the commit on it opens nothing. */
export function revokeApiKey(batch: Batch, command: RevokeApiKey): Outcome<null> {
  const key = batch.apiKey(command);
  if (!key) return refused({ code: 'not_found' });
  batch.revokeApiKey(key);
  return done(null);
}
