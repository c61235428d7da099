/** What the API answers with, as far as the pages show it. The reference is at `/openapi.json`. */

export type ProductStatus = 'draft' | 'available' | 'rented_out';

export interface Counters {
  readonly quantity: number;
  readonly quantity_available: number;
  readonly quantity_reserved: number;
  readonly quantity_rented: number;
}

export interface Product extends Counters {
  readonly id: number;
  readonly sku: string;
  readonly name: string;
  readonly parent_id: number | null;
  readonly availability_status: ProductStatus;
  readonly low_stock_threshold: number | null;
  readonly price_amount: number | null;
  readonly price_currency: string | null;
  readonly supplier_email: string | null;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A page of a list of the surfaces that spell in snake_case. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

/** A page of a list of the others. */
export interface CamelPage<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

export interface Movement extends Counters {
  readonly id: number;
  readonly kind: string;
  readonly quantity_delta: number;
  readonly quantity_available_delta: number;
  readonly quantity_reserved_delta: number;
  readonly quantity_rented_delta: number;
  readonly rental_id: string | null;
  readonly reservation_id: string | null;
  readonly order_id: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly created_at: string;
}

export type RentalStatus = 'active' | 'completed' | 'cancelled';

export interface Rental {
  readonly id: string;
  readonly product_id: number;
  readonly user_id: string | null;
  readonly quantity: number;
  readonly status: RentalStatus;
  readonly ends_at: string | null;
  readonly order_id: string | null;
  readonly created_at: string;
  readonly completed_at: string | null;
  readonly cancelled_at: string | null;
  readonly cancel_reason: string | null;
}

export type ReservationStatus = 'reserved' | 'confirmed' | 'released' | 'expired';

export interface Reservation {
  readonly id: string;
  readonly cartId: string;
  readonly resellerProductId: number | string;
  readonly sku: string;
  readonly quantity: number;
  readonly status: ReservationStatus;
  readonly expiresAt: string;
  readonly confirmedAt: string | null;
  readonly releasedAt: string | null;
  readonly orderId: string | null;
  readonly customerId: string | null;
  readonly createdAt: string;
}

export interface Order {
  readonly id: string;
  readonly cartId: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly items: readonly {
    readonly productId: number;
    readonly sku: string;
    readonly name: string;
    readonly quantity: number;
  }[];
  readonly customerId: string | null;
  readonly failureReason: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly disabledReason: 'gone' | 'failing' | null;
  readonly failingSince: string | null;
}

export interface Drift {
  readonly product_id: number;
  readonly old: Counters;
  readonly new: Counters;
  readonly old_status: ProductStatus;
  readonly new_status: ProductStatus;
  readonly cause: string;
  readonly causes: readonly string[];
}

export interface SyncReport {
  readonly run_id: string;
  readonly dry_run: boolean;
  readonly total_products: number;
  readonly synced_products: number;
  readonly details: readonly Drift[];
  readonly details_truncated?: true;
}

export interface SyncRun {
  readonly id: string;
  readonly started_by: string;
  readonly product_id: number | null;
  readonly dry_run: boolean;
  readonly deep: boolean;
  readonly status: 'running' | 'finished';
  readonly total_products: number;
  readonly synced_products: number;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly details: readonly Drift[];
}

/** A product that is low, as far as it is looked up by. */
export interface LowLevel {
  readonly variantId: number;
}

export interface Overview {
  readonly at: string;
  readonly products: Readonly<Record<ProductStatus, number>>;
  readonly units: Counters;
  readonly low_products: number;
  readonly empty_products: number;
  readonly lowest: readonly {
    readonly product_id: number;
    readonly name: string;
    readonly quantity: number;
    readonly quantity_available: number;
    readonly threshold: number;
  }[];
  readonly overdue_rentals: number;
  readonly last_sync: {
    readonly started_at: string;
    readonly dry_run: boolean;
    readonly drifted_products: number;
    readonly unrepaired_products: number;
  } | null;
  readonly low_stock_threshold: number;
  /** null: too many to count */
  readonly activity: readonly {
    readonly at: string;
    readonly rentals: number | null;
    readonly returns: number | null;
    readonly holds: number | null;
    readonly refusals: number;
  }[];
}

export type Role = 'admin' | 'reseller' | 'service' | 'customer';

export interface Session {
  readonly sub: string;
  readonly role: Role;
  readonly store_id: number;
  readonly expires_at: string | null;
}

/** An event of the stream. Its data says what it is about, and that is asked for anew. */
export interface LiveEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface FieldError {
  readonly field: string;
  readonly message: string;
}
