/** The product's machine as it is drawn; a test holds it against `machines/product.ts`. */
export const PRODUCT_STATES = ['draft', 'available', 'rented_out'] as const;
export type ProductState = (typeof PRODUCT_STATES)[number];

export const PRODUCT_TRANSITIONS = [
  { from: 'draft', to: 'available', by: 'PUBLISH', label: 'publish' },
  { from: 'available', to: 'draft', by: 'UNPUBLISH', label: 'unpublish' },
  { from: 'available', to: 'rented_out', by: 'noneFree', label: 'last unit taken' },
  { from: 'rented_out', to: 'available', by: 'someFree', label: 'a unit comes free' },
  { from: 'rented_out', to: 'draft', by: 'UNPUBLISH', label: 'unpublish' },
] as const;
