import { z } from 'zod';
import { RentalReply } from '../rentals/schemas.js';
import {
  foreignId,
  LIST_LINES_MAX,
  line,
  lineUnits,
  productName,
  productNameReply,
  productRefText,
  timestamp,
  units,
} from '../schemas.js';

/** Whose cart a request is about. */
export const cartUser = foreignId
  .nullable()
  .optional()
  .meta({ description: "Whose cart; left out: the caller's own. A customer names only itself." });

const action = (fallback: string) =>
  line(100).default(fallback).meta({ description: 'Why; kept in the ledger.' });

export const ReserveBody = z
  .strictObject({
    product_id: productName,
    quantity: lineUnits,
    user_id: cartUser,
    action: action('add_to_cart'),
  })
  .meta({ id: 'StockReservation' });

export const ReleaseBody = z
  .strictObject({
    product_id: productName,
    quantity: lineUnits,
    user_id: cartUser,
    action: action('remove_from_cart'),
  })
  .meta({ id: 'StockRelease' });

export const PurchaseBody = z
  .strictObject({
    user_id: cartUser,
    order_id: foreignId
      .nullable()
      .optional()
      .meta({ description: "The order in the caller's own books; left out: one is made." }),
    items: z
      .array(z.strictObject({ product_id: productName, quantity: lineUnits }))
      .min(1)
      .max(LIST_LINES_MAX),
  })
  .meta({ id: 'StockPurchase' });

export const StockPath = z.strictObject({ product_id: productRefText });

const free = units.meta({ description: 'Units that are free now.' });
const held = z.int().min(0).meta({ description: 'Units that the user holds now.' });

export const ReserveReply = z
  .strictObject({
    success: z.literal(true),
    message: z.string(),
    reserved_quantity: lineUnits.meta({ description: 'Units that this request took.' }),
    held_quantity: held,
    available_stock: free,
    reservation_id: z.uuid(),
    expires_at: timestamp,
  })
  .meta({ id: 'StockReserved' });
export type ReserveReply = z.infer<typeof ReserveReply>;

export const ReleaseReply = z
  .strictObject({
    success: z.literal(true),
    message: z.string(),
    released_quantity: lineUnits,
    held_quantity: held,
    available_stock: free,
  })
  .meta({ id: 'StockReleased' });
export type ReleaseReply = z.infer<typeof ReleaseReply>;

export const PurchaseReply = z
  .strictObject({
    success: z.literal(true),
    message: z.string(),
    order_id: z.string(),
    rentals: z.array(RentalReply).meta({ description: 'One for each product.' }),
  })
  .meta({ id: 'StockPurchased' });
export type PurchaseReply = z.infer<typeof PurchaseReply>;

export const StockReply = z
  .strictObject({
    product_id: productNameReply,
    sku: z.string(),
    stock: units.meta({ description: 'Units on hand: free ones and held ones.' }),
    reserved_stock: units.meta({ description: 'Units held for carts.' }),
    available_stock: free,
  })
  .meta({ id: 'Stock' });
export type StockReply = z.infer<typeof StockReply>;
