import type { Instant } from './instant.js';

/** A line of a user's cart. It promises nothing by itself: the hold beside it does. */
export interface CartItem {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly userId: string;
  readonly productId: number;
  /** units */
  readonly quantity: number;
  /** hundredths, for one unit; null where none was given */
  readonly priceAmount: number | null;
  /** hundredths, for the line; null where none was given */
  readonly shippingAmount: number | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}
