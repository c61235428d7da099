import type { HoldKey } from './batch.js';
import { isOfKnownKind, userCart, userOfCart } from './carts.js';
import { type Command, productIdsOf } from './command.js';
import type { SkuInStore } from './loaded.js';
import type { Product } from './product.js';

/** The rows that a batch has to lock and read before it can be decided. */
export interface Needs {
  /** ascending: the order in which they are locked */
  readonly productIds: readonly number[];
  readonly rentalIds: readonly string[];
  readonly reservationIds: readonly string[];
  /** what these carts hold of these products */
  readonly holds: readonly HoldKey[];
  /** What the users' own carts hold who rent more of these products than are free. */
  ownHoldsOf(products: readonly Product[]): HoldKey[];
  /** all that these carts hold: whose they are, it says */
  readonly heldCarts: readonly CartInStore[];
  /** all that these carts hold, and what they held lately */
  readonly carts: readonly CartInStore[];
  /** all that the carts of these reservations hold */
  readonly cartsOf: readonly { readonly storeId: number; readonly reservationId: string }[];
  /** of which it matters whether they ever held anything, however long ago */
  readonly knownCarts: readonly CartInStore[];
  /** what these carts held of these products last, however long ago: of what is over, the latest */
  readonly lastHolds: readonly HoldKey[];
  /** what these carts lost of these products lately */
  readonly lostHolds: readonly HoldKey[];
  /** reservations that these carts confirmed for these orders */
  readonly confirmations: readonly (CartInStore & { readonly orderId: string })[];
  /** customers whose holds are counted, their rows locked */
  readonly customers: readonly UserInStore[];
  /** carts that become a customer's with what it holds in them: locked, so that one comes first */
  readonly claimedCarts: readonly CartInStore[];
  readonly cartItems: readonly (UserInStore & { readonly productId: number })[];
  readonly orderIds: readonly string[];
  /** carts whose pending order, where they have one, is read and locked */
  readonly cartsOfOrders: readonly CartInStore[];
  /** messages of the payment provider's, of which it is to be known whether they came before */
  readonly paymentEventIds: readonly string[];
  /** How many of a product's due holds may be needed at most: each has one unit at least. */
  dueHoldsOf(product: Product): number;
  readonly keyHashes: readonly string[];
  readonly skus: readonly SkuInStore[];
  readonly apiKeyIds: readonly string[];
  readonly webhookEndpointIds: readonly string[];
  /** stores whose webhook endpoints are counted, the stores' rows locked */
  readonly webhookStores: readonly number[];
  readonly webhookDeliveryIds: readonly string[];
  /** products of which units of nobody in particular come back, and how many */
  readonly releases: ReadonlyMap<number, number>;
  /** products whose counters are compared with their ledger and rentals */
  readonly syncIds: readonly number[];
  /** the same, with the ledger added up line by line */
  readonly deepSyncIds: readonly number[];
}

export interface CartInStore {
  readonly storeId: number;
  readonly cartId: string;
}

export interface UserInStore {
  readonly storeId: number;
  readonly userId: string;
}

