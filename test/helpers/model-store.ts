import type { ApiKey } from '../../src/domain/api-key.js';
import { CartGrew } from '../../src/domain/cart-grew.js';
import type { CartItem } from '../../src/domain/cart-item.js';
import type { Changes } from '../../src/domain/changes.js';
import { type Command, withProducts } from '../../src/domain/command.js';
import { decide, productsToMend, type Settlement } from '../../src/domain/decide.js';
import type { ProductTruth } from '../../src/domain/drift.js';
import type { LinelessEvent } from '../../src/domain/event.js';
import type { IdempotencyRecord } from '../../src/domain/idempotency.js';
import type { DueHolds, Loaded } from '../../src/domain/loaded.js';
import type { Movement } from '../../src/domain/movement.js';
import { type Needs, needsOf } from '../../src/domain/needs.js';
import { type Order, rentalIdsOfOrder } from '../../src/domain/order.js';
import type { Product } from '../../src/domain/product.js';
import type { Rental } from '../../src/domain/rental.js';
import type { Reservation } from '../../src/domain/reservation.js';
import type { KeptWebhookEndpoint, WebhookDelivery } from '../../src/domain/webhook-endpoint.js';
import { breachesOf, counters } from './law.js';

/** ms for which a key keeps its answer in these tests */
export const TTL_MS = 1000;
/** ms that a hold lives at most in these tests */
export const HOLD_MAX_MS = 10_000;
/** holds that a customer may have at once in these tests */
export const ACTIVE_HOLDS_MAX = 3;
/** webhook endpoints that a store may have in these tests */
export const WEBHOOK_ENDPOINTS_MAX = 3;

const RULES = {
  idempotencyTtlMs: TTL_MS,
  holdMaxMs: HOLD_MAX_MS,
  activeHoldsMax: ACTIVE_HOLDS_MAX,
  webhookEndpointsMax: WEBHOOK_ENDPOINTS_MAX,
};

/**
 * The tables as plain rows in memory, for tests of the domain: a batch is loaded, decided and
 * written as the service does it, with the keys and checks of the real tables, and no I/O.
 */
export class ModelStore {
  now = 1_700_000_000_000;
  readonly products = new Map<number, Product>();
  readonly rentals = new Map<string, Rental>();
  readonly reservations = new Map<string, Reservation>();
  readonly cartItems = new Map<string, CartItem>();
  readonly orders = new Map<string, Order>();
  readonly paymentEvents = new Set<string>();
  readonly ledger: Movement[] = [];
  readonly records = new Map<string, IdempotencyRecord>();
  readonly apiKeys = new Map<string, ApiKey>();
  readonly webhookEndpoints = new Map<string, KeptWebhookEndpoint>();
  readonly webhookDeliveries = new Map<string, WebhookDelivery>();
  readonly events: LinelessEvent[] = [];

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

  /** Puts a hold there; its units are expected to be held on its product already. */
  addHold(given: Partial<Reservation> & { id: string }): void {
    const reservation = {
      ...RESERVATION,
      createdAt: this.now,
      updatedAt: this.now,
      expiresAt: this.now + 1000,
      ...given,
    };
    this.reservations.set(given.id, reservation);
    const product = this.products.get(reservation.productId);
    if (!product || reservation.status !== 'reserved') return;
    const hint = Math.min(product.nextHoldDueAt ?? reservation.expiresAt, reservation.expiresAt);
    this.products.set(product.id, { ...product, nextHoldDueAt: hint });
  }

  /** Puts a line into a user's cart. */
  addCartItem(given: Partial<CartItem>): void {
    const item = { ...CART_ITEM, createdAt: this.now, updatedAt: this.now, ...given };
    this.cartItems.set(item.id, item);
  }

  /** The products with a hold that is due before their hint says that one can be. */
  lateHints(): number[] {
    return [...this.products.values()]
      .filter(({ id, nextHoldDueAt }) => {
        const first = this.firstHoldDueAt(id);
        return first !== null && (nextHoldDueAt === null || nextHoldDueAt > first);
      })
      .map(({ id }) => id);
  }

  /** One batch: loads what it needs, decides, writes. */
  run(commands: readonly Command[]): readonly Settlement[] {
    const { settlements, changes } = decide(commands, this.load(commands), RULES);
    this.#write(changes);
    // An outcome shows the ids of new products only once they are written.
    return settlements.map((settlement, n) => {
      if (!(settlement instanceof CartGrew)) return structuredClone(settlement);
      const command = commands[n];
      if (!command) throw settlement;
      let ids = 0;
      const again = withProducts(command, settlement.productIds, () => `${command.id}-${ids++}`);
      return this.run([again])[0] ?? fail();
    });
  }

