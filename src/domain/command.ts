import type { OrderStatus } from '../../machines/order.js';
import type { AvailabilityStatus } from '../../machines/product.js';
import type { ApiKey, NewApiKey } from './api-key.js';
import type { CartItem } from './cart-item.js';
import type { Drift } from './drift.js';
import type { NewEventTicket } from './event-ticket.js';
import type { IdempotencyKey } from './idempotency.js';
import type { Instant } from './instant.js';
import type { Order, PaymentIntent, PaymentSession } from './order.js';
import type { EventOutcome, PaymentEvent, PaymentNews } from './payment-news.js';
import type { NewProduct, Product, ProductChanges } from './product.js';
import type { Refusal } from './refusal.js';
import type { Rental } from './rental.js';
import type { ToldReservation } from './reservation.js';
import type { NewSyncRun } from './sync-run.js';
import type {
  NewWebhookEndpoint,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointChanges,
} from './webhook-endpoint.js';

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

/**
 * When a hold expires: so many ms from now, at most RESERVATION_MAX_MINUTES after it was first
 * made; or at an instant, which the request names in `field`.
 */
export type HoldExpiry =
  | { readonly lastsMs: number }
  | { readonly at: Instant; readonly field: string };

export interface HoldLine {
  readonly productId: number;
  readonly cartId: string;
  /** units */
  readonly quantity: number;
  readonly customerId: string | null;
  readonly expiry: HoldExpiry;
  /** the id that the reservation will have, where the cart holds none of the product yet */
  readonly reservationId: string;
}

/** Who may touch the cart: null is somebody who acts for anyone in the store. */
interface CartCommand extends CommandHeader {
  /** the customer who asks, and who may only touch what is its own */
  readonly ownerId: string | null;
}

/** Holds units for carts: all lines, or none. */
export interface Reserve extends CartCommand {
  readonly kind: 'reserve';
  /** `set`: the cart then holds as many of a product; `add`: as many more */
  readonly how: 'set' | 'add';
  readonly lines: readonly HoldLine[];
  readonly reason: string | null;
  /** the order that they are held for, where it is known */
  readonly orderId?: string;
}

/** Takes units off the hold of a cart on a product; the last unit ends it. */
export interface TakeOffHold extends CartCommand {
  readonly kind: 'take_off_hold';
  readonly productId: number;
  readonly cartId: string;
  /** units */
  readonly quantity: number;
  readonly reason: string | null;
}

/** Lets a hold last longer, by so many ms. */
export interface ExtendHold extends CartCommand {
  readonly kind: 'extend';
  readonly productId: number;
  readonly reservationId: string;
  readonly byMs: number;
}

/** Turns a hold into a rental. */
export interface ConfirmHold extends CartCommand {
  readonly kind: 'confirm';
  readonly productId: number;
  readonly reservationId: string;
  readonly orderId: string;
  /** the id that the rental will have */
  readonly rentalId: string;
}

/** Gives the units of a hold back. */
export interface ReleaseHold extends CartCommand {
  readonly kind: 'release';
  readonly productId: number;
  readonly reservationId: string;
  readonly reason: string;
}

/**
 * What a cart holds was read before; should it hold more products by the time of the lock, the
 * command is sent again with those as well.
 */
interface WholeCartCommand extends CartCommand {
  readonly cartId: string;
  readonly productIds: readonly number[];
}

/** Turns all holds of a cart into rentals, or none. */
export interface ConfirmCart extends WholeCartCommand {
  readonly kind: 'confirm_cart';
  readonly orderId: string;
  /** the ids that the rentals will have, one for each of `productIds` */
  readonly rentalIds: readonly string[];
}

/** Gives the units of all holds of a cart back. */
export interface ReleaseCart extends WholeCartCommand {
  readonly kind: 'release_cart';
  readonly reason: string;
  /** refuse with reservation_not_found where the cart never held anything */
  readonly mustBeKnown: boolean;
  /** refuse with invalid_transition where nothing is held and the last of it was confirmed */
  readonly refuseConfirmed?: boolean;
}

export interface SaleLine {
  readonly productId: number;
  /** units */
  readonly quantity: number;
  /** the cart whose hold is used up first; null: free units only */
  readonly cartId: string | null;
  /** refuse where that cart holds none of the product any more, or never did */
  readonly holdMustExist: boolean;
  /** the only hold of that cart that may be used up; left out: whichever it has */
  readonly onlyHold?: string;
  readonly userId: string | null;
  readonly reason: string | null;
  /** the id that the rental will have; lines of one product and cart are one rental, the first's */
  readonly rentalId: string;
  readonly startsAt?: Instant | null;
  readonly endsAt?: Instant | null;
}

