import type { Role } from '../../src/domain/api-key.js';
import type {
  AddToCart,
  ChangeStock,
  ConfirmCart,
  ConfirmHold,
  CreateApiKey,
  CreateProducts,
  EndRental,
  ExpireHolds,
  ExtendHold,
  FinishCleanup,
  HoldLine,
  PublishProduct,
  ReleaseCart,
  ReleaseHold,
  ReleaseUnits,
  RemoveFromCart,
  RentUnits,
  Reserve,
  RevokeApiKey,
  SaleLine,
  Sell,
  StartCleanup,
  StockLine,
  SyncProduct,
  TakeOffHold,
  UpdateProduct,
} from '../../src/domain/command.js';
import type { NewProduct } from '../../src/domain/product.js';

let made = 0;

/** Commands with what a test doesn't care about filled in: store 1, product 1, no key. */
const header = () => ({ id: `command-${made++}`, storeId: 1, actor: 'admin', idempotency: null });

/** The key and the request that a caller sends with a command. */
export const keyed = (keyHash: string, requestHash = 'request') => ({
  idempotency: { keyHash, requestHash },
});

export function rent(quantity: number, given: Partial<RentUnits> = {}): RentUnits {
  return {
    ...header(),
    kind: 'rent',
    productId: 1,
    rentalId: `rental-${made}`,
    quantity,
    userId: 'ann',
    startsAt: null,
    endsAt: null,
    orderId: null,
    ...given,
  };
}

export function end(
  kind: EndRental['kind'],
  rentalId: string,
  given: Partial<EndRental> = {},
): EndRental {
  return { ...header(), kind, productId: 1, rentalId, ownerId: null, reason: null, ...given };
}

export function releaseUnits(quantity: number, given: Partial<ReleaseUnits> = {}): ReleaseUnits {
  return {
    ...header(),
    kind: 'release_units',
    productId: 1,
    quantity,
    as: 'complete',
    reason: 'back',
    splitRentalId: `split-${made}`,
    ...given,
  };
}

/** A line of a Reserve: of product 1 for the cart `cart`, for a second. */
export function line(quantity: number, given: Partial<HoldLine> = {}): HoldLine {
  return {
    productId: 1,
    cartId: 'cart',
    quantity,
    customerId: null,
    expiry: { lastsMs: 1000 },
    reservationId: `hold-${made++}`,
    ...given,
  };
}

export function reserve(
  how: Reserve['how'],
  lines: readonly HoldLine[],
  given: Partial<Reserve> = {},
): Reserve {
  return { ...header(), ownerId: null, kind: 'reserve', how, lines, reason: null, ...given };
}

export function takeOff(quantity: number, given: Partial<TakeOffHold> = {}): TakeOffHold {
  return {
    ...header(),
    ownerId: null,
    kind: 'take_off_hold',
    productId: 1,
    cartId: 'cart',
    quantity,
    reason: null,
    ...given,
  };
}

export function extend(
  reservationId: string,
  byMs: number,
  given: Partial<ExtendHold> = {},
): ExtendHold {
  const kind = 'extend';
  return { ...header(), ownerId: null, kind, productId: 1, reservationId, byMs, ...given };
}

export function confirm(
  reservationId: string,
  orderId = 'order',
  given: Partial<ConfirmHold> = {},
): ConfirmHold {
  return {
    ...header(),
    ownerId: null,
    kind: 'confirm',
    productId: 1,
    reservationId,
    orderId,
    rentalId: `rental-${made}`,
    ...given,
  };
}

export function release(reservationId: string, given: Partial<ReleaseHold> = {}): ReleaseHold {
  const fields = { productId: 1, reservationId, reason: 'manual' };
  return { ...header(), ownerId: null, kind: 'release', ...fields, ...given };
}

/** All that the cart `cart` holds; of product 1 where a test says nothing else. */
export function confirmCart(orderId = 'order', given: Partial<ConfirmCart> = {}): ConfirmCart {
  const { productIds = [1] } = given;
  const n = made;
  return {
    ...header(),
    ownerId: null,
    kind: 'confirm_cart',
    cartId: 'cart',
    orderId,
    productIds,
    rentalIds: productIds.map((id) => `rental-${n}-${id}`),
    ...given,
  };
}