  load(commands: readonly Command[]): Loaded {
    const needs = this.#needsOf(commands);
    const orders = this.#ordersFor(needs);
    const loaded = structuredClone({
      now: this.now,
      products: found(this.products, needs.productIds),
      rentals: found(this.rentals, [
        ...new Set([...this.#rentalIdsFor(needs), ...orders.flatMap(rentalIdsOfOrder)]),
      ]),
      ...this.#holdsFor(needs),
      customers: needs.customers.map((customer) => ({
        ...customer,
        activeHolds: this.#held().filter(
          ({ storeId, customerId, expiresAt }) =>
            storeId === customer.storeId && customerId === customer.userId && expiresAt > this.now,
        ).length,
      })),
      cartItems: [...this.cartItems.values()].filter((item) =>
        needs.cartItems.some(
          ({ storeId, userId, productId }) =>
            item.storeId === storeId && item.userId === userId && item.productId === productId,
        ),
      ),
      orders,
      knownPaymentEventIds: needs.paymentEventIds.filter((id) => this.paymentEvents.has(id)),
      records: found(this.records, needs.keyHashes),
      takenSkus: needs.skus.filter((wanted) => this.#hasSku(wanted)),
      apiKeys: found(this.apiKeys, needs.apiKeyIds),
      webhooks: {
        endpoints: found(this.webhookEndpoints, needs.webhookEndpointIds),
        deliveries: found(this.webhookDeliveries, needs.webhookDeliveryIds),
        counts: needs.webhookStores.map((storeId) => ({
          storeId,
          endpoints: [...this.webhookEndpoints.values()].filter((row) => row.storeId === storeId)
            .length,
        })),
      },
    });
    const ids = new Set([...needs.syncIds, ...needs.deepSyncIds, ...productsToMend(loaded)]);
    return { ...loaded, truths: [...ids].map((id) => this.#truthOf(id)) };
  }

  #needsOf(commands: readonly Command[]): Needs {
    const needs = needsOf(commands);
    const own = needs.ownHoldsOf(found(this.products, needs.productIds));
    return { ...needs, holds: [...needs.holds, ...own] };
  }

  /** The units of a product's active holds, those that are due among them. */
  unitsReserved(productId: number): number {
    return this.#held()
      .filter((hold) => hold.productId === productId)
      .reduce((sum, hold) => sum + hold.quantity, 0);
  }

  /** When the first of a product's active holds is due, or was. */
  firstHoldDueAt(productId: number): number | null {
    const holds = this.#held().filter((hold) => hold.productId === productId);
    return holds.length === 0 ? null : Math.min(...holds.map(({ expiresAt }) => expiresAt));
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
    for (const [id, row] of changes.changedReservations) {
      this.reservations.set(id, structuredClone(row));
    }
    for (const [id, row] of changes.newReservations) insert(this.reservations, id, row);
    this.#checkHolds();
    for (const id of changes.removedCartItemIds) this.cartItems.delete(id);
    for (const [id, item] of changes.savedCartItems) this.cartItems.set(id, structuredClone(item));
    for (const [id, order] of changes.changedOrders) this.orders.set(id, structuredClone(order));
    for (const [id, order] of changes.newOrders) insert(this.orders, id, order);
    for (const { id } of changes.paymentEvents) this.paymentEvents.add(id);
    this.ledger.push(...structuredClone(changes.movements));
    for (const product of changes.changedProducts) this.#saveProduct(product);
    for (const { secretHash: _, ...key } of changes.newApiKeys) insert(this.apiKeys, key.id, key);
    for (const id of changes.revokedApiKeyIds) this.apiKeys.delete(id);
    const { created, changed, deleted, retried } = changes.webhooks;
    for (const [id, row] of created) insert(this.webhookEndpoints, id, row);
    for (const [id, row] of changed) this.webhookEndpoints.set(id, structuredClone(row));
    for (const id of deleted) this.webhookEndpoints.delete(id);
    for (const [id, row] of retried) this.webhookDeliveries.set(id, structuredClone(row));
    this.events.push(...structuredClone(changes.events));
    for (const keyHash of changes.expiredKeys) this.records.delete(keyHash);
    for (const record of changes.records) insert(this.records, record.keyHash, record);
    for (const [keyHash, outcome] of changes.changedOutcomes) {
      const record = this.records.get(keyHash);
      if (record) this.records.set(keyHash, structuredClone({ ...record, outcome }));
    }
  }

  #ordersFor({ orderIds, cartsOfOrders }: Needs): Order[] {
    return [...this.orders.values()].filter(
      (order) =>
        orderIds.includes(order.id) ||
        (order.status === 'pending' &&
          cartsOfOrders.some(
            ({ storeId, cartId }) => storeId === order.storeId && cartId === order.cartId,
          )),
    );
  }

  #held(): Reservation[] {
    return [...this.reservations.values()].filter(({ status }) => status === 'reserved');
  }

  #rentalIdsFor(needs: Needs): string[] {
    const ofHolds = this.#named(needs).map(({ rentalId }) => rentalId);
    const ofNobody = [...this.rentals.values()]
      .filter(({ userId, orderId }) => userId === null && orderId === null)
      .filter(({ status, productId }) => status === 'active' && needs.releases.has(productId));
    return [
      ...needs.rentalIds,
      ...ofHolds.filter((id) => id !== null),
      ...ofNobody.map(({ id }) => id),
    ];
  }