export function needsOf(commands: readonly Command[]): Needs {
  const productIds = new Set<number>();
  const rentalIds = new Set<string>();
  const reservationIds = new Set<string>();
  const holds: HoldKey[] = [];
  const heldCarts: CartInStore[] = [];
  const carts: CartInStore[] = [];
  const cartsOf: { storeId: number; reservationId: string }[] = [];
  const knownCarts: CartInStore[] = [];
  const lastHolds: HoldKey[] = [];
  const lostHolds: HoldKey[] = [];
  const confirmations: (CartInStore & { orderId: string })[] = [];
  const customers: UserInStore[] = [];
  const claimedCarts: CartInStore[] = [];
  const cartItems: (UserInStore & { productId: number })[] = [];
  const orderIds = new Set<string>();
  const cartsOfOrders: CartInStore[] = [];
  const paymentEventIds = new Set<string>();
  const keyHashes = new Set<string>();
  const skus: SkuInStore[] = [];
  const apiKeyIds = new Set<string>();
  const webhookEndpointIds = new Set<string>();
  const webhookStores = new Set<number>();
  const webhookDeliveryIds = new Set<string>();
  const releases = new Map<number, number>();
  const syncIds = new Set<number>();
  const deepSyncIds = new Set<number>();
  for (const command of commands) {
    for (const id of productIdsOf(command)) productIds.add(id);
    if (command.idempotency) keyHashes.add(command.idempotency.keyHash);
    switch (command.kind) {
      case 'cancel':
      case 'complete':
      case 'tell_overdue':
        rentalIds.add(command.rentalId);
        break;
      case 'extend':
      case 'confirm':
      case 'release':
        reservationIds.add(command.reservationId);
        // Whose cart it is in, only what else is held there says.
        if (command.ownerId !== null) cartsOf.push(command);
        break;
      case 'reserve': {
        const { storeId, ownerId, lines } = command;
        for (const { productId, cartId } of lines) {
          holds.push({ storeId, productId, cartId });
          if (ownerId === null || isOfKnownKind(cartId)) continue;
          // Whose another cart is, only what is held in it says, on whatever product.
          heldCarts.push({ storeId, cartId });
          claimedCarts.push({ storeId, cartId });
        }
        if (ownerId !== null) customers.push({ storeId, userId: ownerId });
        break;
      }
      case 'take_off_hold':
        holds.push(command);
        if (command.ownerId !== null && !isOfKnownKind(command.cartId)) heldCarts.push(command);
        break;
      case 'confirm_cart':
        carts.push(command);
        confirmations.push(command);
        break;
      case 'release_cart':
        carts.push(command);
        if (command.mustBeKnown) knownCarts.push(command);
        break;
      case 'sell': {
        const { storeId, ownerId, boughtBy } = command;
        for (const { productId, cartId, holdMustExist } of command.lines) {
          if (cartId !== null) {
            if (ownerId !== null && !isOfKnownKind(cartId)) heldCarts.push({ storeId, cartId });
            const key = { storeId, productId, cartId };
            holds.push(key);
            if (holdMustExist) lastHolds.push(key);
          }
          if (boughtBy !== null) cartItems.push({ storeId, productId, userId: boughtBy });
        }
        break;
      }
      case 'add_to_cart':
      case 'remove_from_cart': {
        const { storeId, productId, userId, ownerId } = command;
        const key = { storeId, productId, cartId: userCart(userId) };
        holds.push(key);
        // With its line a cart lets go of a hold as well that it lost.
        if (command.kind === 'remove_from_cart' && command.release) lostHolds.push(key);
        cartItems.push({ storeId, productId, userId });
        const holdsUnits = command.kind === 'add_to_cart' && command.hold !== null;
        if (ownerId !== null && holdsUnits) customers.push({ storeId, userId: ownerId });
        break;
      }
      case 'create_order': {
        const { storeId, cartId, ownerId, productIds: ofOrders } = command;
        for (const productId of ofOrders) holds.push({ storeId, productId, cartId });
        if (ownerId !== null) {
          if (!isOfKnownKind(cartId)) {
            heldCarts.push({ storeId, cartId });
            claimedCarts.push({ storeId, cartId });
          }
          customers.push({ storeId, userId: ownerId });
        }
        cartsOfOrders.push({ storeId, cartId });
        break;
      }
      case 'settle_order':
      case 'cancel_order':
      case 'expire_order': {
        const { storeId, cartId, orderId, productIds: ofOrder } = command;
        orderIds.add(orderId);
        const userId = userOfCart(cartId);
        for (const productId of ofOrder) {
          holds.push({ storeId, productId, cartId });
          if (command.kind === 'settle_order' && userId !== null) {
            cartItems.push({ storeId, productId, userId });
          }
        }
        // Whether the cart has another order that is pending.
        if (command.kind === 'settle_order') cartsOfOrders.push({ storeId, cartId });
        if (command.kind === 'settle_order' && command.event) {
          paymentEventIds.add(command.event.id);
        }
        break;
      }
      case 'attach_payment':
      case 'attend_order':
        orderIds.add(command.orderId);
        break;
      case 'note_payment_event':
        paymentEventIds.add(command.event.id);
        break;
      case 'create_products':
        for (const { sku } of command.products) skus.push({ storeId: command.storeId, sku });
        break;
      case 'revoke_api_key':
        apiKeyIds.add(command.apiKeyId);
        break;
      case 'create_webhook_endpoint':
        webhookStores.add(command.storeId);
        break;
      case 'retry_webhook_delivery':
        webhookEndpointIds.add(command.endpointId);
        webhookDeliveryIds.add(command.deliveryId);
        break;
      case 'update_webhook_endpoint':
      case 'delete_webhook_endpoint':
      case 'disable_webhook_endpoint':
        webhookEndpointIds.add(command.endpointId);
        break;
      case 'release_units': {
        const units = releases.get(command.productId) ?? 0;
        releases.set(command.productId, units + command.quantity);
        break;
      }
      case 'sync':
        (command.deep ? deepSyncIds : syncIds).add(command.productId);
        break;
    }
  }
  return {
    productIds: [...productIds].sort((a, b) => a - b),
    rentalIds: [...rentalIds],
    reservationIds: [...reservationIds],
    holds,
    heldCarts,
    carts,
    cartsOf,
    knownCarts,
    lastHolds,
    lostHolds,
    confirmations,
    customers,
    claimedCarts,
    cartItems,
    orderIds: [...orderIds],
    cartsOfOrders,
    paymentEventIds: [...paymentEventIds],
    ownHoldsOf: (products) => ownHoldsOf(commands, products),
    dueHoldsOf: (product) => dueHoldsOf(commands, product),
    keyHashes: [...keyHashes],
    skus,
    apiKeyIds: [...apiKeyIds],
    webhookEndpointIds: [...webhookEndpointIds],
    webhookStores: [...webhookStores],
    webhookDeliveryIds: [...webhookDeliveryIds],
    releases,
    syncIds: [...syncIds].filter((id) => !deepSyncIds.has(id)),
    deepSyncIds: [...deepSyncIds],
  };
}

