import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createActor, type SnapshotFrom, transition } from 'xstate';
import {
  adjacencyMapToArray,
  getAdjacencyMap,
  getShortestPaths,
  getSimplePaths,
} from 'xstate/graph';
import {
  AVAILABILITY_STATUSES,
  type AvailabilityStatus,
  type Counters,
  type ProductEvent,
  type ProductRefusal,
  productMachine,
  QUANTITY_MAX,
  statusOf,
  takesRental,
} from '../../machines/product.js';
import { countersOf } from '../../src/domain/product.js';
import { breachesOf, counters } from '../helpers/law.js';

type Snapshot = SnapshotFrom<typeof productMachine>;
type Code = ProductRefusal['code'];

describe('what an event makes of a product', () => {
  const D = 'draft';
  const A = 'available';
  const O = 'rented_out';
  const rent = (units: number): ProductEvent => ({ type: 'RENT', units });
  const cancel = (units: number): ProductEvent => ({ type: 'CANCEL', units });
  const complete = (units: number): ProductEvent => ({ type: 'COMPLETE', units });
  const own = (quantity: number): ProductEvent => ({ type: 'SET_QUANTITY', quantity });
  const sync = (to: Counters): ProductEvent => ({ type: 'SYNC', counters: to });
  const hold = (units: number): ProductEvent => ({ type: 'HOLD', units });
  const confirm = (units: number): ProductEvent => ({ type: 'CONFIRM', units });
  const release = (units: number): ProductEvent => ({ type: 'RELEASE', units });
  const expire = (units: number): ProductEvent => ({ type: 'EXPIRE', units });
  const restock = (units: number): ProductEvent => ({ type: 'RESTOCK', units });
  const count = (onHand: number): ProductEvent => ({ type: 'COUNT', onHand });
  const publish: ProductEvent = { type: 'PUBLISH' };
  const unpublish: ProductEvent = { type: 'UNPUBLISH' };

  type Row = [string, AvailabilityStatus, Counters, ProductEvent, AvailabilityStatus, Counters];
  const accepted: Row[] = [
    ['publishes what has free units', D, counters(2, 2, 0, 0), publish, A, counters(2, 2, 0, 0)],
    ['publishes what owns nothing', D, counters(0, 0, 0, 0), publish, O, counters(0, 0, 0, 0)],
    ['publishes what is all out', D, counters(2, 0, 0, 2), publish, O, counters(2, 0, 0, 2)],
    ['publishes twice', A, counters(1, 1, 0, 0), publish, A, counters(1, 1, 0, 0)],
    ['publishes twice, all out', O, counters(1, 0, 0, 1), publish, O, counters(1, 0, 0, 1)],
    ['unpublishes', A, counters(3, 1, 1, 1), unpublish, D, counters(3, 1, 1, 1)],
    ['unpublishes what is all out', O, counters(1, 0, 0, 1), unpublish, D, counters(1, 0, 0, 1)],
    ['unpublishes twice', D, counters(1, 1, 0, 0), unpublish, D, counters(1, 1, 0, 0)],
    ['rents some of the free units', A, counters(3, 3, 0, 0), rent(2), A, counters(3, 1, 0, 2)],
    ['rents the last free unit', A, counters(3, 1, 1, 1), rent(1), O, counters(3, 0, 1, 2)],
    ['takes a return into all out', O, counters(2, 0, 0, 2), complete(1), A, counters(2, 1, 0, 1)],
    ['takes a cancellation', A, counters(3, 1, 0, 2), cancel(2), A, counters(3, 3, 0, 0)],
    ['takes a return into a draft', D, counters(2, 0, 0, 2), complete(2), D, counters(2, 2, 0, 0)],
    ['takes a cancellation as draft', D, counters(2, 0, 0, 2), cancel(1), D, counters(2, 1, 0, 1)],
    ['buys units', O, counters(1, 0, 0, 1), own(3), A, counters(3, 2, 0, 1)],
    ['gives up all free units', A, counters(5, 3, 1, 1), own(2), O, counters(2, 0, 1, 1)],
    ['holds some of the free units', A, counters(3, 3, 0, 0), hold(2), A, counters(3, 1, 2, 0)],
    ['holds the last free unit', A, counters(3, 1, 1, 1), hold(1), O, counters(3, 0, 2, 1)],
    ['rents what was held', A, counters(4, 1, 2, 1), confirm(2), A, counters(4, 1, 0, 3)],
    ['rents what a draft held', D, counters(2, 0, 2, 0), confirm(1), D, counters(2, 0, 1, 1)],
    ['stays all out when it rents', O, counters(2, 0, 2, 0), confirm(2), O, counters(2, 0, 0, 2)],
    ['takes a release into all out', O, counters(2, 0, 1, 1), release(1), A, counters(2, 1, 0, 1)],
    ['takes a release as draft', D, counters(2, 0, 2, 0), release(1), D, counters(2, 1, 1, 0)],
    ['takes an expiry into all out', O, counters(2, 0, 2, 0), expire(2), A, counters(2, 2, 0, 0)],
    ['takes an expiry as draft', D, counters(2, 0, 2, 0), expire(2), D, counters(2, 2, 0, 0)],
    ['is restocked', O, counters(1, 0, 1, 0), restock(2), A, counters(3, 2, 1, 0)],
    [
      'is restocked to the most it may own',
      A,
      counters(QUANTITY_MAX - 1, QUANTITY_MAX - 1, 0, 0),
      restock(1),
      A,
      counters(QUANTITY_MAX, QUANTITY_MAX, 0, 0),
    ],
    ['is restocked as draft', D, counters(0, 0, 0, 0), restock(1), D, counters(1, 1, 0, 0)],
    [
      'counts what is held, and no more',
      A,
      counters(6, 2, 3, 1),
      count(3),
      O,
      counters(4, 0, 3, 1),
    ],
    ['counts more on hand', O, counters(2, 0, 1, 1), count(4), A, counters(5, 3, 1, 1)],
    ['counts as many', A, counters(6, 2, 3, 1), count(5), A, counters(6, 2, 3, 1)],
    ['counts a draft', D, counters(2, 1, 0, 1), count(0), D, counters(1, 0, 0, 1)],
    ['keeps as many', A, counters(5, 3, 1, 1), own(5), A, counters(5, 3, 1, 1)],
    ['buys units for a draft', D, counters(0, 0, 0, 0), own(3), D, counters(3, 3, 0, 0)],
    [
      'is synced to none free',
      A,
      counters(2, 2, 0, 0),
      sync(counters(2, 0, 1, 1)),
      O,
      counters(2, 0, 1, 1),
    ],
    [
      'is synced to some free',
      O,
      counters(1, 0, 0, 1),
      sync(counters(1, 1, 0, 0)),
      A,
      counters(1, 1, 0, 0),
    ],
    [
      'stays a draft when synced',
      D,
      counters(1, 1, 0, 0),
      sync(counters(2, 1, 0, 1)),
      D,
      counters(2, 1, 0, 1),
    ],
  ];
  it.each(accepted)('%s', (_, value, before, event, nextValue, after) => {
    const [next] = transition(productMachine, snapshotOf(value, before), event);
    expect(next.value).toBe(nextValue);
    expect(next.context).toEqual({ ...after, refusal: null });
  });

  type Refused = [string, AvailabilityStatus, Counters, ProductEvent, ProductRefusal];
  const refused: Refused[] = [
    [
      'a rental of a draft',
      D,
      counters(2, 2, 0, 0),
      rent(1),
      { code: 'not_available', requested: 1 },
    ],
    [
      'a rental where nothing is free',
      O,
      counters(2, 0, 1, 1),
      rent(1),
      { code: 'out_of_stock', available: 0, requested: 1 },
    ],
    [
      'a rental of more than is free',
      A,
      counters(3, 2, 0, 1),
      rent(3),
      { code: 'insufficient_stock', available: 2, requested: 3 },
    ],
    [
      'owning less than is held and out',
      A,
      counters(5, 2, 1, 2),
      own(2),
      { code: 'quantity_below_committed', committed: 3, requested: 2 },
    ],
    [
      'owning less than is out, as a draft',
      D,
      counters(2, 0, 0, 2),
      own(1),
      { code: 'quantity_below_committed', committed: 2, requested: 1 },
    ],
    [
      'a return of more than is out',
      A,
      counters(3, 2, 0, 1),
      complete(2),
      { code: 'exceeds_rented', rented: 1, requested: 2 },
    ],
    [
      'a cancellation of more than is out',
      D,
      counters(3, 3, 0, 0),
      cancel(1),
      { code: 'exceeds_rented', rented: 0, requested: 1 },
    ],
  ];
  const more: Refused[] = [
    [
      'a hold on a draft',
      D,
      counters(2, 2, 0, 0),
      hold(1),
      { code: 'not_available', requested: 1 },
    ],
    [
      'a hold where nothing is free',
      O,
      counters(2, 0, 1, 1),
      hold(1),
      { code: 'out_of_stock', available: 0, requested: 1 },
    ],
    [
      'a hold on more than is free',
      A,
      counters(3, 2, 0, 1),
      hold(3),
      { code: 'insufficient_stock', available: 2, requested: 3 },
    ],
    ...([confirm, release, expire] as const).map(
      (event): Refused => [
        `a ${event(2).type} of more than is held`,
        A,
        counters(3, 2, 1, 0),
        event(2),
        { code: 'exceeds_reserved', reserved: 1, requested: 2 },
      ],
    ),
    [
      'owning more than may be owned, by a restock',
      A,
      counters(QUANTITY_MAX, 1, 0, QUANTITY_MAX - 1),
      restock(1),
      { code: 'exceeds_owned_max', quantity: QUANTITY_MAX, requested: 1 },
    ],
    [
      'owning more than may be owned, by a count',
      A,
      counters(5, 4, 0, 1),
      count(QUANTITY_MAX),
      { code: 'exceeds_owned_max', quantity: 5, requested: QUANTITY_MAX },
    ],
    [
      'counting less than is held',
      A,
      counters(6, 2, 3, 1),
      count(2),
      { code: 'quantity_below_committed', committed: 3, requested: 2 },
    ],
  ];
  it.each([...refused, ...more])('refuses %s', (_, value, before, event, refusal) => {
    const [next] = transition(productMachine, snapshotOf(value, before), event);
    expect(next.value).toBe(value);
    expect(next.context).toEqual({ ...before, refusal });
  });

  it('forgets a refusal with the next event that is accepted', () => {
    const actor = createActor(productMachine, { snapshot: snapshotOf(A, counters(1, 1, 0, 0)) });
    actor.start();
    actor.send(rent(2));
    expect(actor.getSnapshot().context.refusal).not.toBeNull();
    actor.send(publish);
    expect(actor.getSnapshot().context.refusal).toBeNull();
  });
});

