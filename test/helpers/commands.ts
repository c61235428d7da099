import type { Role } from '../../src/domain/api-key.js';
import type {
  CreateApiKey,
  CreateProducts,
  EndRental,
  PublishProduct,
  RentUnits,
  RevokeApiKey,
  SyncProduct,
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