/** Makes rentals of held units, and of free ones where those do not suffice: all lines, or none. */
export interface Sell extends CartCommand {
  readonly kind: 'sell';
  readonly lines: readonly SaleLine[];
  readonly orderId: string | null;
  /** the user out of whose cart the lines are taken; null: nobody's */
  readonly boughtBy: string | null;
}

export interface AddToCart extends CartCommand {
  readonly kind: 'add_to_cart';
  readonly productId: number;
  readonly userId: string;
  /** units */
  readonly quantity: number;
  /** hundredths; null leaves the line's as it is */
  readonly priceAmount: number | null;
  /** hundredths; null leaves the line's as it is */
  readonly shippingAmount: number | null;
  /** the id that the line will have, where the cart has none of the product yet */
  readonly itemId: string;
  /** null: nothing is held */
  readonly hold: { readonly lastsMs: number; readonly reservationId: string } | null;
}

export interface RemoveFromCart extends CartCommand {
  readonly kind: 'remove_from_cart';
  readonly productId: number;
  readonly userId: string;
  /** units; null: the whole line */
  readonly quantity: number | null;
  /** whether as many units of the hold are given back, so far as it has them */
  readonly release: boolean;
}

export interface StockLine {
  readonly productId: number;
  /** units */
  readonly quantity: number;
  readonly reason: string;
}

/** `restock` adds units owned; `adjust` sets them to what was counted on hand. All lines, or none. */
export interface ChangeStock extends CommandHeader {
  readonly kind: 'restock' | 'adjust';
  readonly lines: readonly StockLine[];
}

/** Writes down that holds on a product are over, those first that are due longest. */
export interface ExpireHolds extends CommandHeader {
  readonly kind: 'expire';
  readonly productId: number;
  /** holds at most */
  readonly max: number;
}

/** Begins a cleanup for a caller's key, so that a repeat finds it. */
export interface StartCleanup extends CommandHeader {
  readonly kind: 'start_cleanup';
  readonly runId: string;
}

/** Keeps what a cleanup did as the answer to the key that it was begun with. */
export interface FinishCleanup extends CommandHeader {
  readonly kind: 'finish_cleanup';
  readonly keyHash: string;
  readonly cleanup: Cleanup;
}

/** What became of a cleanup; the summary is null until it is finished. */
export interface Cleanup {
  readonly runId: string;
  readonly summary: CleanupSummary | null;
}

export interface CleanupSummary {
  /** reservations ended */
  readonly expired: number;
  /** units freed */
  readonly released: number;
  /** products that could not be done */
  readonly errors: number;
}

export interface NewOrderLine {
  readonly productId: number;
  /** units */
  readonly quantity: number;
  /** minor units, for one unit; null: the product's own price */
  readonly unitAmount: number | null;
  /** the id that the reservation will have, where the cart holds none of the product yet */
  readonly reservationId: string;
}

/** How an order is to be paid; a session lasts so many ms from when the order is made. */
export type NewPayment =
  | PaymentIntent
  | (Omit<PaymentSession, 'endsAt' | 'url'> & { readonly lastsMs: number });

/**
 * Makes an order of a cart: its units are held, its older pending order is cancelled. The products
 * of that one were read before, like those of a whole cart.
 */
export interface CreateOrder extends CartCommand {
  readonly kind: 'create_order';
  /** the id that the order will have */
  readonly orderId: string;
  readonly cartId: string;
  /** the user whose own the order is */
  readonly customerId: string | null;
  readonly lines: readonly NewOrderLine[];
  /** the products of its lines and of the cart's older order */
  readonly productIds: readonly number[];
  /** whether the caller's word on prices counts */
  readonly maySetPrices: boolean;
  /** what the prices must be in; null: whatever they are in */
  readonly currency: string | null;
  readonly holdLastsMs: number;
  readonly payment: NewPayment;
  /** ms after which the provider is asked for the payment, if nobody has attached one */
  readonly askAfterMs: number;
}

