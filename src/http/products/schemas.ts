import { z } from 'zod';
import { AVAILABILITY_STATUSES } from '../../../machines/product.js';
import { MOVEMENT_KINDS } from '../../domain/movement.js';
import { priceErrors } from '../../domain/products.js';
import {
  cursorAfterId,
  freeText,
  LINE_UNITS_MAX,
  LIST_LINES_MAX,
  line,
  lineUnits,
  pageLimit,
  productRef,
  productRefText,
  queryInteger,
  sku,
  timestamp,
  units,
} from '../schemas.js';

const name = line(255).meta({ example: 'Cordless drill 18 V' });
const lowStockThreshold = units
  .nullable()
  .meta({ description: 'Units; null: the LOW_STOCK_THRESHOLD of the service.' });
const priceAmount = z
  .int()
  .min(0)
  .nullable()
  .meta({ description: 'Minor units of the currency, for one unit.', example: 1250 });
const priceCurrency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code in capitals, like EUR')
  .nullable()
  .meta({ example: 'EUR' });
const supplierEmail = z.email().max(254).nullable();

export const NewProductBody = z
  .strictObject({
    sku,
    name,
    quantity: units.meta({ description: 'Units owned.' }),
    publish: z.boolean().default(false).meta({ description: 'Published at once, else a draft.' }),
    parent_id: productRef.nullable().default(null),
    low_stock_threshold: lowStockThreshold.default(null),
    price_amount: priceAmount.default(null),
    price_currency: priceCurrency.default(null),
    supplier_email: supplierEmail.default(null),
  })
  .superRefine((product, context) => {
    const { price_amount: priceAmount, price_currency: priceCurrency } = product;
    for (const { field, message } of priceErrors({ priceAmount, priceCurrency })) {
      context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .meta({ id: 'NewProduct' });
export type NewProductBody = z.infer<typeof NewProductBody>;

export const ProductListBody = z
  .strictObject({ products: z.array(NewProductBody).min(1).max(LIST_LINES_MAX) })
  .meta({ id: 'NewProducts' });

export const ProductsToValidateBody = z
  .strictObject({
    products: z
      .array(z.unknown())
      .min(1)
      .max(LIST_LINES_MAX)
      .meta({ description: 'As for `POST /api/products/batch`, right or wrong.' }),
  })
  .meta({ id: 'ProductsToValidate' });

export const ProductsValidReply = z
  .strictObject({
    is_valid: z.boolean(),
    errors: z.array(
      z.strictObject({
        index: z.int().min(0).meta({ description: 'Which product of the list, from 0.' }),
        field: z.string(),
        code: z.enum(['validation_failed', 'sku_taken', 'product_not_found']),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: 'ProductsValid' });

export const ProductChangesBody = z
  .strictObject({
    name: name.optional(),
    quantity: units.optional().meta({ description: 'Units owned.' }),
    low_stock_threshold: lowStockThreshold.optional(),
    price_amount: priceAmount.optional(),
    price_currency: priceCurrency.optional(),
    supplier_email: supplierEmail.optional(),
  })
  .meta({ id: 'ProductChanges' });

export const ProductPath = z.strictObject({ productId: productRefText });

const SORTS = ['id', '-id', 'sku', '-sku', 'name', '-name'] as const;
const LISTED_IDS_MAX = 200;

/** Ids with commas between them. */
const productIds = z
  .string()
  .refine((text) => /^\d{1,10}(,\d{1,10})*$/.test(text), 'must be ids with commas between them')
  .transform((text) => text.split(',').map(Number))
  .refine((ids) => ids.length <= LISTED_IDS_MAX, `must have at most ${LISTED_IDS_MAX} ids`)
  .meta({ description: `Only these: up to ${LISTED_IDS_MAX} ids.`, example: '1,2,3' });

export const ProductListQuery = z
  .strictObject({
    status: z.enum(AVAILABILITY_STATUSES).optional(),
    sku: line(100).optional(),
    parent_id: productRefText.optional(),
    ids: productIds.optional(),
    q: line(100).optional().meta({
      description:
        'Only products whose SKU or name begins with this, in capitals or small letters (on SQLite that is so of A to Z alone): first those by SKU, in order of SKU, then those by name, in order of name.',
    }),
    sort: z
      .enum(SORTS)
      .default('id')
      .meta({ description: 'What the list is in order of; with `-`, from the end.' }),
    limit: pageLimit,
    cursor: cursorAfterId.optional(),
  })
  .superRefine(({ q, sort }, context) => {
    if (q === undefined || sort === 'id') return;
    const message = 'must be left out where q is said: a search has an order of its own';
    context.addIssue({ code: 'custom', path: ['sort'], message });
  });

export const AvailabilityQuery = z.strictObject({
  quantity: queryInteger({ min: 1, max: LINE_UNITS_MAX, fallback: 1 }),
});

export const LedgerQuery = z.strictObject({
  kind: z.enum(MOVEMENT_KINDS).optional(),
  limit: pageLimit,
  cursor: cursorAfterId.optional(),
});

export const ProductReply = z
  .strictObject({
    id: z.int(),
    store_id: z.int(),
    sku: z.string(),
    name: z.string(),
    parent_id: z.int().nullable(),
    quantity: units,
    quantity_available: units,
    quantity_reserved: units,
    quantity_rented: units,
    availability_status: z.enum(AVAILABILITY_STATUSES),
    low_stock_threshold: units.nullable(),
    price_amount: z.int().nullable(),
    price_currency: z.string().nullable(),
    supplier_email: z.string().nullable(),
    version: z.int(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Product' });
export type ProductReply = z.infer<typeof ProductReply>;

export const AvailabilityReply = z
  .strictObject({
    product_id: z.int(),
    availability_status: z.enum(AVAILABILITY_STATUSES),
    quantity: units,
    quantity_available: units,
    requested_quantity: lineUnits,
    available: z.boolean(),
  })
  .meta({ id: 'Availability' });
export type AvailabilityReply = z.infer<typeof AvailabilityReply>;

const delta = z.int();

export const MovementReply = z
  .strictObject({
    id: z.int(),
    store_id: z.int(),
    product_id: z.int(),
    command_id: z.uuid(),
    kind: z.enum(MOVEMENT_KINDS),
    quantity_delta: delta,
    quantity_available_delta: delta,
    quantity_reserved_delta: delta,
    quantity_rented_delta: delta,
    quantity: units,
    quantity_available: units,
    quantity_reserved: units,
    quantity_rented: units,
    rental_id: z.uuid().nullable(),
    reservation_id: z.uuid().nullable(),
    order_id: z.string().nullable(),
    reason: freeText(500).nullable(),
    actor: z.string(),
    created_at: timestamp,
  })
  .meta({ id: 'Movement' });
export type MovementReply = z.infer<typeof MovementReply>;
