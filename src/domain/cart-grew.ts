/**
 * A cart holds more products than its command locked: it is to be sent again with these as well.
 * Nothing was decided.
 */
export class CartGrew extends Error {
  readonly productIds: readonly number[];

  constructor(productIds: readonly number[]) {
    super(`the cart holds products that were not locked: ${productIds.join(', ')}`);
    this.name = 'CartGrew';
    this.productIds = productIds;
  }
}
