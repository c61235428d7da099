/** What is measured, as data. */

/** A server under test; see `servers.ts`. */
export type ServerName = 'bare' | 'transaction' | 'service';

export const SERVER_TITLES: Readonly<Record<ServerName, string>> = {
  bare: 'bare Koa',
  transaction: 'one transaction per request',
  service: 'this service',
};

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly request: 'rent' | 'availability';
  /** how many products the requests are spread over, at random */
  readonly products: number;
  readonly connections: number;
  /** whether each request bears an `Idempotency-Key` of its own */
  readonly withKeys: boolean;
  /** in the order in which they take their turns; each round goes through all of them */
  readonly servers: readonly ServerName[];
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
];
