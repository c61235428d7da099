import type { Changes, Loaded, ProductTruth } from '../domain/batch.js';
import type { Instant } from '../domain/instant.js';
import type { Needs } from '../domain/needs.js';
import { insertApiKeys, lockApiKeys, revokeApiKeys } from './api-keys.js';
import { markCommit, wasCommitted } from './commits.js';
import type { Database, Session } from './database.js';
import { deleteExpiredRecords, insertRecords, readClockAndRecords } from './idempotency-keys.js';
import { appendMovements, lastCounters } from './movements.js';
import { findTakenSkus, insertProducts, lockProducts, saveProducts } from './products.js';
import { insertRentals, lockRentals, saveEndedRentals, sumActiveRentals } from './rentals.js';

/** A batch's transaction: lock and load, then save, then commit, each at most once. */
export interface BatchTransaction {
  /** Locks the products in order of id, then reads the time and the rest. */
  load(needs: Needs): Promise<Omit<Loaded, 'truths'>>;
  /** What the rows of locked products' rentals and ledgers say. */
  loadTruths(productIds: readonly number[]): Promise<ProductTruth[]>;
  /** Writes everything, a statement for each table. */
  save(changes: Changes, batch: { now: Instant; firstCommandId: string }): Promise<Mark | null>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** The command id by which a committed batch is known again; null where nothing was written. */
export type Mark = string;

export interface BatchStore {
  begin(): Promise<BatchTransaction>;
  /**
   * Finds out whether the transaction with this mark was committed: the old session is ended
   * first, so that it can't commit any more. Throws a DatabaseFault where it can't be found out.
   */
  wasCommitted(mark: Mark, sessionId: number | null): Promise<boolean>;
}

export function batchStore(database: Database): BatchStore {
  return {
    async begin() {
      return transaction(await database.begin());
    },
    async wasCommitted(mark, sessionId) {
      if (sessionId !== null) await database.endSession(sessionId);
      return wasCommitted(database, mark);
    },
  };
}

function transaction(session: Session): BatchTransaction {
  return {
    async load(needs) {
      const products = await lockProducts(session, needs.productIds);
      const { now, records } = await readClockAndRecords(session, needs.keyHashes);
      const rentals = await lockRentals(session, needs.rentalIds);
      const takenSkus = await findTakenSkus(session, needs.skus);
      const apiKeys = await lockApiKeys(session, needs.apiKeyIds);
      return { now, products, rentals, records, takenSkus, apiKeys };
    },
    async loadTruths(productIds) {
      const rented = await sumActiveRentals(session, productIds);
      const ledger = await lastCounters(session, productIds);
      return productIds.map((productId) => ({
        productId,
        unitsRented: rented.get(productId) ?? 0,
        ledger: ledger.get(productId) ?? NO_COUNTERS,
      }));
    },
    save: (changes, batch) => save(session, changes, batch),
    commit: () => session.commit(),
    rollback: () => session.rollback(),
  };
}

const NO_COUNTERS = {
  quantity: 0,
  quantityAvailable: 0,
  quantityReserved: 0,
  quantityRented: 0,
};

async function save(
  session: Session,
  changes: Changes,
  { now, firstCommandId }: { now: Instant; firstCommandId: string },
): Promise<Mark | null> {
  await insertProducts(session, changes.createdProducts);
  const lines = [...changes.createdProducts.map(({ opening }) => opening), ...changes.movements];
  await insertRentals(session, changes.newRentals);
  await saveEndedRentals(session, changes.endedRentals);
  await appendMovements(session, lines);
  await saveProducts(session, changes.changedProducts);
  await insertApiKeys(session, changes.newApiKeys);
  await revokeApiKeys(session, changes.revokedApiKeyIds, now);
  await deleteExpiredRecords(session, changes.expiredKeys, now);
  await insertRecords(session, changes.records);

  const [line] = lines;
  if (line) return line.commandId;
  const wroteSomething =
    changes.records.length + changes.newApiKeys.length + changes.revokedApiKeyIds.length > 0;
  if (!wroteSomething) return null;
  await markCommit(session, firstCommandId, now);
  return firstCommandId;
}
