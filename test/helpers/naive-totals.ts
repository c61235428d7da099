import fc from 'fast-check';
import type { Counters } from '../../machines/product.js';
import type { MovementKind } from '../../src/domain/movement.js';

/** Shares no code with what it checks: walks every line for each time that is asked about. */

/** A line as a random test wishes it: units are cut down to what there is. */
export interface LedgerStep {
  readonly kind: MovementKind;
  readonly units: number;
  /** ahead of the line: a share of the time that is left, from 0 to 1 */
  readonly gap: number;
}

export interface Line {
  readonly id: number;
  readonly storeId: number;
  readonly productId: number;
  readonly kind: MovementKind;
  readonly delta: Counters;
  readonly after: Counters;
  readonly rentalId: string | null;
  readonly createdAt: number;
}

export const stepArbitrary: fc.Arbitrary<LedgerStep> = fc.record({
  kind: fc.constantFrom(
    ...(['publish', 'unpublish', 'update', 'restock', 'adjust', 'rent', 'rent', 'cancel'] as const),
    ...(['complete', 'complete', 'reserve', 'reserve', 'change_hold', 'extend'] as const),
    ...(['confirm', 'release', 'expire', 'sync'] as const),
  ),
  units: fc.integer({ min: 1, max: 4 }),
  gap: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 0.3, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
});

let lines = 0;

/** A ledger that keeps the law, of a product published when it was made, from its opening on, with times that lie in [from, to). */
export function ledgerOf(
  steps: readonly LedgerStep[],
  {
    from,
    to,
    productId = 1,
    storeId = 1,
  }: { from: number; to: number; productId?: number; storeId?: number },
): Line[] {
  const opening: LedgerStep = { kind: 'open', units: 3, gap: 0 };
  const all = steps[0]?.kind === 'open' ? steps : [opening, ...steps];
  let after: Counters = {
    quantity: 0,
    quantityAvailable: 0,
    quantityReserved: 0,
    quantityRented: 0,
  };
  let at = from;
  let published = true;
  return all.map(({ kind: wished, units, gap }) => {
    // Publishing what is published writes no line.
    const kind = wished === (published ? 'publish' : 'unpublish') ? 'extend' : wished;
    if (kind === 'publish' || kind === 'unpublish') published = kind === 'publish';
    at = Math.floor(at + gap * (to - 1 - at));
    const delta = deltaOf(kind, units, after);
    after = {
      quantity: after.quantity + delta.quantity,
      quantityAvailable: after.quantityAvailable + delta.quantityAvailable,
      quantityReserved: after.quantityReserved + delta.quantityReserved,
      quantityRented: after.quantityRented + delta.quantityRented,
    };
    const id = ++lines;
    const rentalId = kind === 'rent' || kind === 'confirm' ? `rental-${id}` : null;
    return { id, storeId, productId, kind, delta, after, rentalId, createdAt: at };
  });
}

function deltaOf(kind: MovementKind, units: number, now: Counters): Counters {
  const move = (free: number, held: number, out: number): Counters => ({
    quantity: free + held + out,
    quantityAvailable: free,
    quantityReserved: held,
    quantityRented: out,
  });
  const free = Math.min(units, now.quantityAvailable);
  const held = Math.min(units, now.quantityReserved);
  const out = Math.min(units, now.quantityRented);
  switch (kind) {
    case 'open':
    case 'restock':
      return move(units, 0, 0);
    case 'update':
      return units % 2 === 0 ? move(units, 0, 0) : move(0, 0, 0);
    case 'adjust':
    case 'sync':
      return units % 2 === 0 ? move(units, 0, 0) : move(-free, 0, 0);
    case 'rent':
      return move(-free, 0, free);
    case 'cancel':
    case 'complete':
      return move(out, 0, -out);
    case 'reserve':
      return move(-free, free, 0);
    case 'change_hold':
      return units % 2 === 0 ? move(-free, free, 0) : move(held, -held, 0);
    case 'confirm':
      return move(0, -held, held);
    case 'release':
    case 'expire':
      return move(held, -held, 0);
    case 'publish':
    case 'unpublish':
    case 'extend':
      return move(0, 0, 0);
  }
}