describe('the paths of a product', () => {
  // Payloads on both sides of every guard, and few enough units that all states can be visited.
  const events: ProductEvent[] = [
    { type: 'PUBLISH' },
    { type: 'UNPUBLISH' },
    { type: 'RENT', units: 1 },
    { type: 'RENT', units: 2 },
    { type: 'CANCEL', units: 1 },
    { type: 'COMPLETE', units: 2 },
    { type: 'SET_QUANTITY', quantity: 0 },
    { type: 'SET_QUANTITY', quantity: 3 },
    { type: 'HOLD', units: 1 },
    { type: 'CONFIRM', units: 1 },
    { type: 'RELEASE', units: 1 },
    { type: 'EXPIRE', units: 2 },
    { type: 'COUNT', onHand: 0 },
    { type: 'SYNC', counters: counters(3, 1, 1, 1) },
  ];
  // The last refusal is no part of where a product is: two that differ in it alone are one state.
  const serializeState = ({ value, context }: Snapshot) =>
    JSON.stringify([value, countersOf(context)]);
  const LIMIT = 2000;

  it('answers every event in every state that can be reached', () => {
    const map = getAdjacencyMap(productMachine, { events, limit: LIMIT, serializeState });
    const steps = adjacencyMapToArray(map);
    const states = new Set(steps.map(({ state }) => serializeState(state)));
    expect(steps).toHaveLength(states.size * events.length);
    expect(new Set(steps.map(({ state }) => state.value))).toEqual(new Set(AVAILABILITY_STATUSES));
    const codes = new Set<Code | null>();
    for (const { state, event, nextState } of steps) {
      checkStep(state, event, nextState);
      codes.add(nextState.context.refusal?.code ?? null);
    }
    expect(codes).toEqual(
      new Set([
        null,
        'not_available',
        'out_of_stock',
        'insufficient_stock',
        'quantity_below_committed',
        'exceeds_rented',
        'exceeds_reserved',
      ]),
    );
  });

  it('keeps the law along the shortest path to every state', () => {
    const paths = getShortestPaths(productMachine, { events, limit: LIMIT, serializeState });
    const states = getAdjacencyMap(productMachine, { events, limit: LIMIT, serializeState });
    expect(paths).toHaveLength(Object.keys(states).length);
    for (const path of paths) walk(path.steps);
  });

  it('keeps the law along every path that visits no state twice', () => {
    // With holds there are more such paths than can be walked; any sequence, below, has those.
    const isLeftOut = new Set(['SYNC', 'HOLD', 'CONFIRM', 'RELEASE', 'EXPIRE', 'COUNT']);
    const some = events.filter(({ type }) => !isLeftOut.has(type));
    const options = { events: some, limit: LIMIT, serializeState };
    const paths = getSimplePaths(productMachine, options);
    expect(paths.length).toBeGreaterThan(100);
    for (const path of paths) walk(path.steps);
  });

  /** Sends a path's events to a live actor, and checks each step of it. */
  function walk(steps: readonly { event: ProductEvent; state: Snapshot }[]): void {
    const [start] = steps;
    if (!start) return;
    const actor = createActor(productMachine, { snapshot: start.state }).start();
    for (const { event, state } of steps.slice(1)) {
      const before = actor.getSnapshot();
      actor.send(event);
      checkStep(before, event, actor.getSnapshot());
      expect(serializeState(actor.getSnapshot())).toBe(serializeState(state));
    }
  }
});

