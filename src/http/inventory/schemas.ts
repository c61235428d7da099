import { z } from 'zod';
import { AVAILABILITY_STATUSES } from '../../../machines/product.js';
import { RESERVATION_STATUSES } from '../../../machines/reservation.js';
import { camelListOf } from '../lists.js';
import {
  cartName,
  cursorAfterId,
  foreignId,
  freeText,
  instant,
  LINE_UNITS_MAX,
  LIST_LINES_MAX,
  line,
  lineUnits,
  optionalQueryInteger,
  pageLimit,
  productName,
  productNameReply,
  productRefText,
  queryInteger,
  takenUnits,
  timestamp,
  UNITS_MAX,
  units,
} from '../schemas.js';
import { CHANGE_TYPES } from './change-types.js';

const reason = freeText(500);
const checkoutId = foreignId.meta({
  description: "The caller's own name for a checkout; an integer is taken as text.",
  example: 'checkout-456',
});

const list = <T extends z.ZodType>(entry: T) => z.array(entry).min(1).max(LIST_LINES_MAX);

export const VariantPath = z.strictObject({ variantId: productRefText });
export const ProductPath = z.strictObject({ productId: productRefText });

export const CheckQuery = z.strictObject({
  quantity: queryInteger({ min: 1, max: LINE_UNITS_MAX, fallback: 1 }),
  reservationId: line(200)
    .optional()
    .meta({ description: 'A checkout: what it holds itself counts as free for it.' }),
});

export const LowStockQuery = z.strictObject({
  threshold: optionalQueryInteger({ min: 0, max: UNITS_MAX }).meta({
    description: "Free units; else each product's own threshold, else LOW_STOCK_THRESHOLD.",
  }),
  limit: pageLimit,
  cursor: cursorAfterId.optional(),
});

export const LogQuery = z.strictObject({
  changeType: z.enum(CHANGE_TYPES).optional(),
  limit: pageLimit,
  cursor: cursorAfterId.optional(),
});

export const ReserveBody = z
  .strictObject({
    reservations: list(
      z.strictObject({
        variantId: productName,
        quantity: lineUnits,
        reservationId: checkoutId,
        expiresAt: instant
          .nullable()
          .default(null)
          .meta({ description: 'Left out: RESERVATION_EXPIRY_MINUTES from now.' }),
      }),
    ),
  })
  .meta({ id: 'InventoryReserve' });

export const ConfirmSaleBody = z
  .strictObject({
    updates: list(
      z.strictObject({
        variantId: productName,
        quantity: lineUnits,
        reason,
        reservationId: checkoutId
          .nullable()
          .default(null)
          .meta({ description: 'The checkout whose hold is used up; left out: free units.' }),
      }),
    ),
  })
  .meta({ id: 'InventoryConfirmSale' });

export const ReleaseBody = z
  .strictObject({ reservationId: checkoutId, reason: reason.nullable().default(null) })
  .meta({ id: 'InventoryRelease' });

export const RestockBody = z
  .strictObject({
    updates: list(z.strictObject({ variantId: productName, quantity: lineUnits, reason })),
  })
  .meta({ id: 'InventoryRestock' });

export const AdjustBody = z
  .strictObject({
    updates: list(
      z.strictObject({
        variantId: productName,
        quantity: units.meta({ description: 'Units counted on hand: free ones and held ones.' }),
        reason,
      }),
    ),
  })
  .meta({ id: 'InventoryAdjust' });

export const ValidateBody = z
  .strictObject({
    items: list(z.strictObject({ productId: productName, quantity: lineUnits })),
    cartId: z
      .union([cartName, z.int()])
      .transform(String)
      .nullable()
      .default(null)
      .meta({ description: 'A cart: what it holds itself counts as free for it.' }),
  })
  .meta({ id: 'InventoryValidate' });

export const LevelReply = z
  .strictObject({
    variantId: productNameReply,
    sku: z.string(),
    name: z.string(),
    quantity: units.meta({ description: 'Units owned.' }),
    quantityOnHand: units.meta({ description: 'Free ones and held ones.' }),
    quantityAvailable: units,
    quantityReserved: units,
    quantityRented: units,
    availabilityStatus: z.enum(AVAILABILITY_STATUSES),
  })
  .meta({ id: 'StockLevel' });
export type LevelReply = z.infer<typeof LevelReply>;

