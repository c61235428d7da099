import type { AvailabilityStatus } from '../../machines/product.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import type { Drift } from './drift.js';
import type { IdempotencyKey } from './idempotency.js';
import type { Instant } from './instant.js';
import type { NewProduct, Product, ProductChanges } from './product.js';
import type { Refusal } from './refusal.js';
import type { Rental } from './rental.js';
import type { NewSyncRun } from './sync-run.js';

/** What every command says, whatever it asks for. Its ids are made before anything is written. */
export interface CommandHeader {
  /** UUIDv7, on each ledger line that the command writes */
  readonly id: string;
  readonly storeId: number;
  /** the caller's `sub`, kept in the ledger */
  readonly actor: string;
  /** null where the caller sent no Idempotency-Key */
  readonly idempotency: IdempotencyKey | null;
}

export interface CreateProducts extends CommandHeader {
  readonly kind: 'create_products';
  readonly products: readonly NewProduct[];
  /** one that can't be made keeps all the others back: the command is refused for its reason */
  readonly allOrNone: boolean;
}

/** The versions that an If-Match names; null where any will do. */
export type ExpectedVersions = readonly number[] | null;

export interface PublishProduct extends CommandHeader {
  readonly kind: 'publish' | 'unpublish';
  readonly productId: number;
  readonly ifMatch: ExpectedVersions;
}

export interface UpdateProduct extends CommandHeader {
  readonly kind: 'update';
  readonly productId: number;
  readonly changes: ProductChanges;
  readonly ifMatch: ExpectedVersions;
}

export interface RentUnits extends CommandHeader {
  readonly kind: 'rent';
  readonly productId: number;
  /** the id that the rental will have */
  readonly rentalId: string;
  /** units */
  readonly quantity: number;
  readonly userId: string | null;
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
  readonly orderId: string | null;
}

export interface EndRental extends CommandHeader {
  readonly kind: 'cancel' | 'complete';
  readonly productId: number;
  readonly rentalId: string;
  /** only a rental of this user; null: of anyone in the store */
  readonly ownerId: string | null;
  readonly reason: string | null;
}

/**
 * Gives units back without naming their rentals: those of nobody in particular (no user, no order)
 * are ended, oldest first, the last one split where it has more units than are left to give back.
 */
export interface ReleaseUnits extends CommandHeader {
  readonly kind: 'release_units';
  readonly productId: number;
  /** units */
  readonly quantity: number;
  /** how their rentals end */
  readonly as: 'cancel' | 'complete';
  readonly reason: string;
  /** the id of the part that is split off, should one be */
  readonly splitRentalId: string;
}

export interface CreateApiKey extends CommandHeader {
  readonly kind: 'create_api_key';
  readonly apiKey: NewApiKey;
}

export interface RevokeApiKey extends CommandHeader {
  readonly kind: 'revoke_api_key';
  readonly apiKeyId: string;
}

/** Begins a run of sync; what it finds is kept with it. */
export interface StartSync extends CommandHeader {
  readonly kind: 'start_sync';
  readonly run: NewSyncRun;
}

/** Looks for drift on one product, under its lock, and repairs it unless it is a dry run. */
export interface SyncProduct extends CommandHeader {
  readonly kind: 'sync';
  readonly productId: number;
  readonly runId: string;
  readonly dryRun: boolean;
  readonly deep: boolean;
}

export type Command =
  | CreateProducts
  | PublishProduct
  | UpdateProduct
  | RentUnits
  | EndRental
  | ReleaseUnits
  | CreateApiKey
  | RevokeApiKey
  | StartSync
  | SyncProduct;
export type CommandKind = Command['kind'];

/** What a rental leaves behind on its product, right after it. */
export interface RentalTaken {
  readonly rental: Rental;
  readonly quantityAvailable: number;
  readonly availabilityStatus: AvailabilityStatus;
}

/** What is free on a product right after units came back. */
export interface UnitsReleased {
  readonly quantityAvailable: number;
  readonly availabilityStatus: AvailabilityStatus;
}

/** Done, or refused with a reason. Both are answers; a fault is thrown instead. */
export type Outcome<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

interface Values {
  create_products: readonly Outcome<Product>[];
  publish: Product;
  unpublish: Product;
  update: Product;
  rent: RentalTaken;
  cancel: Rental;
  complete: Rental;
  release_units: UnitsReleased;
  create_api_key: ApiKey;
  revoke_api_key: null;
  start_sync: { readonly runId: string };
  sync: Drift | null;
}
export type ValueOf<C extends Command> = Values[C['kind']];

export const done = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const refused = (refusal: Refusal): Outcome<never> => ({ ok: false, refusal });

/** The products whose rows a command decides on, which it therefore locks. */
export function productIdsOf(command: Command): readonly number[] {
  return 'productId' in command ? [command.productId] : [];
}

/** How many lines of a batch a command takes. */
export function linesOf(command: Command): number {
  return command.kind === 'create_products' ? command.products.length : 1;
}
