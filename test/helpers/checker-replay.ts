import type { LineRow, ProductRow, ReservationRow, Tables } from './checker-tables.js';

/** I6 and I11: the ledger, carried out again by rules written down here a second time. */
export function* ledgersReplay(tables: Tables, edited: Set<number>): Generator<string> {
  for (const product of tables.products.values()) {
    if (edited.has(product.id)) continue;
    yield* ledgerReplays(product, tables);
  }
}

/** A product as it is after some of its lines. */
interface Replayed {
  owned: number;
  free: number;
  draft: boolean;
  /** units of each rental, by id */
  readonly out: Map<string, number>;
  /** rentals that are over */
  readonly over: Set<string>;
  /** units that each hold still has, by id */
  readonly held: Map<string, number>;
  /** the line that ended a hold, and the units that it had */
  readonly ended: Map<string, { readonly line: LineRow; readonly units: number }>;
}

function* ledgerReplays(product: ProductRow, tables: Tables): Generator<string> {
  const lines = tables.ledgers.get(product.id) ?? [];
  const turns = lines.filter(({ kind }) => kind === 'publish' || kind === 'unpublish');
  // Whether it was opened as a draft follows from the first time that it changed.
  const first = turns[0]?.kind;
  const endsAsDraft = product.availability_status === 'draft';
  const state: Replayed = {
    owned: 0,
    free: 0,
    draft: first === undefined ? endsAsDraft : first === 'publish',
    out: new Map(),
    over: new Set(),
    held: new Map(),
    ended: new Map(),
  };
  for (const line of lines) {
    const problem = replayLine(line, state, tables.rentals);
    if (problem) yield `line ${line.id} (${line.kind}) of product ${product.id}: ${problem}`;
    if (line.kind === 'publish') state.draft = false;
    if (line.kind === 'unpublish') state.draft = true;
    state.owned = line.quantity;
    state.free = line.quantity_available;
  }
  if (state.draft !== endsAsDraft) {
    yield `product ${product.id} should ${state.draft ? '' : 'not '}be a draft`;
  }
  for (const reservation of tables.reservations.values()) {
    if (reservation.product_id === product.id) yield* holdIsAsReplayed(reservation, state);
  }
}

const ENDINGS: Record<string, string> = {
  confirmed: 'confirm',
  released: 'release',
  expired: 'expire',
};

/** I6: a hold stands as its lines left it, and was confirmed or released before it was due. */
function* holdIsAsReplayed(row: ReservationRow, { held, ended }: Replayed): Generator<string> {
  const name = `reservation ${row.id} (${row.status})`;
  const end = ended.get(row.id);
  if (end?.line.kind !== ENDINGS[row.status]) {
    yield `${name} was ended by "${end?.line.kind ?? ''}"`;
  }
  const units = end?.units ?? held.get(row.id);
  if (units !== row.quantity) yield `${name} has ${row.quantity} units, its lines say ${units}`;
  if (!end) return;
  const { line } = end;
  if (line.kind === 'expire' && line.created_at < row.expires_at) {
    yield `${name} expired ${row.expires_at - line.created_at} ms before it was due`;
  }
  if (line.kind !== 'expire' && line.created_at >= row.expires_at) {
    yield `${name} was ended ${line.created_at - row.expires_at} ms after it was due`;
  }
}

