import { type AvailabilityStatus, type Counters, statusOf } from '../../machines/product.js';
import { readStatus } from '../../machines/reservation.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import { CartGrew } from './cart-grew.js';
import type { CartItem } from './cart-item.js';
import { type Changes, type CreatedProduct, noChanges } from './changes.js';
import type { CommandHeader } from './command.js';
import { type Drift, driftOf, offsetOf, type TruthOffset, truthAt } from './drift.js';
import type { LinelessEvent } from './event.js';
import type { Instant } from './instant.js';
import { LiveProduct, type Sent } from './live-product.js';
import type { Loaded, SkuInStore } from './loaded.js';
import type { MovementKind } from './movement.js';
import type { Order } from './order.js';
import type { ReceivedEvent } from './payment-news.js';
import { asTold, countersOf, difference, type Product } from './product.js';
import type { Rental } from './rental.js';
import {
  asToldReservation,
  isHeld,
  nextReservation,
  type Reservation,
  type ToldReservation,
} from './reservation.js';
import { WebhookRows } from './webhook-rows.js';

/**
 * A batch while it is decided on: the loaded rows, brought up to date by each accepted command for
 * those behind it, and what is to be written. No I/O; commands come one after another.
 */
export class Batch {
  readonly now: Instant;
  readonly webhooks: WebhookRows;
  readonly changes: Omit<Changes, 'webhooks'> = noChanges();
  readonly #products = new Map<number, LiveProduct>();
  readonly #rentals: Map<string, Rental>;
  readonly #takenSkus: Set<string>;
  readonly #apiKeys: Map<string, ApiKey>;
  readonly #offsets = new Map<number, TruthOffset>();
  readonly #reservations: Map<string, Reservation>;
  /** ids of those that are `reserved`, due or not, by store, product and cart */
  readonly #holds = new Map<string, string>();
  readonly #due: Map<number, Due>;
  /** the earliest expiry that the batch gave to a hold, by product */
  readonly #expiries = new Map<number, Instant | null>();
  readonly #activeHolds: Map<string, number>;
  readonly #cartItems: Map<string, CartItem>;
  readonly #orders: Map<string, Order>;
  readonly #knownPaymentEvents: Set<string>;