describe('any sequence of events', () => {
  const unitsOf = fc.integer({ min: 1, max: 6 });
  const lawfulCounters = fc
    .tuple(fc.nat({ max: 4 }), fc.nat({ max: 4 }), fc.nat({ max: 4 }))
    .map(([free, held, out]) => counters(free + held + out, free, held, out));
  const event: fc.Arbitrary<ProductEvent> = fc.oneof(
    fc.constant<ProductEvent>({ type: 'PUBLISH' }),
    fc.constant<ProductEvent>({ type: 'UNPUBLISH' }),
    fc.record({ type: fc.constantFrom('RENT', 'CANCEL', 'COMPLETE'), units: unitsOf }),
    fc.record({ type: fc.constantFrom('HOLD', 'CONFIRM', 'RELEASE', 'EXPIRE'), units: unitsOf }),
    fc.record({
      type: fc.constant('RESTOCK'),
      units: fc.oneof(unitsOf, fc.constant(QUANTITY_MAX)),
    }),
    fc.record({ type: fc.constant('COUNT'), onHand: fc.nat({ max: 9 }) }),
    fc.record({ type: fc.constant('SET_QUANTITY'), quantity: fc.nat({ max: 9 }) }),
    fc.record({ type: fc.constant('SYNC'), counters: lawfulCounters }),
  );
  const start = fc
    .tuple(fc.boolean(), lawfulCounters)
    .map(([draft, at]) => snapshotOf(statusOf(draft, at.quantityAvailable), at));
  const sequence = fc.array(event, { maxLength: 40 });

  it('keeps the law after each, and tells the right reason of a refusal', () => {
    fc.assert(
      fc.property(start, sequence, (from, events) => {
        let snapshot = from;
        for (const event of events) {
          const [next] = transition(productMachine, snapshot, event);
          checkStep(snapshot, event, next);
          snapshot = next;
        }
      }),
    );
  });

  it('ends the same on a live actor as in pure transitions, and each time it is replayed', () => {
    fc.assert(
      fc.property(start, sequence, (from, events) => {
        const live = () => {
          const actor = createActor(productMachine, { snapshot: from }).start();
          return events.map((event) => {
            actor.send(event);
            const { value, context } = actor.getSnapshot();
            return { value, context };
          });
        };
        let snapshot = from;
        const pure = events.map((event) => {
          [snapshot] = transition(productMachine, snapshot, event);
          return { value: snapshot.value, context: snapshot.context };
        });
        expect(live()).toEqual(pure);
        expect(live()).toEqual(live());
      }),
    );
  });

  it('ends the same without the events that are refused', () => {
    fc.assert(
      fc.property(start, sequence, (from, events) => {
        let all = from;
        const accepted = events.filter((event) => {
          [all] = transition(productMachine, all, event);
          return all.context.refusal === null;
        });
        let some = from;
        for (const event of accepted) [some] = transition(productMachine, some, event);
        expect(some.value).toBe(all.value);
        expect(countersOf(some.context)).toEqual(countersOf(all.context));
      }),
    );
  });
});

