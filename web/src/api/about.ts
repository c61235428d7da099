import type { LiveEvent } from './types';

/** Whether an event is about a product. */
export const isAbout = (id: number) => {
  const names = ['variantId', 'productId', 'resellerProductId'];
  return ({ data }: LiveEvent) => names.some((name) => data[name] === id);
};
