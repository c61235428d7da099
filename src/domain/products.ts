import type { Batch } from './batch.js';
import {
  type CommandHeader,
  type CreateProducts,
  done,
  type ExpectedVersions,
  type Outcome,
  type PublishProduct,
  refused,
  type UpdateProduct,
} from './command.js';
import { takeFree } from './free-units.js';
import { type LiveProduct, openingState } from './live-product.js';
import { countersOf, type NewProduct, type Product, type ProductChanges } from './product.js';
import type { FieldError, Refusal } from './refusal.js';

/**
 * Makes products, each on its own: one whose SKU is taken does not keep the others back, unless
 * the command asks for all or none.
 */
export function createProducts(
  batch: Batch,
  command: CreateProducts,
): Outcome<readonly Outcome<Product>[]> {
  const taken = command.allOrNone ? firstTakenSku(batch, command) : undefined;
  if (taken !== undefined) return refused({ code: 'sku_taken', sku: taken });
  return done(command.products.map((product) => createProduct(batch, command, product)));
}

/** The first SKU that a product has already, or that the command itself names twice. */
function firstTakenSku(batch: Batch, { storeId, products }: CreateProducts): string | undefined {
  const named = new Set<string>();
  for (const { sku } of products) {
    if (named.has(sku) || batch.skuIsTaken({ storeId, sku })) return sku;
    named.add(sku);
  }
  return undefined;
}

function createProduct(batch: Batch, command: CommandHeader, wanted: NewProduct): Outcome<Product> {
  const { storeId } = command;
  const { publish, ...fields } = wanted;
  if (batch.skuIsTaken({ storeId, sku: wanted.sku })) {
    return refused({ code: 'sku_taken', sku: wanted.sku });
  }
  const product = {
    ...fields,
    id: 0,
    storeId,
    ...openingState(wanted.quantity, publish),
    nextHoldDueAt: null,
    version: 1,
    createdAt: batch.now,
    updatedAt: batch.now,
  };
  const opening = {
    storeId,
    productId: 0,
    commandId: command.id,
    kind: 'open' as const,
    delta: countersOf(product),
    after: countersOf(product),
    rentalId: null,
    reservationId: null,
    orderId: null,
    reason: 'opening',
    actor: command.actor,
    createdAt: batch.now,
  };
  batch.createProduct({ product, opening });
  return done(product);
}

/** Publishes or unpublishes; doing it twice is answered as things stand. */
export function publish(batch: Batch, command: PublishProduct): Outcome<Product> {
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const mismatch = versionMismatch(product, command.ifMatch);
  if (mismatch) return refused(mismatch);

  const sent = product.send({ type: command.kind === 'publish' ? 'PUBLISH' : 'UNPUBLISH' });
  if ('refusal' in sent) return refused(sent.refusal);
  if (product.row.availabilityStatus !== sent.oldStatus) {
    batch.move(product, command, { kind: command.kind, sent });
  }
  return done(batch.told(product));
}

/** Changes a product's fields, the units owned among them. What is already so changes nothing. */
export function updateProduct(batch: Batch, command: UpdateProduct): Outcome<Product> {
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const mismatch = versionMismatch(product, command.ifMatch);
  if (mismatch) return refused(mismatch);
  const before = product.snapshot();
  const { quantity = before.quantity, ...rest } = command.changes;
  const fields = { ...before, ...definedOnly(rest) };
  const errors = priceErrors(fields);
  if (errors.length > 0) return refused({ code: 'validation_failed', errors });

  // Giving up free units takes them away, just as holding them does.
  const given = before.quantity - quantity;
  const sent = takeFree(batch, product, command, { type: 'SET_QUANTITY', quantity }, given);
  if ('refusal' in sent) return refused(sent.refusal);
  const { name, lowStockThreshold, priceAmount, priceCurrency, supplierEmail } = fields;
  const assigned = { name, lowStockThreshold, priceAmount, priceCurrency, supplierEmail };
  const changed =
    quantity !== before.quantity ||
    UPDATABLE_FIELDS.some((field) => assigned[field] !== before[field]);
  if (changed) {
    product.assign(assigned);
    batch.move(product, command, { kind: 'update', sent });
  }
  return done(batch.told(product));
}

/** A price is an amount and a currency, or neither. */
export function priceErrors(
  product: Pick<NewProduct, 'priceAmount' | 'priceCurrency'>,
): FieldError[] {
  if ((product.priceAmount === null) === (product.priceCurrency === null)) return [];
  return product.priceAmount === null
    ? [{ field: 'price_amount', message: 'is missing: price_currency was given without it' }]
    : [{ field: 'price_currency', message: 'is missing: price_amount was given without it' }];
}

const UPDATABLE_FIELDS = [
  'name',
  'lowStockThreshold',
  'priceAmount',
  'priceCurrency',
  'supplierEmail',
] as const;

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function definedOnly(
  changes: Omit<ProductChanges, 'quantity'>,
): Partial<Defined<Required<Omit<ProductChanges, 'quantity'>>>> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function versionMismatch(product: LiveProduct, ifMatch: ExpectedVersions): Refusal | null {
  if (ifMatch === null || ifMatch.includes(product.row.version)) return null;
  return { code: 'version_mismatch', version: product.row.version };
}
