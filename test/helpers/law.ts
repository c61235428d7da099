import { type AvailabilityStatus, type Counters, statusOf } from '../../machines/product.js';

/** What is wrong with a product's counters and status; empty where the law holds. */
export function breachesOf(
  product: Counters & { readonly availabilityStatus: AvailabilityStatus },
): string[] {
  const { quantity, quantityAvailable, quantityReserved, quantityRented } = product;
  const counters = { quantity, quantityAvailable, quantityReserved, quantityRented };
  const breaches = Object.entries(counters)
    .filter(([, count]) => !Number.isSafeInteger(count) || count < 0)
    .map(([name, count]) => `${name} is ${count}`);
  const sum = quantityAvailable + quantityReserved + quantityRented;
  if (sum !== quantity) breaches.push(`${quantity} units are owned, and ${sum} are accounted for`);
  const status = statusOf(product.availabilityStatus === 'draft', quantityAvailable);
  if (product.availabilityStatus !== status) {
    breaches.push(`${quantityAvailable} units are free, and it is ${product.availabilityStatus}`);
  }
  return breaches;
}

/** The four counters in the order owned, free, held, out. */
export function counters(
  quantity: number,
  quantityAvailable: number,
  quantityReserved: number,
  quantityRented: number,
): Counters {
  return { quantity, quantityAvailable, quantityReserved, quantityRented };
}