export const CheckReply = z
  .strictObject({
    available: z.boolean(),
    variantId: productNameReply,
    sku: z.string(),
    requestedQuantity: lineUnits,
    availableQuantity: units.meta({
      description: 'What could be had now. Of a draft that is only what the checkout holds.',
    }),
  })
  .meta({ id: 'StockCheck' });
export type CheckReply = z.infer<typeof CheckReply>;

const CheckoutHold = z
  .strictObject({
    id: z.uuid(),
    reservationId: z.string(),
    variantId: productNameReply,
    sku: z.string(),
    quantity: takenUnits.meta({ description: 'What the checkout holds of it now.' }),
    status: z.enum(RESERVATION_STATUSES),
    expiresAt: timestamp,
    availableQuantity: units.meta({ description: 'Free units, after all lines.' }),
  })
  .meta({ id: 'CheckoutHold' });

const done = z.literal(true);
export const ReserveReply = z.strictObject({ success: done, reservations: z.array(CheckoutHold) });
export type ReserveReply = z.infer<typeof ReserveReply>;

const ChangedLevel = LevelReply.extend({
  change: z.int().meta({ description: 'Units that this line put on hand, or took off.' }),
}).meta({ id: 'ChangedStockLevel' });
export const ChangeReply = z.strictObject({ success: done, updates: z.array(ChangedLevel) });
export type ChangeReply = z.infer<typeof ChangeReply>;

const SoldLevel = ChangedLevel.extend({ rentalId: z.uuid() }).meta({ id: 'SoldStockLevel' });
export const SaleReply = z.strictObject({ success: done, updates: z.array(SoldLevel) });
export type SaleReply = z.infer<typeof SaleReply>;

export const ReleaseReply = z.strictObject({
  success: done,
  released: z.array(
    z.strictObject({ variantId: productNameReply, sku: z.string(), quantity: takenUnits }),
  ),
});
export type ReleaseReply = z.infer<typeof ReleaseReply>;

const LowLevel = LevelReply.extend({
  threshold: units.meta({ description: 'The threshold that it is at or below.' }),
}).meta({ id: 'LowStockLevel' });
export type LowLevel = z.infer<typeof LowLevel>;
export const LowStockReply = camelListOf(LowLevel);

export const ProductReport = z
  .strictObject({
    productId: productNameReply,
    sku: z.string(),
    name: z.string(),
    totalStock: z.int().meta({ description: 'Units on hand, of all variants.' }),
    lowStockCount: z.int(),
    outOfStockCount: z.int(),
    variants: z.array(LevelReply),
  })
  .meta({ id: 'ProductStock' });
export type ProductReport = z.infer<typeof ProductReport>;

const counters = { quantityAvailable: z.int(), quantityReserved: z.int(), quantityRented: z.int() };
const LogLine = z
  .strictObject({
    id: z.int(),
    changeType: z.enum(CHANGE_TYPES),
    quantityChange: z.int().meta({
      description:
        'Units that the line is about: a sale or a hold is negative; a return, a release or a restock positive.',
    }),
    change: z
      .strictObject({ quantity: z.int(), ...counters })
      .meta({ description: 'What it did to each counter.' }),
    reason: z.string().nullable(),
    userId: z.string().meta({ description: 'Who did it.' }),
    referenceId: z
      .string()
      .nullable()
      .meta({ description: 'The order, else the rental, else the reservation that it is about.' }),
    quantity: units,
    quantityAvailable: units,
    quantityReserved: units,
    quantityRented: units,
    createdAt: timestamp,
  })
  .meta({ id: 'InventoryLogLine' });
export type LogLine = z.infer<typeof LogLine>;
export const LogReply = camelListOf(LogLine).extend({
  variantId: productNameReply,
  sku: z.string(),
});

export const ValidateReply = z.strictObject({
  isValid: z.boolean(),
  errors: z.array(
    z.strictObject({
      index: z.int().meta({ description: 'Its place in `items`, from 0.' }),
      productId: productNameReply,
      productTitle: z.string().nullable().meta({ description: 'null: there is no such product.' }),
      error: z.string().meta({ description: 'A sentence.' }),
      code: z.string(),
      requested: z.int().meta({ description: 'Units, in all items that name the product.' }),
      available: units,
    }),
  ),
});
export type ValidateReply = z.infer<typeof ValidateReply>;