function snapshotOf(value: AvailabilityStatus, at: Counters): Snapshot {
  return productMachine.resolveState({ value, context: { ...at, refusal: null } });
}

/** Checks one step: the law, the reason of a refusal, that it left all as it was, and who moved. */
function checkStep(before: Snapshot, event: ProductEvent, after: Snapshot): void {
  const reached = { ...countersOf(after.context), availabilityStatus: after.value };
  expect(breachesOf(reached)).toEqual([]);
  expect(after.context.refusal?.code ?? null).toBe(expectedRefusal(before, event));
  if (after.context.refusal) {
    expect(reached).toEqual({ ...countersOf(before.context), availabilityStatus: before.value });
    return;
  }
  expect(countersOf(after.context)).toEqual(expectedCounters(before.context, event));
  expect(after.value === 'draft').toBe(isDraftAfter(before, event));
}

/** The rules in plain words, to hold the machine against. */
function expectedRefusal({ value, context }: Snapshot, event: ProductEvent): Code | null {
  switch (event.type) {
    case 'RENT':
    case 'HOLD':
      if (value === 'draft') return 'not_available';
      if (context.quantityAvailable === 0) return 'out_of_stock';
      return event.units > context.quantityAvailable ? 'insufficient_stock' : null;
    case 'CANCEL':
    case 'COMPLETE':
      return event.units > context.quantityRented ? 'exceeds_rented' : null;
    case 'CONFIRM':
    case 'RELEASE':
    case 'EXPIRE':
      return event.units > context.quantityReserved ? 'exceeds_reserved' : null;
    case 'RESTOCK':
      return context.quantity + event.units > QUANTITY_MAX ? 'exceeds_owned_max' : null;
    case 'COUNT':
      return event.onHand < context.quantityReserved ? 'quantity_below_committed' : null;
    case 'SET_QUANTITY': {
      const committed = context.quantityReserved + context.quantityRented;
      return event.quantity < committed ? 'quantity_below_committed' : null;
    }
    default:
      return null;
  }
}

