import type { AvailabilityStatus, Counters } from '../../machines/product.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import type { CommandHeader } from './command.js';
import {
  type Drift,
  driftOf,
  offsetOf,
  type ProductTruth,
  type TruthOffset,
  truthAt,
} from './drift.js';
import type { IdempotencyRecord } from './idempotency.js';
import type { Instant } from './instant.js';
import { LiveProduct, type Sent } from './live-product.js';
import type { Movement, MovementKind } from './movement.js';
import { countersOf, difference, type Product } from './product.js';
import type { Rental } from './rental.js';
import type { NewSyncRun, SyncFinding } from './sync-run.js';

/** Everything that a batch decides on, read under the locks. */
export interface Loaded {
  /** the database's time, read after the locks were had; one for the whole batch */
  readonly now: Instant;
  readonly products: readonly Product[];
  readonly rentals: readonly Rental[];
  readonly records: readonly IdempotencyRecord[];
  /** which of the SKUs that are to be made exist already */
  readonly takenSkus: readonly SkuInStore[];
  /** those that are not revoked */
  readonly apiKeys: readonly ApiKey[];
  /** of products that are synced, and of those that `productsToMend` named */
  readonly truths: readonly ProductTruth[];
}

export interface SkuInStore {
  readonly storeId: number;
  readonly sku: string;
}

/**
 * A product that the batch makes. Its id is 0 until the row is inserted; the insert puts the id
 * into both, and so into every outcome that shows the product.
 */
export interface CreatedProduct {
  readonly product: { -readonly [K in keyof Product]: Product[K] };
  readonly opening: { -readonly [K in keyof Movement]: Movement[K] };
}

/** What one accepted command did to a product's free units and status. */
export interface QuantityChange {
  readonly productId: number;
  readonly quantity: readonly [old: number, now: number];
  readonly status: readonly [old: AvailabilityStatus, now: AvailabilityStatus];
}

/** What a batch writes. */
export interface Changes {
  readonly createdProducts: CreatedProduct[];
  changedProducts: Product[];
  readonly newRentals: Rental[];
  /** by id: the last of several changes is what is written */
  readonly changedRentals: Map<string, Rental>;
  readonly movements: Movement[];
  /** for the log: what each line did to the free units and the status */
  readonly quantityChanges: QuantityChange[];
  readonly records: IdempotencyRecord[];
  /** hashes of keys whose record was past its time and is replaced */
  readonly expiredKeys: string[];
  readonly newApiKeys: (NewApiKey & ApiKey)[];
  readonly revokedApiKeyIds: string[];
  readonly newSyncRuns: NewSyncRun[];
  readonly syncFindings: SyncFinding[];
}

/**
 * A batch while it is decided on: the loaded rows, brought up to date by each accepted command for
 * those behind it, and what is to be written. No I/O; commands come one after another.
 */
export class Batch {
  readonly now: Instant;
  readonly changes: Changes = {
    createdProducts: [],
    changedProducts: [],
    newRentals: [],
    changedRentals: new Map(),
    movements: [],
    quantityChanges: [],
    records: [],
    expiredKeys: [],
    newApiKeys: [],
    revokedApiKeyIds: [],
    newSyncRuns: [],
    syncFindings: [],
  };
  readonly #products = new Map<number, LiveProduct>();
  readonly #rentals: Map<string, Rental>;
  readonly #takenSkus: Set<string>;
  readonly #apiKeys: Map<string, ApiKey>;
  readonly #offsets = new Map<number, TruthOffset>();

  constructor(loaded: Loaded) {
    this.now = loaded.now;
    const truths = new Map(loaded.truths.map((truth) => [truth.productId, truth]));
    for (const row of loaded.products) {
      this.#products.set(row.id, new LiveProduct(row));
      const truth = truths.get(row.id);
      if (truth) this.#offsets.set(row.id, offsetOf(row, truth));
    }
    this.#rentals = new Map(loaded.rentals.map((rental) => [rental.id, rental]));
    this.#takenSkus = new Set(loaded.takenSkus.map(skuKey));
    this.#apiKeys = new Map(loaded.apiKeys.map((key) => [key.id, key]));
  }

  /** The product, where it exists in the command's store. */
  product(command: CommandHeader & { productId: number }): LiveProduct | undefined {
    const product = this.#products.get(command.productId);
    return product?.row.storeId === command.storeId ? product : undefined;
  }