  constructor(loaded: Loaded) {
    this.now = loaded.now;
    this.webhooks = new WebhookRows(loaded.webhooks);
    const truths = new Map(loaded.truths.map((truth) => [truth.productId, truth]));
    for (const row of loaded.products) {
      this.#products.set(row.id, new LiveProduct(row));
      const truth = truths.get(row.id);
      if (truth) this.#offsets.set(row.id, offsetOf(row, truth));
    }
    this.#rentals = new Map(loaded.rentals.map((rental) => [rental.id, rental]));
    this.#reservations = new Map(loaded.reservations.map((row) => [row.id, row]));
    for (const row of loaded.reservations) {
      if (row.status === 'reserved') this.#holds.set(holdKey(row), row.id);
    }
    this.#due = new Map(
      loaded.dueHolds.map(({ productId, units, reservationIds, nextDueAt }) => [
        productId,
        { units, waiting: new Set(reservationIds), nextDueAt },
      ]),
    );
    this.#activeHolds = new Map(loaded.customers.map((row) => [userKey(row), row.activeHolds]));
    this.#cartItems = new Map(loaded.cartItems.map((item) => [itemKey(item), item]));
    this.#orders = new Map(loaded.orders.map((order) => [order.id, order]));
    this.#knownPaymentEvents = new Set(loaded.knownPaymentEventIds);
    this.#takenSkus = new Set(loaded.takenSkus.map(skuKey));
    this.#apiKeys = new Map(loaded.apiKeys.map((key) => [key.id, key]));
  }

  /** The product, where it exists in the command's store. */
  product({ storeId, productId }: ProductInStore): LiveProduct | undefined {
    const product = this.#products.get(productId);
    return product?.row.storeId === storeId ? product : undefined;
  }

  /** Units that are free now: those of holds that are due are, whether or not that is written down. */
  freeUnits(product: LiveProduct): number {
    return product.row.quantityAvailable + (this.#due.get(product.row.id)?.units ?? 0);
  }

  /** The product as it is told, with what is due counted as free. A copy, for keeping. */
  told(product: LiveProduct): Product {
    return asTold(product.snapshot(), this.#due.get(product.row.id)?.units ?? 0);
  }

  /** The status as it is told, with what is due counted as free. */
  toldStatus(product: LiveProduct): AvailabilityStatus {
    return statusOf(product.row.availabilityStatus === 'draft', this.freeUnits(product));
  }

  /** The reservation, where it exists in the command's store. */
  reservation(command: { storeId: number; reservationId: string }): Reservation | undefined {
    const reservation = this.#reservations.get(command.reservationId);
    return reservation?.storeId === command.storeId ? reservation : undefined;
  }

  /** What a cart holds of a product, due or not: the row that stands under its unique key. */
  holdRow(key: HoldKey): Reservation | undefined {
    return this.#reservations.get(this.#holds.get(holdKey(key)) ?? '');
  }

  /** What a cart holds of a product and may count on. */
  hold(key: HoldKey): Reservation | undefined {
    const row = this.holdRow(key);
    return row && isHeld(row, this.now) ? row : undefined;
  }

  /** All loaded reservations of a cart, over or not, oldest first. */
  reservationsOfCart({ storeId, cartId }: { storeId: number; cartId: string }): Reservation[] {
    return [...this.#reservations.values()]
      .filter((row) => row.storeId === storeId && row.cartId === cartId)
      .sort((a, b) => a.createdAt - b.createdAt || lifeOf(a) - lifeOf(b) || (a.id < b.id ? -1 : 1));
  }

  /** A reservation as it is told. Throws CartGrew where its product was not loaded. */
  toldReservation(reservation: Reservation): ToldReservation {
    const sku = this.#products.get(reservation.productId)?.row.sku;
    if (sku === undefined) throw new CartGrew([reservation.productId]);
    return asToldReservation(reservation, { status: readStatus(reservation, this.now), sku });
  }

  /** How many holds a customer has that are not due. */
  activeHolds(customer: { storeId: number; userId: string }): number {
    return this.#activeHolds.get(userKey(customer)) ?? 0;
  }

  /** Keeps a new hold. */
  startHold(product: LiveProduct, reservation: Reservation): void {
    this.changes.newReservations.set(reservation.id, reservation);
    this.#reservations.set(reservation.id, reservation);
    this.#holds.set(holdKey(reservation), reservation.id);
    this.#countHold(reservation, 1);
    this.#noteExpiry(product, reservation.expiresAt);
  }

  /** Keeps what became of a hold. */
  changeHold(product: LiveProduct, before: Reservation, after: Reservation): void {
    this.#reservations.set(after.id, after);
    const { newReservations, changedReservations } = this.changes;
    (newReservations.has(after.id) ? newReservations : changedReservations).set(after.id, after);
    if (after.status === 'reserved') {
      this.#noteExpiry(product, after.expiresAt);
      return;
    }
    this.#holds.delete(holdKey(after));
    if (isHeld(before, this.now)) this.#countHold(after, -1);
    this.changes.endedHolds.push({
      status: after.status,
      overdueMs: Math.max(0, this.now - before.expiresAt),
    });
  }

  /** Keeps that a cart let go of a hold which it had lost. On the product nothing changes. */
  letGo(reservation: Reservation): void {
    this.#reservations.set(reservation.id, reservation);
    this.changes.changedReservations.set(reservation.id, reservation);
  }

  #countHold({ storeId, customerId }: Reservation, change: 1 | -1): void {
    if (customerId === null) return;
    const key = userKey({ storeId, userId: customerId });
    const known = this.#activeHolds.get(key);
    if (known !== undefined) this.#activeHolds.set(key, known + change);
  }

  #noteExpiry(product: LiveProduct, expiresAt: Instant): void {
    const { id, nextHoldDueAt } = product.row;
    product.noteNextHoldDueAt(earliest(nextHoldDueAt, expiresAt));
    this.#expiries.set(id, earliest(this.#expiries.get(id) ?? null, expiresAt));
  }

  /** The holds that are due longest, until they have so many units between them, or are all. */
  dueFor(product: LiveProduct, units: number): Reservation[] {
    const chosen: Reservation[] = [];
    let found = 0;
    for (const id of this.#due.get(product.row.id)?.waiting ?? []) {
      if (found >= units) break;
      const reservation = this.#reservations.get(id);
      if (!reservation) throw new Error(`reservation ${id} is due and was not loaded`);
      chosen.push(reservation);
      found += reservation.quantity;
    }
    return chosen;
  }

  /** Writes down that holds are over, for whoever caused it. */
  expire(product: LiveProduct, due: readonly Reservation[], cause: CommandHeader): void {
    for (const reservation of due) {
      const next = nextReservation(reservation, { type: 'EXPIRE', now: this.now });
      const sent = product.send({ type: 'EXPIRE', units: reservation.quantity });
      if ('refusal' in next || 'refusal' in sent) {
        throw new Error(`reservation ${reservation.id} can not expire`);
      }
      this.changeHold(product, reservation, next.reservation);
      this.#wroteDown(reservation);
      this.move(product, cause, {
        kind: 'expire',
        sent,
        reservationId: reservation.id,
        reason: 'expired',
      });
    }
  }

  #wroteDown(reservation: Reservation): void {
    const due = this.#due.get(reservation.productId);
    // A hint that was edited from outside hides what is due; then it was never counted as free.
    if (!due) return;
    due.units -= reservation.quantity;
    due.waiting.delete(reservation.id);
  }

  /** Whether other holds of a product are due. */
  areMoreDue(product: LiveProduct): boolean {
    return (this.#due.get(product.row.id)?.units ?? 0) > 0;
  }

  cartItem(key: ItemKey): CartItem | undefined {
    return this.#cartItems.get(itemKey(key));
  }

  saveCartItem(item: CartItem): void {
    this.#cartItems.set(itemKey(item), item);
    this.changes.savedCartItems.set(item.id, item);
    this.changes.removedCartItemIds.delete(item.id);
  }

  removeCartItem(item: CartItem): void {
    this.#cartItems.delete(itemKey(item));
    this.changes.savedCartItems.delete(item.id);
    this.changes.removedCartItemIds.add(item.id);
  }

  /** The rental, where it exists in the command's store. */
  rental(command: { storeId: number; rentalId: string }): Rental | undefined {
    const rental = this.#rentals.get(command.rentalId);
    return rental?.storeId === command.storeId ? rental : undefined;
  }

  /** The order, where it exists in the command's store. */
  order(command: { storeId: number; orderId: string }): Order | undefined {
    const order = this.#orders.get(command.orderId);
    return order?.storeId === command.storeId ? order : undefined;
  }

  /** The order of a cart that is pending: there is one at most. */
  pendingOrder({ storeId, cartId }: { storeId: number; cartId: string }): Order | undefined {
    return [...this.#orders.values()].find(
      (order) => order.storeId === storeId && order.cartId === cartId && order.status === 'pending',
    );
  }

  createOrder(order: Order): void {
    this.#orders.set(order.id, order);
    this.changes.newOrders.set(order.id, order);
  }

  /** Keeps what became of an order. */
  saveOrder(order: Order): void {
    this.#orders.set(order.id, order);
    const { newOrders, changedOrders } = this.changes;
    (newOrders.has(order.id) ? newOrders : changedOrders).set(order.id, order);
  }

  /** Whether a message of the payment provider's was carried out before. */
  knowsPaymentEvent(id: string): boolean {
    return this.#knownPaymentEvents.has(id);
  }

  keepPaymentEvent(event: ReceivedEvent): void {
    this.#knownPaymentEvents.add(event.id);
    this.changes.paymentEvents.push({ ...event, createdAt: this.now });
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
      reservationId: line.reservationId ?? null,
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

  /** Tells of what has no line in the ledger. */
  tell(
    command: CommandHeader,
    event: Pick<LinelessEvent, 'type' | 'data'> &
      Partial<Pick<LinelessEvent, 'productId' | 'userId' | 'storeId'>>,
  ): void {
    this.changes.events.push({
      storeId: command.storeId,
      productId: null,
      userId: null,
      ...event,
      commandId: command.id,
      createdAt: this.now,
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
    product.noteNextHoldDueAt(earliest(product.row.nextHoldDueAt, offset.firstHoldDueAt));
    this.move(product, command, {
      kind: 'sync',
      sent,
      delta: difference(ledger, drift.new),
      reason: drift.causes.join(', '),
    });
    this.#offsets.delete(product.row.id);
  }

  /** Repairs a product whose counters do not cover the rentals or the holds that may end. */
  mend(productId: number, cause: CommandHeader): void {
    const product = this.#products.get(productId);
    const drift = product && this.driftOf(product);
    if (drift) this.repair(product, drift, { ...cause, actor: 'system' });
  }

  /** Closes the batch: what it writes, with every product that was changed. */
  finish(): Changes {
    for (const [productId, due] of this.#due) {
      const product = this.#products.get(productId);
      if (product) {
        this.changes.leftDue.push({ productId, version: product.row.version, units: due.units });
      }
      // What is left due keeps the hint where it is; else it moves on to what is due next.
      if (product && due.units === 0) {
        product.noteNextHoldDueAt(earliest(due.nextDueAt, this.#expiries.get(productId) ?? null));
      }
    }
    this.changes.changedProducts = [...this.#products.values()]
      .filter((product) => product.changed)
      .map((product) => product.row);
    return { ...this.changes, webhooks: this.webhooks.changes };
  }
}

interface LineOf {
  readonly kind: MovementKind;
  /** what the machine made of it */
  readonly sent: Sent;
  /** where the line says something else than what changed */
  readonly delta?: Counters;
  readonly rentalId?: string | null;
  readonly reservationId?: string | null;
  readonly orderId?: string | null;
  readonly reason?: string | null;
}

/** What is due on a product, while a batch is decided on. */
interface Due {
  units: number;
  /** ids, those due longest first */
  readonly waiting: Set<string>;
  readonly nextDueAt: Instant | null;
}

interface ProductInStore {
  readonly storeId: number;
  readonly productId: number;
}

export interface HoldKey extends ProductInStore {
  readonly cartId: string;
}

interface ItemKey extends ProductInStore {
  readonly userId: string;
}

const holdKey = ({ storeId, productId, cartId }: HoldKey) => `${storeId}:${productId}:${cartId}`;
const userKey = ({ storeId, userId }: { storeId: number; userId: string }) =>
  `${storeId}:${userId}`;
const itemKey = ({ storeId, productId, userId }: ItemKey) => `${storeId}:${productId}:${userId}`;
const earliest = (a: Instant | null, b: Instant | null) =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);
/** Of holds of one cart and product, one that is not over is the last. */
const lifeOf = ({ status }: Reservation) => (status === 'reserved' ? 1 : 0);
const skuKey = ({ storeId, sku }: SkuInStore) => `${storeId}:${sku}`;