function expectedCounters(before: Counters, event: ProductEvent): Counters {
  const { quantity, quantityAvailable: free, quantityReserved: held, quantityRented: out } = before;
  switch (event.type) {
    case 'RENT':
      return counters(quantity, free - event.units, held, out + event.units);
    case 'CANCEL':
    case 'COMPLETE':
      return counters(quantity, free + event.units, held, out - event.units);
    case 'HOLD':
      return counters(quantity, free - event.units, held + event.units, out);
    case 'CONFIRM':
      return counters(quantity, free, held - event.units, out + event.units);
    case 'RELEASE':
    case 'EXPIRE':
      return counters(quantity, free + event.units, held - event.units, out);
    case 'RESTOCK':
      return counters(quantity + event.units, free + event.units, held, out);
    case 'COUNT':
      return counters(event.onHand + out, event.onHand - held, held, out);
    case 'SET_QUANTITY':
      return counters(event.quantity, free + event.quantity - quantity, held, out);
    case 'SYNC':
      return event.counters;
    default:
      return countersOf(before);
  }
}

function isDraftAfter(before: Snapshot, event: ProductEvent): boolean {
  if (event.type === 'PUBLISH') return false;
  return event.type === 'UNPUBLISH' || before.value === 'draft';
}

describe('the short cut that reads take', () => {
  it('says of every product and number of units what the machine would', () => {
    for (const availabilityStatus of AVAILABILITY_STATUSES) {
      for (const quantityAvailable of availabilityStatus === 'rented_out' ? [0] : [1, 2, 3]) {
        for (const units of [1, 2, 3, 4]) {
          const context = {
            ...counters(5, quantityAvailable, 0, 5 - quantityAvailable),
            refusal: null,
          };
          const snapshot = productMachine.resolveState({ value: availabilityStatus, context });
          for (const type of ['RENT', 'HOLD'] as const) {
            const [next] = transition(productMachine, snapshot, { type, units });
            expect(takesRental({ availabilityStatus, quantityAvailable }, units)).toBe(
              next.context.refusal === null,
            );
          }
        }
      }
    }
  });
});