/** Everything that a ledger says before `at`, by looking at each line with the one that follows it. */
export function naiveTotals(
  ledger: readonly Line[],
  at: number,
  rules: { lowAt: number; openedPublished: boolean },
) {
  const past = ledger.filter((line) => line.createdAt < at);
  const isPublishedAfter = (index: number) => {
    const told = past.slice(0, index + 1).findLast(({ kind }) => /publish/.test(kind));
    return told ? told.kind === 'publish' : rules.openedPublished;
  };
  const levelsAfter = (index: number) => {
    const line = past[index];
    const published = line ? isPublishedAfter(index) : false;
    return {
      quantity: line?.after.quantity ?? 0,
      quantityAvailable: line?.after.quantityAvailable ?? 0,
      quantityReserved: line?.after.quantityReserved ?? 0,
      quantityRented: line?.after.quantityRented ?? 0,
      published: published ? 1 : 0,
      outOfStock: published && line?.after.quantityAvailable === 0 ? 1 : 0,
    };
  };
  const levels = levelsAfter(past.length - 1);
  const integrals = { ...levelsAfter(-1) };
  past.forEach((line, i) => {
    const until = past[i + 1]?.createdAt ?? at;
    for (const [name, units] of Object.entries(levelsAfter(i))) {
      integrals[name as keyof typeof integrals] += units * (until - line.createdAt);
    }
  });
  const isLow = (i: number) => {
    const { published, quantityAvailable } = levelsAfter(i);
    return published === 1 && quantityAvailable <= rules.lowAt;
  };
  const notices = past.flatMap((line, i) =>
    isLow(i) && (i === 0 || !isLow(i - 1)) ? [line.createdAt] : [],
  );
  const restocks = past.filter(({ kind }) => kind === 'restock');
  // Each restock answers the first notice since the restock before it.
  const waits = restocks.flatMap((restock, i) => {
    const index = past.indexOf(restock);
    const before = i === 0 ? -1 : past.indexOf(restocks[i - 1] ?? restock);
    const first = past.findIndex(
      (_, j) => j > before && j < index && isLow(j) && (j === 0 || !isLow(j - 1)),
    );
    return first === -1 ? [] : [restock.createdAt - (past[first]?.createdAt ?? 0)];
  });
  const count = (...kinds: MovementKind[]) =>
    past.filter(({ kind }) => kinds.includes(kind)).length;
  const units = (of: keyof Counters, sign: 1 | -1, ...kinds: MovementKind[]) =>
    past
      .filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { delta }) => sum + Math.max(0, sign * delta[of]), 0);
  return {
    begunAt: past[0]?.createdAt ?? Number.POSITIVE_INFINITY,
    levels,
    integrals,
    flows: {
      rentals: count('rent', 'confirm'),
      rentedUnits: units('quantityRented', 1, 'rent', 'confirm'),
      returns: count('complete'),
      returnedUnits: units('quantityRented', -1, 'complete'),
      cancellations: count('cancel'),
      cancelledUnits: units('quantityRented', -1, 'cancel'),
      holds: count('reserve'),
      heldUnits: units('quantityReserved', 1, 'reserve', 'change_hold'),
      conversions: count('confirm'),
      convertedUnits: units('quantityReserved', -1, 'confirm'),
      releases: count('release'),
      releasedUnits: units('quantityReserved', -1, 'release', 'change_hold'),
      expiries: count('expire'),
      expiredUnits: units('quantityReserved', -1, 'expire'),
      restocks: restocks.length,
      restockedUnits: units('quantity', 1, 'restock'),
      corrections: past.filter(
        ({ kind, delta }) => ['adjust', 'update'].includes(kind) && delta.quantity !== 0,
      ).length,
      foundUnits: units('quantity', 1, 'adjust', 'update'),
      missingUnits: units('quantity', -1, 'adjust', 'update'),
      repairs: count('sync'),
      lowNotices: notices.length,
      lowAnswers: waits.length,
      lowWaitMs: waits.reduce((sum, ms) => sum + ms, 0),
    },
  };
}