/** What is known of an order before it is locked; its lines never change. */
export interface KnownOrder extends CommandHeader {
  readonly orderId: string;
  readonly cartId: string;
  readonly lines: readonly { readonly productId: number; readonly quantity: number }[];
  readonly productIds: readonly number[];
  /** the ids that its rentals would have, one for each of `productIds` */
  readonly rentalIds: readonly string[];
}

/** Tells an order what became of its payment. */
export interface SettleOrder extends KnownOrder {
  readonly kind: 'settle_order';
  readonly news: PaymentNews;
  /** the message that said it; null where the provider was asked */
  readonly event: PaymentEvent | null;
}

export interface CancelOrder extends KnownOrder {
  readonly kind: 'cancel_order';
  readonly reason: string | null;
}

/** Writes down that an order's time is over. */
export interface ExpireOrder extends KnownOrder {
  readonly kind: 'expire_order';
}

/** Notes what the provider calls an order's payment. */
export interface AttachPayment extends CommandHeader {
  readonly kind: 'attach_payment';
  readonly orderId: string;
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
  /** where the buyer pays; null for an intent */
  readonly url: string | null;
}

/** Notes when to see to an order's payment at the provider next; null: there is nothing left to do. */
export interface AttendOrder extends CommandHeader {
  readonly kind: 'attend_order';
  readonly orderId: string;
  readonly againInMs: number | null;
}

/** Keeps a message of the provider's that is for no order. */
export interface NotePaymentEvent extends CommandHeader {
  readonly kind: 'note_payment_event';
  readonly event: PaymentEvent;
  readonly outcome: EventOutcome;
}

export interface CreateApiKey extends CommandHeader {
  readonly kind: 'create_api_key';
  readonly apiKey: NewApiKey;
}

export interface RevokeApiKey extends CommandHeader {
  readonly kind: 'revoke_api_key';
  readonly apiKeyId: string;
}

/** Makes a ticket to the stream of events. */
export interface CreateEventTicket extends CommandHeader {
  readonly kind: 'create_event_ticket';
  readonly ticket: NewEventTicket;
}

export interface CreateWebhookEndpoint extends CommandHeader {
  readonly kind: 'create_webhook_endpoint';
  readonly endpoint: NewWebhookEndpoint;
}

export interface UpdateWebhookEndpoint extends CommandHeader {
  readonly kind: 'update_webhook_endpoint';
  readonly endpointId: string;
  readonly changes: WebhookEndpointChanges;
}

export interface DeleteWebhookEndpoint extends CommandHeader {
  readonly kind: 'delete_webhook_endpoint';
  readonly endpointId: string;
}

/** Switches an endpoint off for what its receiver at this URL did. */
export interface DisableWebhookEndpoint extends CommandHeader {
  readonly kind: 'disable_webhook_endpoint';
  readonly endpointId: string;
  readonly url: string;
  readonly reason: 'gone' | 'failing';
}

/** Sends an event to an endpoint again, or at once. */
export interface RetryWebhookDelivery extends CommandHeader {
  readonly kind: 'retry_webhook_delivery';
  readonly endpointId: string;
  readonly deliveryId: string;
}

