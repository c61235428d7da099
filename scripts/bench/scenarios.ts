import { REQUESTS, type RequestName } from './requests.js';

/** What is measured, as data. */

/** A program under test; see `servers.ts`. */
export type ProgramName = 'bare' | 'transaction' | 'service';

/** The `reference` is this service as well, asked for what the scenario is compared with. */
export type ServerName = ProgramName | 'reference';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly request: RequestName;
  /** what the reference is asked for, where there is one */
  readonly reference?: RequestName;
  /** whether there are carts that hold something, before anything is measured */
  readonly withCarts?: boolean;
  /** how many products the requests are spread over, at random */
  readonly products: number;
  readonly connections: number;
  /** whether each request bears an `Idempotency-Key` of its own */
  readonly withKeys: boolean;
  /** in the order in which they take their turns; each round goes through all of them */
  readonly servers: readonly ServerName[];
}

export function serverTitle(name: ServerName, { reference }: Scenario): string {
  switch (name) {
    case 'bare':
      return 'bare Koa';
    case 'transaction':
      return 'one transaction per request';
    case 'reference':
      return `this service: ${reference === undefined ? '' : REQUESTS[reference].title}`;
    case 'service':
      return 'this service';
  }
}

const ALL: readonly ServerName[] = ['bare', 'transaction', 'service'];
/** One transaction per request knows no keys, so it is not asked to handle any. */
const WITH_KEYS: readonly ServerName[] = ['bare', 'service'];

function rentals(
  name: string,
  title: string,
  where: { products: number; connections: number; withKeys?: boolean },
): Scenario {
  const withKeys = where.withKeys ?? false;
  const servers = withKeys ? WITH_KEYS : ALL;
  return { name, title, request: 'rent', ...where, withKeys, servers };
}

/** Holds beside rentals of the same products. */
function holds(
  name: string,
  title: string,
  what: { request: RequestName; products: number },
): Scenario {
  const servers = ['reference', 'service'] as const;
  return { name, title, reference: 'rent', ...what, connections: 64, withKeys: false, servers };
}

/** A read of holds beside that of availability; the products are held in carts, and free as well. */
function holdReads(name: string, request: RequestName, what: string): Scenario {
  return {
    name,
    title: `${what}, 1,000 products, 64 connections`,
    request,
    reference: 'availability',
    withCarts: true,
    products: 1_000,
    connections: 64,
    withKeys: false,
    servers: ['reference', 'service'],
  };
}

export const SCENARIOS: readonly Scenario[] = [
  rentals('hot', 'rentals, one hot product, 64 connections', { products: 1, connections: 64 }),
  rentals('spread', 'rentals, 1,000 products, 64 connections', {
    products: 1_000,
    connections: 64,
  }),
  rentals('hot-256', 'rentals, one hot product, 256 connections', {
    products: 1,
    connections: 256,
  }),
  rentals('hot-keys', 'rentals with keys, one hot product, 64 connections', {
    products: 1,
    connections: 64,
    withKeys: true,
  }),
  rentals('spread-keys', 'rentals with keys, 1,000 products, 64 connections', {
    products: 1_000,
    connections: 64,
    withKeys: true,
  }),
  {
    name: 'read',
    title: 'reading availability, 1,000 products, 64 connections',
    request: 'availability',
    products: 1_000,
    connections: 64,
    withKeys: false,
    servers: ALL,
  },
  rentals('alone', 'rentals, one client alone', { products: 1, connections: 1 }),
  holds('reserve-hot', 'holds, one hot product, 64 connections', {
    request: 'reserve',
    products: 1,
  }),
  holds('reserve-spread', 'holds, 1,000 products, 64 connections', {
    request: 'reserve',
    products: 1_000,
  }),
  holds('cart-5', 'carts of five products of 1,000, 64 connections', {
    request: 'reserve-cart',
    products: 1_000,
  }),
  holdReads('stock', 'stock', 'reading stock'),
  holdReads('check', 'check', 'checking a quantity'),
  holdReads('cart-list', 'cart-list', 'listing a cart of five'),
];
