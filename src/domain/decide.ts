import { createApiKey, revokeApiKey } from './api-keys.js';
import { Batch, type Changes, type Loaded } from './batch.js';
import { type Command, type Outcome, refused } from './command.js';
import type { IdempotencyRecord } from './idempotency.js';
import { createProducts, publish, updateProduct } from './products.js';
import { isRemembered } from './refusal.js';
import { endRental, releaseUnits, rent } from './rentals.js';
import { startSync, syncProduct } from './sync.js';

/** A command's answer. */
export interface Settlement {
  readonly outcome: Outcome;
  /** the answer was given before, to the same idempotency key */
  readonly replayed: boolean;
}

export interface Decision {
  /** one for each command, in the same order */
  readonly settlements: readonly Settlement[];
  readonly changes: Changes;
}

export interface DecisionRules {
  /** ms for which an idempotency key keeps its answer */
  readonly idempotencyTtlMs: number;
}

/**
 * Decides a batch: each command in order, on what those before it left. Synchronous and pure but
 * for the ids of new products, which the insert fills in. A refused command leaves no trace.
 */
export function decide(
  commands: readonly Command[],
  loaded: Loaded,
  rules: DecisionRules,
): Decision {
  const batch = new Batch(loaded);
  const records = new Map(loaded.records.map((record) => [record.keyHash, record]));
  for (const productId of productsToMend(loaded)) {
    const cause = commands.find((command) => endsRentalOf(command, productId));
    if (cause) batch.mend(productId, cause);
  }
  const settlements = commands.map((command) => settle(batch, command, records, rules));
  return { settlements, changes: batch.finish() };
}

/**
 * The products whose counters, edited from outside, no longer cover the rentals that the batch is
 * about to end. They are mended first, in the same transaction.
 */
export function productsToMend(loaded: Pick<Loaded, 'products' | 'rentals'>): number[] {
  if (loaded.rentals.length === 0) return [];
  const out = new Map<number, number>();
  for (const rental of loaded.rentals) {
    if (rental.status !== 'active') continue;
    out.set(rental.productId, (out.get(rental.productId) ?? 0) + rental.quantity);
  }
  return loaded.products
    .filter((product) => product.quantityRented < (out.get(product.id) ?? 0))
    .map((product) => product.id);
}

function settle(
  batch: Batch,
  command: Command,
  records: Map<string, IdempotencyRecord>,
  rules: DecisionRules,
): Settlement {
  const key = command.idempotency;
  if (!key) return { outcome: apply(batch, command), replayed: false };

  const known = records.get(key.keyHash);
  if (known && known.expiresAt > batch.now) {
    return known.requestHash === key.requestHash
      ? { outcome: known.outcome, replayed: true }
      : { outcome: refused({ code: 'idempotency_key_reused' }), replayed: false };
  }
  const outcome = apply(batch, command);
  if (outcome.ok || isRemembered(outcome.refusal)) {
    if (known) batch.changes.expiredKeys.push(known.keyHash);
    const record = {
      ...key,
      storeId: command.storeId,
      commandId: command.id,
      outcome,
      createdAt: batch.now,
      expiresAt: batch.now + rules.idempotencyTtlMs,
    };
    batch.changes.records.push(record);
    records.set(key.keyHash, record);
  }
  return { outcome, replayed: false };
}

function apply(batch: Batch, command: Command): Outcome {
  switch (command.kind) {
    case 'rent':
      return rent(batch, command);
    case 'cancel':
    case 'complete':
      return endRental(batch, command);
    case 'release_units':
      return releaseUnits(batch, command);
    case 'create_products':
      return createProducts(batch, command);
    case 'publish':
    case 'unpublish':
      return publish(batch, command);
    case 'update':
      return updateProduct(batch, command);
    case 'create_api_key':
      return createApiKey(batch, command);
    case 'revoke_api_key':
      return revokeApiKey(batch, command);
    case 'start_sync':
      return startSync(batch, command);
    case 'sync':
      return syncProduct(batch, command);
  }
}

const endsRentalOf = (command: Command, productId: number) =>
  (command.kind === 'cancel' || command.kind === 'complete' || command.kind === 'release_units') &&
  command.productId === productId;