/** Tells that a rental is overdue, where it is and that was not told before. */
export interface TellOverdue extends CommandHeader {
  readonly kind: 'tell_overdue';
  readonly productId: number;
  readonly rentalId: string;
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
  | Reserve
  | TakeOffHold
  | ExtendHold
  | ConfirmHold
  | ReleaseHold
  | ConfirmCart
  | ReleaseCart
  | Sell
  | AddToCart
  | RemoveFromCart
  | ChangeStock
  | ExpireHolds
  | StartCleanup
  | FinishCleanup
  | CreateOrder
  | AttachPayment
  | AttendOrder
  | SettleOrder
  | CancelOrder
  | ExpireOrder
  | NotePaymentEvent
  | CreateApiKey
  | RevokeApiKey
  | CreateEventTicket
  | CreateWebhookEndpoint
  | UpdateWebhookEndpoint
  | DeleteWebhookEndpoint
  | DisableWebhookEndpoint
  | RetryWebhookDelivery
  | TellOverdue
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

/** What became of one line of a Reserve. */
export interface HeldLine {
  readonly reservation: ToldReservation;
  /** whether it was made by this command; else it was there and was changed */
  readonly isNew: boolean;
  /** free units of its product, after all lines */
  readonly quantityAvailable: number;
}

export interface HoldTakenOff {
  /** units that the cart still holds */
  readonly heldQuantity: number;
  readonly quantityAvailable: number;
}

export interface HoldConfirmed {
  readonly reservation: ToldReservation;
  readonly rental: Rental;
}

export interface CartConfirmed {
  readonly reservations: readonly ToldReservation[];
  readonly rentals: readonly Rental[];
}

export interface CartReleased {
  /** those that this command ended */
  readonly reservations: readonly ToldReservation[];
}

/** What became of one line of a Sell. */
export interface SoldLine {
  readonly rental: Rental;
  /** after all lines */
  readonly product: Product;
}

export interface CartItemAdded {
  readonly item: CartItem;
  readonly sku: string;
  /** the hold on its units; null where there is none */
  readonly reservation: ToldReservation | null;
  readonly quantityAvailable: number;
}

/** What became of one line of a ChangeStock. */
export interface ChangedStock {
  /** after all lines */
  readonly product: Product;
  /** units that this line put on hand, or took off */
  readonly change: number;
}

export interface HoldsExpired {
  readonly expired: number;
  /** units freed */
  readonly released: number;
  /** whether others are due on the product */
  readonly areMoreDue: boolean;
}

export interface OrderCreated {
  readonly order: Order;
  /** the hold of each line */
  readonly reservations: readonly ToldReservation[];
}

/** An order with the rentals that it became. */
export interface OrderTold {
  readonly order: Order;
  readonly rentals: readonly Rental[];
}

export interface OrderSettled {
  /** the message was carried out before */
  readonly duplicate: boolean;
  readonly outcome: EventOutcome;
  /** of the order after it; null where it was for none */
  readonly status: OrderStatus | null;
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
  reserve: { readonly lines: readonly HeldLine[] };
  take_off_hold: HoldTakenOff;
  extend: ToldReservation;
  confirm: HoldConfirmed;
  release: ToldReservation;
  confirm_cart: CartConfirmed;
  release_cart: CartReleased;
  sell: { readonly lines: readonly SoldLine[] };
  add_to_cart: CartItemAdded;
  remove_from_cart: { readonly quantityAvailable: number };
  restock: { readonly lines: readonly ChangedStock[] };
  adjust: { readonly lines: readonly ChangedStock[] };
  expire: HoldsExpired;
  start_cleanup: Cleanup;
  finish_cleanup: null;
  create_order: OrderCreated;
  attach_payment: Order;
  attend_order: null;
  settle_order: OrderSettled;
  cancel_order: OrderTold;
  expire_order: OrderTold;
  note_payment_event: OrderSettled;
  create_api_key: ApiKey;
  revoke_api_key: null;
  create_event_ticket: { readonly expiresAt: Instant };
  create_webhook_endpoint: WebhookEndpoint;
  update_webhook_endpoint: WebhookEndpoint;
  delete_webhook_endpoint: null;
  disable_webhook_endpoint: { readonly disabled: boolean };
  retry_webhook_delivery: WebhookDelivery;
  tell_overdue: { readonly told: boolean };
  start_sync: { readonly runId: string };
  sync: Drift | null;
}
export type ValueOf<C extends Command> = Values[C['kind']];

export const done = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const refused = (refusal: Refusal): Outcome<never> => ({ ok: false, refusal });

/** The products whose rows a command decides on, which it therefore locks. */
export function productIdsOf(command: Command): readonly number[] {
  if ('productId' in command) return [command.productId];
  if ('productIds' in command) return command.productIds;
  if ('lines' in command) return command.lines.map((line) => line.productId);
  return [];
}

/** How many lines of a batch a command takes. */
export function linesOf(command: Command): number {
  switch (command.kind) {
    case 'create_products':
      return command.products.length;
    case 'expire':
      return command.max;
    default:
      return Math.max(1, 'lines' in command ? command.lines.length : productIdsOf(command).length);
  }
}

/** The same command on a cart that turned out to hold these products as well. */
export function withProducts<C extends Command>(
  command: C,
  productIds: readonly number[],
  newId: () => string,
): C {
  if (!('productIds' in command)) throw new Error(`${command.kind} is about no whole cart`);
  const all = [...new Set([...command.productIds, ...productIds])];
  if (all.length === new Set(command.productIds).size) {
    throw new Error(`cart ${command.cartId} holds a product that is not there: ${productIds}`);
  }
  const added = { ...command, productIds: all };
  return 'rentalIds' in command ? { ...added, rentalIds: all.map(newId) } : added;
}
