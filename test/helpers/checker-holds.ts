import type { Exchange } from './checker.js';
import type { LineRow, Tables } from './checker-tables.js';

/** I2: one active hold for each store, cart and product, and each row is itself in order. */
export function* holdsAreInOrder({ reservations, products }: Tables): Generator<string> {
  const active = new Map<string, string>();
  for (const row of reservations.values()) {
    const name = `reservation ${row.id} (${row.status})`;
    if ((row.active === 1) !== (row.status === 'reserved'))
      yield `${name} has active ${row.active}`;
    if ((row.confirmed_at !== null) !== (row.status === 'confirmed')) {
      yield `${name} has the wrong confirmed_at`;
    }
    // A cart may let go of one that expired: it has a released_at, after it was due.
    const mayHaveBeenLost = row.status === 'expired' || row.status === 'reserved';
    const isLetGo = row.released_at !== null && row.released_at >= row.expires_at;
    if ((row.released_at !== null) !== (mayHaveBeenLost ? isLetGo : row.status === 'released')) {
      yield `${name} has the wrong released_at`;
    }
    if ((row.rental_id !== null) !== (row.status === 'confirmed')) {
      yield `${name} has the rental ${row.rental_id}`;
    }
    if (products.get(row.product_id)?.store_id !== row.store_id) {
      yield `${name} belongs to a product of another store`;
    }
    if (row.status !== 'reserved') continue;
    const key = JSON.stringify([row.store_id, row.product_id, row.cart_id]);
    const other = active.get(key);
    if (other) yield `${name} and ${other} are the same cart's, on the same product`;
    active.set(key, row.id);
  }
}

/** Units of each product that active holds have between them. */
export function unitsHeld({ reservations }: Tables): Map<number, number> {
  const held = new Map<number, number>();
  for (const { status, product_id, quantity } of reservations.values()) {
    if (status === 'reserved') held.set(product_id, (held.get(product_id) ?? 0) + quantity);
  }
  return held;
}

/** What an answer said of a hold, in whatever words its surface has for it. */
interface ToldHold {
  readonly id: string;
  readonly cartId: string | null;
  readonly quantity: number | null;
  readonly status: string | null;
}

/** I3 and I6: what clients were told of holds is what the rows and the ledger say. */
export function* holdsAreAsTold(tables: Tables, exchange: Exchange): Generator<string> {
  const { path, answer } = exchange;
  const name = `${exchange.method} ${path} -> ${answer?.status}`;
  if (answer?.status === 409 && answer.body.code === 'reservation_expired') {
    yield* isLost(tables, exchange, name);
  }
  if (!answer || answer.status >= 300) return;
  for (const told of holdsToldIn(exchange)) {
    const row = tables.reservations.get(told.id);
    if (!row || row.store_id !== exchange.storeId) {
      yield `${name}: reservation ${told.id} is not in the database`;
      continue;
    }
    if (told.cartId !== null && told.cartId !== row.cart_id) {
      yield `${name}: reservation ${told.id} is in the cart ${row.cart_id}`;
    }
    const sizes = sizesOf(tables, told.id);
    if (told.quantity !== null && !sizes.has(told.quantity)) {
      yield `${name}: reservation ${told.id} never had ${told.quantity} units`;
    }
    const isOver = told.status === 'confirmed' || told.status === 'released';
    if (isOver && row.status !== told.status) {
      yield `${name}: reservation ${told.id} was told ${told.status} and is ${row.status}`;
    }
    // One that is due reads as expired before somebody writes it down.
    if (told.status === 'expired' && row.status !== 'expired' && row.status !== 'reserved') {
      yield `${name}: reservation ${told.id} was told expired and is ${row.status}`;
    }
  }
  for (const told of rentalsToldIn(exchange)) {
    const row = tables.rentals.get(told);
    if (!row) yield `${name}: rental ${told} is not in the database`;
  }
}

/** I6: whose hold was told to have expired does not have it any more, then or later. */
function* isLost(tables: Tables, { path }: Exchange, name: string): Generator<string> {
  const [, , surface, id = ''] = path.split('/');
  const row = surface === 'reservations' ? tables.reservations.get(id) : undefined;
  if (row && row.status !== 'expired' && row.status !== 'reserved') {
    yield `${name}: reservation ${id} was told expired and is ${row.status}`;
  }
}

function holdsToldIn({ path, answer }: Exchange): ToldHold[] {
  const body = answer?.body;
  const hold = (told: Record<string, unknown>): ToldHold => ({
    id: String(told['id']),
    cartId: 'cartId' in told ? String(told['cartId']) : null,
    quantity: typeof told['quantity'] === 'number' ? told['quantity'] : null,
    status: typeof told['status'] === 'string' ? told['status'] : null,
  });
  const named = (id: unknown, quantity: unknown) =>
    typeof id === 'string' ? [hold({ id, quantity })] : [];
  if (path === '/api/stock/reserve') return named(body.reservation_id, body.held_quantity);
  if (path === '/api/cart/add') return named(body.cart_item.reservation_id, null);
  if (path === '/api/inventory/reserve' || path.startsWith('/api/checkout/')) {
    return body.reservations.map(hold);
  }
  if (path.startsWith('/api/reservations/cart/')) return (body.reservations ?? []).map(hold);
  if (path.startsWith('/api/reservations') && body.id !== undefined) return [hold(body)];
  return [];
}

function rentalsToldIn({ path, answer }: Exchange): string[] {
  const body = answer?.body;
  if (path === '/api/inventory/confirm-sale') {
    return body.updates.map(({ rentalId }: { rentalId: string }) => rentalId);
  }
  if (path === '/api/stock/purchase' || /^\/api\/reservations\/cart\/.*\/confirm$/.test(path)) {
    return body.rentals.map(({ id }: { id: string }) => id);
  }
  return body?.rental ? [body.rental.id] : [];
}

/** How many units a hold had at one time or another. */
function sizesOf({ reservations, ledgers }: Tables, id: string): Set<number> {
  const lines = ledgers.get(reservations.get(id)?.product_id ?? 0) ?? [];
  const sizes = new Set<number>();
  let units = 0;
  for (const line of lines.filter(({ reservation_id }: LineRow) => reservation_id === id)) {
    // What is over keeps the units that it had in the end.
    if (line.quantity_reserved_delta + units > 0) units += line.quantity_reserved_delta;
    sizes.add(units);
  }
  return sizes;
}