export function releaseCart(given: Partial<ReleaseCart> = {}): ReleaseCart {
  return {
    ...header(),
    ownerId: null,
    kind: 'release_cart',
    cartId: 'cart',
    productIds: [1],
    reason: 'manual',
    mustBeKnown: false,
    ...given,
  };
}

/** A line of a Sell: of product 1, from the hold of the cart `cart`. */
export function saleLine(quantity: number, given: Partial<SaleLine> = {}): SaleLine {
  return {
    productId: 1,
    quantity,
    cartId: 'cart',
    holdMustExist: false,
    userId: 'ann',
    reason: null,
    rentalId: `rental-${made++}`,
    ...given,
  };
}

export function sell(lines: readonly SaleLine[], given: Partial<Sell> = {}): Sell {
  return {
    ...header(),
    ownerId: null,
    kind: 'sell',
    lines,
    orderId: 'order',
    boughtBy: null,
    ...given,
  };
}

/** Into the cart of ann, with a hold for a second. */
export function addToCart(quantity: number, given: Partial<AddToCart> = {}): AddToCart {
  return {
    ...header(),
    ownerId: null,
    kind: 'add_to_cart',
    productId: 1,
    userId: 'ann',
    quantity,
    priceAmount: null,
    shippingAmount: null,
    itemId: `item-${made}`,
    hold: { lastsMs: 1000, reservationId: `hold-${made}` },
    ...given,
  };
}

export function removeFromCart(
  quantity: number | null,
  given: Partial<RemoveFromCart> = {},
): RemoveFromCart {
  return {
    ...header(),
    ownerId: null,
    kind: 'remove_from_cart',
    productId: 1,
    userId: 'ann',
    quantity,
    release: true,
    ...given,
  };
}

export function changeStock(
  kind: ChangeStock['kind'],
  lines: readonly (Partial<StockLine> & { quantity: number })[],
  given: Partial<ChangeStock> = {},
): ChangeStock {
  const all = lines.map((one) => ({ productId: 1, reason: 'count', ...one }));
  return { ...header(), kind, lines: all, ...given };
}

export function expire(max: number, given: Partial<ExpireHolds> = {}): ExpireHolds {
  return { ...header(), kind: 'expire', productId: 1, max, ...given };
}

export function startCleanup(given: Partial<StartCleanup> = {}): StartCleanup {
  return { ...header(), kind: 'start_cleanup', runId: 'run', ...given };
}

export function finishCleanup(
  keyHash: string,
  summary: FinishCleanup['cleanup']['summary'],
): FinishCleanup {
  return { ...header(), kind: 'finish_cleanup', keyHash, cleanup: { runId: 'run', summary } };
}

export function publish(
  kind: PublishProduct['kind'],
  given: Partial<PublishProduct> = {},
): PublishProduct {
  return { ...header(), kind, productId: 1, ifMatch: null, ...given };
}

export function update(
  changes: UpdateProduct['changes'],
  given: Partial<UpdateProduct> = {},
): UpdateProduct {
  return { ...header(), kind: 'update', productId: 1, changes, ifMatch: null, ...given };
}

export function create(
  products: readonly Partial<NewProduct>[],
  given: Partial<CreateProducts> = {},
): CreateProducts {
  return {
    ...header(),
    kind: 'create_products',
    products: products.map((product) => ({ ...NEW_PRODUCT, ...product })),
    allOrNone: false,
    ...given,
  };
}

export function createKey(
  id: string,
  given: Partial<CreateApiKey> & { role?: Role } = {},
): CreateApiKey {
  const { role = 'service', ...rest } = given;
  const apiKey = { id, name: 'till', role, secretHash: 'hash' };
  return { ...header(), kind: 'create_api_key', apiKey, ...rest };
}

export function revokeKey(apiKeyId: string, given: Partial<RevokeApiKey> = {}): RevokeApiKey {
  return { ...header(), kind: 'revoke_api_key', apiKeyId, ...given };
}

export function sync(given: Partial<SyncProduct> = {}): SyncProduct {
  return {
    ...header(),
    kind: 'sync',
    productId: 1,
    runId: 'run',
    dryRun: false,
    deep: false,
    ...given,
  };
}

const NEW_PRODUCT: NewProduct = {
  sku: 'KAYAK',
  name: 'Kayak',
  quantity: 2,
  publish: false,
  parentId: null,
  lowStockThreshold: null,
  priceAmount: null,
  priceCurrency: null,
  supplierEmail: null,
};