  #named(needs: Needs): Reservation[] {
    const { reservationIds, holds, lastHolds, lostHolds, knownCarts, confirmations } = needs;
    const { heldCarts, carts, cartsOf } = needs;
    const isSameCart = (row: Reservation) => (cart: { storeId: number; cartId: string }) =>
      cart.storeId === row.storeId && cart.cartId === row.cartId;
    return [...this.reservations.values()].filter((row) => {
      const isOf = (keys: Needs['holds']) =>
        keys.filter(isSameCart(row)).some(({ productId }) => productId === row.productId);
      const isLate = row.expiresAt >= this.now - HOLD_MAX_MS;
      return (
        reservationIds.includes(row.id) ||
        (row.status === 'reserved' && isOf(holds)) ||
        (isOf(lastHolds) && this.#isLastOver(row)) ||
        (isOf(lostHolds) && isLate && row.status === 'expired' && row.releasedAt === null) ||
        (row.status === 'reserved' && cartsOf.some((one) => this.#isSameCart(row, one))) ||
        knownCarts.some(isSameCart(row)) ||
        (row.status === 'reserved' && heldCarts.some(isSameCart(row))) ||
        (carts.some(isSameCart(row)) && (row.status === 'reserved' || isLate)) ||
        confirmations.filter(isSameCart(row)).some(({ orderId }) => orderId === row.orderId)
      );
    });
  }

  /** Whether of what its cart held of its product, and is over, it is the last. */
  #isLastOver(row: Reservation): boolean {
    const alike = [...this.reservations.values()].filter(
      ({ storeId, productId, cartId, status }) =>
        storeId === row.storeId &&
        productId === row.productId &&
        cartId === row.cartId &&
        status !== 'reserved',
    );
    const [last] = alike.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
    return last?.id === row.id;
  }

  #isSameCart(row: Reservation, of: Needs['cartsOf'][number]): boolean {
    const cartId = this.reservations.get(of.reservationId)?.cartId;
    return row.storeId === of.storeId && row.cartId === cartId;
  }

  #holdsFor(needs: Needs): { reservations: Reservation[]; dueHolds: DueHolds[] } {
    const reservations = new Map(this.#named(needs).map((row) => [row.id, row]));
    const dueHolds: DueHolds[] = [];
    for (const product of found(this.products, needs.productIds)) {
      if (product.nextHoldDueAt === null || product.nextHoldDueAt > this.now) continue;
      const holds = this.#held().filter(({ productId }) => productId === product.id);
      const due = holds.filter(({ expiresAt }) => expiresAt <= this.now);
      due.sort((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1));
      const some = due.slice(0, needs.dueHoldsOf(product));
      for (const row of some) reservations.set(row.id, row);
      const later = holds.map(({ expiresAt }) => expiresAt).filter((at) => at > this.now);
      dueHolds.push({
        productId: product.id,
        units: due.reduce((sum, { quantity }) => sum + quantity, 0),
        reservationIds: some.map(({ id }) => id),
        nextDueAt: later.length === 0 ? null : Math.min(...later),
      });
    }
    return { reservations: [...reservations.values()], dueHolds };
  }

  /** One active hold for each store, cart and product. */
  #checkHolds(): void {
    const keys = this.#held().map((row) => `${row.storeId}:${row.productId}:${row.cartId}`);
    if (new Set(keys).size < keys.length) throw new Error('a cart holds a product twice');
  }

  #saveProduct(product: Product): void {
    // A hint that moves on saves the rest of a row as it was found.
    const isMoved = product.version !== this.products.get(product.id)?.version;
    const breaches = isMoved ? breachesOf(product) : [];
    if (breaches.length > 0) throw new Error(`product ${product.id}: ${breaches.join(', ')}`);
    this.products.set(product.id, structuredClone(product));
  }

  #hasSku({ storeId, sku }: { storeId: number; sku: string }): boolean {
    return [...this.products.values()].some((row) => row.storeId === storeId && row.sku === sku);
  }

  #truthOf(productId: number): ProductTruth {
    const ledger = this.linesOf(productId).at(-1)?.after ?? counters(0, 0, 0, 0);
    const unitsReserved = this.unitsReserved(productId);
    const firstHoldDueAt = this.firstHoldDueAt(productId);
    const unitsRented = this.unitsRented(productId);
    return { productId, unitsRented, unitsReserved, firstHoldDueAt, ledger };
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
  nextHoldDueAt: null,
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
  overdueAt: null,
};

const RESERVATION: Omit<Reservation, 'id'> = {
  storeId: 1,
  cartId: 'cart',
  productId: 1,
  quantity: 1,
  status: 'reserved',
  expiresAt: 0,
  confirmedAt: null,
  releasedAt: null,
  orderId: null,
  rentalId: null,
  customerId: null,
  createdAt: 0,
  updatedAt: 0,
};

const CART_ITEM: CartItem = {
  id: 'item',
  storeId: 1,
  userId: 'ann',
  productId: 1,
  quantity: 1,
  priceAmount: null,
  shippingAmount: null,
  createdAt: 0,
  updatedAt: 0,
};

function fail(): never {
  throw new Error('a command was not answered');
}

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
