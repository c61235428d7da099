import type { SkuInStore } from './batch.js';
import { type Command, productIdsOf } from './command.js';

/** The rows that a batch has to lock and read before it can be decided. */
export interface Needs {
  /** ascending: the order in which they are locked */
  readonly productIds: readonly number[];
  readonly rentalIds: readonly string[];
  readonly keyHashes: readonly string[];
  readonly skus: readonly SkuInStore[];
  readonly apiKeyIds: readonly string[];
  /** products of which units of nobody in particular come back, and how many */
  readonly releases: ReadonlyMap<number, number>;
  /** products whose counters are compared with their ledger and rentals */
  readonly syncIds: readonly number[];
  /** the same, with the ledger added up line by line */
  readonly deepSyncIds: readonly number[];
}

export function needsOf(commands: readonly Command[]): Needs {
  const productIds = new Set<number>();
  const rentalIds = new Set<string>();
  const keyHashes = new Set<string>();
  const skus: SkuInStore[] = [];
  const apiKeyIds = new Set<string>();
  const releases = new Map<number, number>();
  const syncIds = new Set<number>();
  const deepSyncIds = new Set<number>();
  for (const command of commands) {
    for (const id of productIdsOf(command)) productIds.add(id);
    if (command.idempotency) keyHashes.add(command.idempotency.keyHash);
    switch (command.kind) {
      case 'cancel':
      case 'complete':
        rentalIds.add(command.rentalId);
        break;
      case 'create_products':
        for (const { sku } of command.products) skus.push({ storeId: command.storeId, sku });
        break;
      case 'revoke_api_key':
        apiKeyIds.add(command.apiKeyId);
        break;
      case 'release_units': {
        const units = releases.get(command.productId) ?? 0;
        releases.set(command.productId, units + command.quantity);
        break;
      }
      case 'sync':
        (command.deep ? deepSyncIds : syncIds).add(command.productId);
        break;
    }
  }
  return {
    productIds: [...productIds].sort((a, b) => a - b),
    rentalIds: [...rentalIds],
    keyHashes: [...keyHashes],
    skus,
    apiKeyIds: [...apiKeyIds],
    releases,
    syncIds: [...syncIds].filter((id) => !deepSyncIds.has(id)),
    deepSyncIds: [...deepSyncIds],
  };
}