function replayLine(line: LineRow, state: Replayed, rentals: Tables['rentals']): string | null {
  const changes = [
    line.quantity_delta,
    line.quantity_available_delta,
    line.quantity_reserved_delta,
    line.quantity_rented_delta,
  ];
  const moved = (...expected: number[]) =>
    expected.every((units, i) => units === changes[i])
      ? null
      : `it moved ${changes.join(', ')} and should have moved ${expected.join(', ')}`;
  const change = line.quantity - state.owned;
  switch (line.kind) {
    case 'open':
      return state.owned === 0 ? moved(line.quantity, line.quantity, 0, 0) : 'it was open already';
    case 'publish':
      return state.draft ? moved(0, 0, 0, 0) : 'it was published already';
    case 'unpublish':
      return state.draft ? 'it was a draft already' : moved(0, 0, 0, 0);
    case 'restock':
      return change > 0 ? moved(change, change, 0, 0) : 'it added nothing';
    case 'update':
    case 'adjust':
      return state.free + change < 0
        ? 'it takes units that are out or held'
        : moved(change, change, 0, 0);
    case 'rent':
      return (
        replayRent(line, state, rentals) ??
        moved(0, -line.quantity_rented_delta, 0, line.quantity_rented_delta)
      );
    case 'cancel':
    case 'complete': {
      const units = state.out.get(line.rental_id ?? '');
      if (units === undefined || line.rental_id === null) return 'its rental was not out';
      if (state.over.has(line.rental_id)) return 'its rental was over already';
      state.over.add(line.rental_id);
      return moved(0, units, 0, -units);
    }
    case 'reserve':
    case 'change_hold':
    case 'extend':
    case 'confirm':
    case 'release':
    case 'expire':
      return replayHold(line, state, rentals, moved);
    case 'sync':
      return null;
    default:
      return 'there is no such kind of line';
  }
}

function replayRent(line: LineRow, state: Replayed, rentals: Tables['rentals']): string | null {
  const units = line.quantity_rented_delta;
  if (state.draft) return 'a draft was rented';
  if (units > state.free) return `${units} were rented of ${state.free}`;
  return goesOut(line, state, rentals);
}

/** Units go out on a rental: all at once, or those of a hold first and free ones after them. */
function goesOut(
  line: LineRow,
  { out, over }: Replayed,
  rentals: Tables['rentals'],
): string | null {
  const rental = rentals.get(line.rental_id ?? '');
  if (!rental) return 'it has no rental';
  if (over.has(rental.id)) return 'the rental was over already';
  const units = (out.get(rental.id) ?? 0) + line.quantity_rented_delta;
  if (line.quantity_rented_delta < 1) return 'it rents nothing';
  if (units > rental.quantity)
    return `its rental has ${rental.quantity} units, and ${units} went out`;
  out.set(rental.id, units);
  return null;
}

function replayHold(
  line: LineRow,
  state: Replayed,
  rentals: Tables['rentals'],
  moved: (...expected: number[]) => string | null,
): string | null {
  const id = line.reservation_id;
  if (id === null) return 'it has no reservation';
  if (state.ended.has(id)) return `its hold was ended by "${state.ended.get(id)?.line.kind}"`;
  const held = state.held.get(id);
  const growth = line.quantity_reserved_delta;
  if (line.kind === 'reserve' ? held !== undefined : held === undefined) {
    return held === undefined ? 'nothing was held' : 'its hold was there already';
  }
  const end = (units: number) => {
    state.held.delete(id);
    state.ended.set(id, { line, units });
  };
  switch (line.kind) {
    case 'reserve':
    case 'change_hold': {
      const units = (held ?? 0) + growth;
      if (growth > 0 && state.draft) return 'units of a draft were held';
      if (growth > state.free) return `${growth} were held of ${state.free}`;
      if (growth === 0 || units < 1) return `it leaves ${units} units held`;
      state.held.set(id, units);
      return moved(0, -growth, growth, 0);
    }
    case 'confirm': {
      const units = line.quantity_rented_delta;
      if (units > (held ?? 0)) return `${units} were confirmed of ${held}`;
      if (units === held) end(units);
      else state.held.set(id, (held ?? 0) - units);
      return goesOut(line, state, rentals) ?? moved(0, 0, -units, units);
    }
    case 'extend':
      return moved(0, 0, 0, 0);
    default:
      end(held ?? 0);
      return moved(0, held ?? 0, -(held ?? 0), 0);
  }
}
