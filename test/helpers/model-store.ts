import type { ApiKey } from '../../src/domain/api-key.js';
import type { Changes, Loaded } from '../../src/domain/batch.js';
import type { Command } from '../../src/domain/command.js';
import { decide, productsToMend, type Settlement } from '../../src/domain/decide.js';
import type { ProductTruth } from '../../src/domain/drift.js';
import type { IdempotencyRecord } from '../../src/domain/idempotency.js';
import type { Movement } from '../../src/domain/movement.js';
import { needsOf } from '../../src/domain/needs.js';
import type { Product } from '../../src/domain/product.js';
import type { Rental } from '../../src/domain/rental.js';
import { breachesOf, counters } from './law.js';

/** ms for which a key keeps its answer in these tests */
export const TTL_MS = 1000;

/**
 * The tables as plain rows in memory, for tests of the domain: a batch is loaded, decided and
 * written as the service does it, with the keys and checks of the real tables, and no I/O.
 */
export class ModelStore {
  now = 1_700_000_000_000;
  readonly products = new Map<number, Product>();
  readonly rentals = new Map<string, Rental>();
  readonly ledger: Movement[] = [];
  readonly records = new Map<string, IdempotencyRecord>();
  readonly apiKeys = new Map<string, ApiKey>();

  /** Puts a product there, with an opening line for what it has. */
  addProduct(given: Partial<Product>): void {
    const product = { ...PRODUCT, createdAt: this.now, updatedAt: this.now, ...given };
    this.products.set(product.id, product);
    const { quantity, quantityAvailable, quantityReserved, quantityRented } = product;
    const after = counters(quantity, quantityAvailable, quantityReserved, quantityRented);
    this.ledger.push({ ...OPENING, productId: product.id, delta: after, after });
  }

  /** Puts a rental there; its units are expected to be out on its product already. */
  addRental(given: Partial<Rental> & { id: string }): void {
    this.rentals.set(given.id, { ...RENTAL, createdAt: this.now, ...given });
  }

  /** One batch: loads what it needs, decides, writes. */
  run(commands: readonly Command[]): readonly Settlement[] {
    const { settlements, changes } = decide(commands, this.load(commands), {
      idempotencyTtlMs: TTL_MS,
    });
    this.#write(changes);
    // An outcome shows the ids of new products only once they are written.
    return structuredClone(settlements);
  }

  load(commands: readonly Command[]): Loaded {
    const needs = needsOf(commands);
    const loaded = structuredClone({
      now: this.now,
      products: found(this.products, needs.productIds),
      rentals: found(this.rentals, needs.rentalIds),
      records: found(this.records, needs.keyHashes),
      takenSkus: needs.skus.filter((wanted) => this.#hasSku(wanted)),
      apiKeys: found(this.apiKeys, needs.apiKeyIds),
    });
    const ids = new Set([...needs.syncIds, ...needs.deepSyncIds, ...productsToMend(loaded)]);
    return { ...loaded, truths: [...ids].map((id) => this.#truthOf(id)) };
  }

  /** The units of a product's active rentals. */
  unitsRented(productId: number): number {
    return [...this.rentals.values()]
      .filter((rental) => rental.productId === productId && rental.status === 'active')
      .reduce((sum, rental) => sum + rental.quantity, 0);
  }

  linesOf(productId: number): Movement[] {
    return this.ledger.filter((line) => line.productId === productId);
  }

  #write(changes: Changes): void {
    for (const { product, opening } of changes.createdProducts) {
      if (this.#hasSku(product)) throw new Error(`SKU ${product.sku} is there twice`);
      product.id = this.products.size + 1;
      opening.productId = product.id;
      this.#saveProduct(product);
      this.ledger.push(structuredClone(opening));
    }
    for (const rental of changes.newRentals) insert(this.rentals, rental.id, rental);
    for (const [id, rental] of changes.changedRentals)
      this.rentals.set(id, structuredClone(rental));
    this.ledger.push(...structuredClone(changes.movements));
    for (const product of changes.changedProducts) this.#saveProduct(product);
    for (const { secretHash: _, ...key } of changes.newApiKeys) insert(this.apiKeys, key.id, key);
    for (const id of changes.revokedApiKeyIds) this.apiKeys.delete(id);
    for (const keyHash of changes.expiredKeys) this.records.delete(keyHash);
    for (const record of changes.records) insert(this.records, record.keyHash, record);
  }

  #saveProduct(product: Product): void {
    const breaches = breachesOf(product);
    if (breaches.length > 0) throw new Error(`product ${product.id}: ${breaches.join(', ')}`);
    this.products.set(product.id, structuredClone(product));
  }

  #hasSku({ storeId, sku }: { storeId: number; sku: string }): boolean {
    return [...this.products.values()].some((row) => row.storeId === storeId && row.sku === sku);
  }

  #truthOf(productId: number): ProductTruth {
    const ledger = this.linesOf(productId).at(-1)?.after ?? counters(0, 0, 0, 0);
    return { productId, unitsRented: this.unitsRented(productId), ledger };
  }
}

function found<K, V>(rows: Map<K, V>, keys: readonly K[]): V[] {
  return keys.map((key) => rows.get(key)).filter((row) => row !== undefined);
}

function insert<V>(rows: Map<string, V>, key: string, row: V): void {
  if (rows.has(key)) throw new Error(`${key} is there twice`);
  rows.set(key, structuredClone(row));
}

const PRODUCT: Product = {
  id: 1,
  storeId: 1,
  sku: 'TENT',
  name: 'Tent',
  parentId: null,
  ...counters(3, 3, 0, 0),
  availabilityStatus: 'available',
  lowStockThreshold: null,
  priceAmount: null,
  priceCurrency: null,
  supplierEmail: null,
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};

const RENTAL: Omit<Rental, 'id'> = {
  storeId: 1,
  productId: 1,
  userId: 'ann',
  quantity: 1,
  status: 'active',
  startsAt: null,
  endsAt: null,
  orderId: null,
  reservationId: null,
  createdAt: 0,
  completedAt: null,
  cancelledAt: null,
  cancelReason: null,
};

const OPENING: Movement = {
  storeId: 1,
  productId: 1,
  commandId: 'opening',
  kind: 'open',
  delta: counters(0, 0, 0, 0),
  after: counters(0, 0, 0, 0),
  rentalId: null,
  reservationId: null,
  orderId: null,
  reason: 'opening',
  actor: 'admin',
  createdAt: 0,
};
