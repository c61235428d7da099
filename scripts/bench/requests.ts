/** What the benchmark sends. */
export type RequestName =
  | 'rent'
  | 'availability'
  | 'reserve'
  | 'reserve-cart'
  | 'stock'
  | 'check'
  | 'cart-list';

/** Stands in a request for nine digits that no other request of its load has. */
export const UNIQUE = '#########';
/** Products in a cart. */
export const CART_LINES = 5;

/** A request as it is sent again and again, each time with another number for UNIQUE. */
export interface SentRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string | null;
}

interface RequestSpec {
  readonly title: string;
  /** rows that each answer of 2xx stands for */
  readonly makes: { readonly rentals: number; readonly holds: number };
  /** `product` is the first one, and another one at each call; `unique` begins a new cart's name */
  write(product: () => number, unique: string): SentRequest;
}

const NOTHING = { rentals: 0, holds: 0 };
const post = (path: string, body: object): SentRequest => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
});
const get = (path: string): SentRequest => ({ method: 'GET', path, body: null });

export const REQUESTS: Readonly<Record<RequestName, RequestSpec>> = {
  rent: {
    title: 'rentals',
    makes: { rentals: 1, holds: 0 },
    write: (product) => post('/api/rentals', { product_id: product(), user_id: 'bench' }),
  },
  availability: {
    title: 'availability',
    makes: NOTHING,
    write: (product) => get(`/api/products/${product()}/availability`),
  },
  reserve: {
    title: 'holds',
    makes: { rentals: 0, holds: 1 },
    write: (product, unique) =>
      post('/api/reservations', { cartId: unique, resellerProductId: product(), quantity: 1 }),
  },
  'reserve-cart': {
    title: 'carts',
    makes: { rentals: 0, holds: CART_LINES },
    write: (product, unique) => post('/api/inventory/reserve', cartOf(product, unique)),
  },
  stock: {
    title: 'stock',
    makes: NOTHING,
    write: (product) => get(`/api/reservations/stock/${product()}`),
  },
  check: {
    title: 'check',
    makes: NOTHING,
    write: (product) => get(`/api/inventory/check/${product()}?quantity=1`),
  },
  'cart-list': {
    title: 'cart',
    makes: NOTHING,
    write: (product) =>
      get(`/api/reservations/cart/${encodeURIComponent(`checkout:${preparedCart(product())}`)}`),
  },
};

/** The requests of a load, one for each product that it begins with. */
export function requestsOf(load: {
  readonly request: RequestName;
  readonly products: number;
  readonly prefix: string;
}): SentRequest[] {
  const { request, products, prefix } = load;
  return Array.from({ length: products }, (_, i) =>
    REQUESTS[request].write(distinctProducts(1 + i, products), `${prefix}${UNIQUE}`),
  );
}

/** The requests that fill the carts which `cart-list` reads: one for each product. */
export function cartsToPrepare(products: number): SentRequest[] {
  return Array.from({ length: products }, (_, i) =>
    post('/api/inventory/reserve', cartOf(distinctProducts(1 + i, products), preparedCart(1 + i))),
  );
}

const preparedCart = (product: number) => `prepared-${product}`;

function cartOf(product: () => number, reservationId: string) {
  const line = () => ({ variantId: product(), quantity: 1, reservationId });
  return { reservations: Array.from({ length: CART_LINES }, line) };
}

/** `first`, and then others from 1 to `products` at random, each once. */
function distinctProducts(first: number, products: number): () => number {
  const drawn = new Set<number>();
  return () => {
    let next = first;
    while (drawn.has(next) && drawn.size < products)
      next = 1 + Math.floor(Math.random() * products);
    drawn.add(next);
    return next;
  };
}
