import type { ApiKey } from './api-key.js';
import type { CartItem } from './cart-item.js';
import type { ProductTruth } from './drift.js';
import type { IdempotencyRecord } from './idempotency.js';
import type { Instant } from './instant.js';
import type { Order } from './order.js';
import type { Product } from './product.js';
import type { Rental } from './rental.js';
import type { Reservation } from './reservation.js';
import type { LoadedWebhooks } from './webhook-rows.js';

/** Everything that a batch decides on, read under the locks. */
export interface Loaded {
  /** the database's time, read after the locks were had; one for the whole batch */
  readonly now: Instant;
  readonly products: readonly Product[];
  readonly rentals: readonly Rental[];
  /** those that commands name, by id, by cart or by order, and those of `dueHolds` */
  readonly reservations: readonly Reservation[];
  /** of the products that have any */
  readonly dueHolds: readonly DueHolds[];
  /** customers whose holds are counted; their rows are locked */
  readonly customers: readonly CustomerHolds[];
  readonly cartItems: readonly CartItem[];
  /** those that commands name, by id or by cart; their rows are locked */
  readonly orders: readonly Order[];
  /** which of the payment provider's messages came before */
  readonly knownPaymentEventIds: readonly string[];
  readonly records: readonly IdempotencyRecord[];
  /** which of the SKUs that are to be made exist already */
  readonly takenSkus: readonly SkuInStore[];
  /** those that are not revoked */
  readonly apiKeys: readonly ApiKey[];
  readonly webhooks: LoadedWebhooks;
  /** of products that are synced, and of those that `productsToMend` named */
  readonly truths: readonly ProductTruth[];
}

/** What is due on a product and not yet written down as expired. */
export interface DueHolds {
  readonly productId: number;
  /** units of all that is due */
  readonly units: number;
  /** ids of those due longest, in order: as many as the batch may need the units of, or all */
  readonly reservationIds: readonly string[];
  /** when the next of its other holds is due; null where it has no others */
  readonly nextDueAt: Instant | null;
}

/** How many holds a customer has that are not due. */
export interface CustomerHolds {
  readonly storeId: number;
  readonly userId: string;
  readonly activeHolds: number;
}

export interface SkuInStore {
  readonly storeId: number;
  readonly sku: string;
}