  /** The rental, where it exists in the command's store. */
  rental(command: CommandHeader & { rentalId: string }): Rental | undefined {
    const rental = this.#rentals.get(command.rentalId);
    return rental?.storeId === command.storeId ? rental : undefined;
  }

  apiKey(command: CommandHeader & { apiKeyId: string }): ApiKey | undefined {
    const key = this.#apiKeys.get(command.apiKeyId);
    return key?.storeId === command.storeId ? key : undefined;
  }

  skuIsTaken(sku: SkuInStore): boolean {
    return this.#takenSkus.has(skuKey(sku));
  }

  createProduct(created: CreatedProduct): void {
    this.changes.createdProducts.push(created);
    this.#takenSkus.add(skuKey(created.product));
  }

  startRental(rental: Rental): void {
    this.changes.newRentals.push(rental);
    this.#rentals.set(rental.id, rental);
  }

  /** A product's active rentals without a user and an order, oldest first. */
  activeRentalsOfNobody(productId: number): Rental[] {
    return [...this.#rentals.values()]
      .filter((rental) => rental.productId === productId && rental.status === 'active')
      .filter((rental) => rental.userId === null && rental.orderId === null)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Keeps what became of a rental that existed before: how it ended, or what is left of it. */
  changeRental(rental: Rental): void {
    this.changes.changedRentals.set(rental.id, rental);
    this.#rentals.set(rental.id, rental);
  }

  createApiKey(key: NewApiKey & ApiKey): void {
    this.changes.newApiKeys.push(key);
    this.#apiKeys.set(key.id, key);
  }

  revokeApiKey(key: ApiKey): void {
    this.changes.revokedApiKeyIds.push(key.id);
    this.#apiKeys.delete(key.id);
  }

  /** Writes one line for an accepted command, and counts the product's version up. */
  move(product: LiveProduct, command: CommandHeader, line: LineOf): void {
    product.touch(this.now);
    const { row } = product;
    this.changes.movements.push({
      storeId: row.storeId,
      productId: row.id,
      commandId: command.id,
      kind: line.kind,
      delta: line.delta ?? line.sent.delta,
      after: countersOf(row),
      rentalId: line.rentalId ?? null,
      reservationId: null,
      orderId: line.orderId ?? null,
      reason: line.reason ?? null,
      actor: command.actor,
      createdAt: this.now,
    });
    const { delta, oldStatus } = line.sent;
    this.changes.quantityChanges.push({
      productId: row.id,
      quantity: [row.quantityAvailable - delta.quantityAvailable, row.quantityAvailable],
      status: [oldStatus, row.availabilityStatus],
    });
  }

  /** What is wrong with a product's counters as they stand now; null where nothing is. */
  driftOf(product: LiveProduct): Drift | null {
    const offset = this.#offsets.get(product.row.id);
    return offset ? driftOf(product.row, truthAt(product.row, offset)) : null;
  }

  /**
   * Repairs a product. The line carries what the *ledger* lacked, so that its sums hold again; that
   * can be nothing.
   */
  repair(product: LiveProduct, drift: Drift, command: CommandHeader): void {
    const offset = this.#offsets.get(product.row.id);
    if (!offset) throw new Error(`nothing is known of the ledger of product ${drift.productId}`);
    const { ledger } = truthAt(product.row, offset);
    const sent = product.send({ type: 'SYNC', counters: drift.new });
    if ('refusal' in sent) throw new Error(`product ${drift.productId} can not be synced`);
    this.move(product, command, {
      kind: 'sync',
      sent,
      delta: difference(ledger, drift.new),
      reason: drift.causes.join(', '),
    });
    this.#offsets.delete(product.row.id);
  }

  /** Repairs the products whose counters did not cover the rentals that are about to end. */
  mend(productId: number, cause: CommandHeader): void {
    const product = this.#products.get(productId);
    const drift = product && this.driftOf(product);
    if (drift) this.repair(product, drift, { ...cause, actor: 'system' });
  }

  /** Closes the batch: what it writes, with every product that was changed. */
  finish(): Changes {
    this.changes.changedProducts = [...this.#products.values()]
      .filter((product) => product.changed)
      .map((product) => product.row);
    return this.changes;
  }
}

interface LineOf {
  readonly kind: MovementKind;
  /** what the machine made of it */
  readonly sent: Sent;
  /** where the line says something else than what changed */
  readonly delta?: Counters;
  readonly rentalId?: string | null;
  readonly orderId?: string | null;
  readonly reason?: string | null;
}

const skuKey = ({ storeId, sku }: SkuInStore) => `${storeId}:${sku}`;