function ownHoldsOf(commands: readonly Command[], products: readonly Product[]): HoldKey[] {
  const isAsked = commands.some((command) => command.kind === 'rent' && command.userId !== null);
  if (!isAsked) return [];
  const asked = new Map<number, number>();
  for (const command of commands) {
    for (const { productId, quantity } of claimsOf(command)) {
      asked.set(productId, (asked.get(productId) ?? 0) + quantity);
    }
    // How many these leave is only known when they are decided.
    if (command.kind === 'update' || command.kind === 'adjust') {
      for (const id of productIdsOf(command)) asked.set(id, Number.POSITIVE_INFINITY);
    }
  }
  const short = new Set(
    products
      .filter(({ id, quantityAvailable }) => quantityAvailable < (asked.get(id) ?? 0))
      .map(({ id }) => id),
  );
  if (short.size === 0) return [];
  return commands.flatMap((command) =>
    command.kind === 'rent' && command.userId !== null && short.has(command.productId)
      ? [{ ...command, cartId: userCart(command.userId) }]
      : [],
  );
}

/** Units that the commands take of a product beyond what is free, and holds that they expire. */
function dueHoldsOf(commands: readonly Command[], product: Product): number {
  let units = -product.quantityAvailable;
  let expired = 0;
  for (const command of commands) {
    if (command.kind === 'expire') {
      if (command.productId === product.id) expired += command.max;
    } else units += unitsTaken(command, product);
  }
  return Math.max(0, units) + expired;
}

interface Claim {
  readonly productId: number;
  /** units */
  readonly quantity: number;
}

/** Free units that a command takes at most. */
function claimsOf(command: Command): readonly Claim[] {
  switch (command.kind) {
    case 'rent':
    case 'add_to_cart':
      return [command];
    case 'reserve':
    case 'sell':
    case 'create_order':
    case 'settle_order':
      return command.lines;
    default:
      return [];
  }
}

/** Free units of a product that a command takes at most, be it that it takes them out of stock. */
function unitsTaken(command: Command, product: Product): number {
  switch (command.kind) {
    case 'update':
      return command.productId === product.id && command.changes.quantity !== undefined
        ? Math.max(0, product.quantity - command.changes.quantity)
        : 0;
    case 'adjust': {
      const onHand = product.quantityAvailable + product.quantityReserved;
      const counts = command.lines.filter(({ productId }) => productId === product.id);
      return counts.reduce((units, { quantity }) => units + Math.max(0, onHand - quantity), 0);
    }
    default:
      return claimsOf(command).reduce(
        (units, claim) => units + (claim.productId === product.id ? claim.quantity : 0),
        0,
      );
  }
}
