import type { AvailabilityStatus } from '../../machines/product.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import type { CartItem } from './cart-item.js';
import type { Outcome } from './command.js';
import type { LinelessEvent } from './event.js';
import type { EventTicket } from './event-ticket.js';
import type { IdempotencyRecord } from './idempotency.js';
import type { Instant } from './instant.js';
import type { Movement } from './movement.js';
import type { Order } from './order.js';
import type { ReceivedEvent } from './payment-news.js';
import type { Product } from './product.js';
import type { Rental } from './rental.js';
import type { Reservation } from './reservation.js';
import type { NewSyncRun, SyncFinding } from './sync-run.js';
import type { WebhookChanges } from './webhook-rows.js';

/** What a batch writes. */
export interface Changes {
  readonly createdProducts: CreatedProduct[];
  changedProducts: Product[];
  readonly newRentals: Rental[];
  /** by id: the last of several changes is what is written */
  readonly changedRentals: Map<string, Rental>;
  /** by id */
  readonly newReservations: Map<string, Reservation>;
  /** by id: the last of several changes is what is written */
  readonly changedReservations: Map<string, Reservation>;
  /** by id: new ones, and those that changed */
  readonly savedCartItems: Map<string, CartItem>;
  readonly removedCartItemIds: Set<string>;
  /** by id */
  readonly newOrders: Map<string, Order>;
  /** by id: the last of several changes is what is written */
  readonly changedOrders: Map<string, Order>;
  /** orders right after each change of their status, for the log and the metrics */
  readonly orderTurns: Order[];
  /** messages of the payment provider's */
  readonly paymentEvents: (ReceivedEvent & { readonly createdAt: Instant })[];
  /** for the metrics */
  readonly endedHolds: EndedHold[];
  readonly movements: Movement[];
  /** for the log: what each line did to the free units and the status */
  readonly quantityChanges: QuantityChange[];
  readonly records: IdempotencyRecord[];
  /** the answers of keys that were written before, by key hash */
  readonly changedOutcomes: Map<string, Outcome>;
  /** hashes of keys whose record was past its time and is replaced */
  readonly expiredKeys: string[];
  readonly newApiKeys: (NewApiKey & ApiKey)[];
  readonly revokedApiKeyIds: string[];
  readonly newSyncRuns: NewSyncRun[];
  readonly syncFindings: SyncFinding[];
  readonly events: LinelessEvent[];
  readonly newEventTickets: EventTicket[];
  readonly webhooks: WebhookChanges;
  /** of the products of which anything was due: what still is */
  readonly leftDue: LeftDue[];
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

/** A hold that a batch ended. */
export interface EndedHold {
  readonly status: 'confirmed' | 'released' | 'expired';
  /** ms from when it was due to now; 0 where it was not */
  readonly overdueMs: number;
}

/** What is still due on a product after a batch. */
export interface LeftDue {
  readonly productId: number;
  /** the version that the batch gave the product */
  readonly version: number;
  readonly units: number;
}

export const noChanges = (): Omit<Changes, 'webhooks'> => ({
  createdProducts: [],
  changedProducts: [],
  newRentals: [],
  changedRentals: new Map(),
  newReservations: new Map(),
  changedReservations: new Map(),
  savedCartItems: new Map(),
  removedCartItemIds: new Set(),
  newOrders: new Map(),
  changedOrders: new Map(),
  orderTurns: [],
  paymentEvents: [],
  endedHolds: [],
  movements: [],
  quantityChanges: [],
  records: [],
  changedOutcomes: new Map(),
  expiredKeys: [],
  newApiKeys: [],
  revokedApiKeyIds: [],
  newSyncRuns: [],
  syncFindings: [],
  events: [],
  newEventTickets: [],
  leftDue: [],
});
