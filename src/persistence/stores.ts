import { LRUCache } from 'lru-cache';
import type { Database } from './database.js';

const REMEMBERED_STORES_MAX = 10_000;

/** The stores that are known to exist. A store is never removed, so what was seen once stays true. */
export class Stores {
  readonly #database: Database;
  readonly #seen = new LRUCache<number, true>({ max: REMEMBERED_STORES_MAX });

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes the store where nobody named it before. Throws a DatabaseFault. */
  async ensure(storeId: number): Promise<void> {
    if (this.#seen.has(storeId)) return;
    const database = this.#database;
    // Looked for first, so that a database which can't be written to still serves reads.
    const rows = await database.select(`SELECT 1 FROM stores WHERE id = ${storeId}`);
    if (rows.length === 0) {
      await database.run(
        `${database.dialect.insertIgnore} INTO stores (id, created_at) VALUES (${storeId}, ${database.dialect.now})`,
      );
    }
    this.#seen.set(storeId, true);
  }
}
