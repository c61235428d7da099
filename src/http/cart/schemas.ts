import { z } from 'zod';
import { money, moneyReply } from '../money.js';
import { line, lineUnits, productName, productNameReply, timestamp, units } from '../schemas.js';
import { cartUser } from '../stock/schemas.js';

export const AddBody = z
  .strictObject({
    user_id: cartUser,
    product_id: productName,
    quantity: lineUnits,
    price: money
      .nullable()
      .optional()
      .meta({ description: "For one unit; left out: the line's stays as it is." }),
    shipping_amount: money
      .nullable()
      .optional()
      .meta({ description: "For the whole line; left out: the line's stays as it is." }),
    decrease_stock: z.boolean().default(true).meta({ description: 'Hold the units as well.' }),
  })
  .meta({ id: 'CartAddition' });

export const RemoveBody = z
  .strictObject({
    user_id: cartUser,
    product_id: productName,
    quantity: lineUnits.nullable().optional().meta({ description: 'Left out: the whole line.' }),
    increase_stock: z
      .boolean()
      .default(true)
      .meta({ description: 'Give as many held units back as well.' }),
  })
  .meta({ id: 'CartRemoval' });

export const CartPath = z.strictObject({ user_id: line(200) });

const free = units.meta({ description: 'Units of the product that are free now.' });

export const CartItemReply = z
  .strictObject({
    id: z.uuid(),
    user_id: z.string(),
    product_id: productNameReply,
    sku: z.string(),
    quantity: lineUnits,
    price: moneyReply.nullable().meta({ description: 'For one unit.' }),
    shipping_amount: moneyReply.nullable().meta({ description: 'For the whole line.' }),
    reserved: z.boolean().meta({ description: 'Whether all its units are held now.' }),
    reservation_id: z
      .uuid()
      .nullable()
      .meta({ description: "The user's hold on the product; null where there is none now." }),
    expires_at: timestamp.nullable(),
  })
  .meta({ id: 'CartItem' });
export type CartItemReply = z.infer<typeof CartItemReply>;

export const AddReply = z
  .strictObject({
    success: z.literal(true),
    message: z.string(),
    cart_item: CartItemReply,
    updated_stock: free,
  })
  .meta({ id: 'CartAdded' });
export type AddReply = z.infer<typeof AddReply>;

export const RemoveReply = z
  .strictObject({ success: z.literal(true), message: z.string(), updated_stock: free })
  .meta({ id: 'CartRemoved' });
export type RemoveReply = z.infer<typeof RemoveReply>;

export const CartReply = z
  .strictObject({
    user_id: z.string(),
    items: z.array(CartItemReply.extend({ available_stock: free })),
    total_quantity: z.int().min(0),
    total_price: moneyReply.meta({ description: 'Without shipping; a line without price is 0.' }),
    total_shipping: moneyReply,
  })
  .meta({ id: 'Cart' });
export type CartReply = z.infer<typeof CartReply>;
