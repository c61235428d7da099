import type { AvailabilityStatus } from '../../machines/product.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import type { IdempotencyKey } from './idempotency.js';
import type { Instant } from './instant.js';
import type { NewProduct, Product, ProductChanges } from './product.js';
import type { Refusal } from './refusal.js';
import type { Rental } from './rental.js';

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

export interface CreateApiKey extends CommandHeader {
  readonly kind: 'create_api_key';
  readonly apiKey: NewApiKey;
}

export interface RevokeApiKey extends CommandHeader {
  readonly kind: 'revoke_api_key';
  readonly apiKeyId: string;
}

export type Command =
  | CreateProducts
  | PublishProduct
  | UpdateProduct
  | RentUnits
  | EndRental
  | CreateApiKey
  | RevokeApiKey;
export type CommandKind = Command['kind'];

/** What a rental leaves behind on its product, right after it. */
export interface RentalTaken {
  readonly rental: Rental;
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
  create_api_key: ApiKey;
  revoke_api_key: null;
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
