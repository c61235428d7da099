import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createActor, transition } from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap, getSimplePaths } from 'xstate/graph';
import {
  RENTAL_STATUSES,
  type RentalEvent,
  type RentalRefusal,
  type RentalStatus,
  rentalMachine,
} from '../../machines/rental.js';

const EVENTS: RentalEvent[] = [{ type: 'CANCEL' }, { type: 'COMPLETE' }];

describe('what an event makes of a rental', () => {
  type Row = [RentalStatus, RentalEvent['type'], RentalStatus, RentalRefusal | null];
  const refused = (status: RentalStatus, action: RentalRefusal['action']): RentalRefusal => ({
    code: 'invalid_transition',
    status,
    action,
  });
  const rows: Row[] = [
    ['active', 'CANCEL', 'cancelled', null],
    ['active', 'COMPLETE', 'completed', null],
    ['completed', 'CANCEL', 'completed', refused('completed', 'cancel')],
    ['completed', 'COMPLETE', 'completed', refused('completed', 'complete')],
    ['cancelled', 'CANCEL', 'cancelled', refused('cancelled', 'cancel')],
    ['cancelled', 'COMPLETE', 'cancelled', refused('cancelled', 'complete')],
  ];
  it.each(rows)('%s and %s make %s', (value, type, status, refusal) => {
    const before = rentalMachine.resolveState({ value, context: { refusal: null } });
    const [next] = transition(rentalMachine, before, { type });
    expect(next.value).toBe(status);
    expect(next.context.refusal).toEqual(refusal);
  });
});

describe('the paths of a rental', () => {
  it('answers every event in every state', () => {
    const map = getAdjacencyMap(rentalMachine, { events: EVENTS, limit: 100 });
    const steps = adjacencyMapToArray(map);
    expect(steps).toHaveLength(Object.keys(map).length * EVENTS.length);
    expect(new Set(steps.map(({ state }) => state.value))).toEqual(new Set(RENTAL_STATUSES));
    for (const { state, nextState } of steps) {
      expect(nextState.context.refusal === null).toBe(nextState.value !== state.value);
    }
  });

  it('is over once, along every path', () => {
    const paths = getSimplePaths(rentalMachine, { events: EVENTS, limit: 100 });
    for (const { steps } of paths) {
      const values = steps.map(({ state }) => state.value);
      const changes = values.filter((value, n) => n > 0 && value !== values[n - 1]);
      expect(changes.length).toBeLessThanOrEqual(1);
    }
  });
});

describe('any sequence of events', () => {
  it('ends as its first event says, on a live actor as in pure transitions', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 10 }), (events) => {
        const actor = createActor(rentalMachine).start();
        let pure = actor.getSnapshot();
        for (const event of events) {
          actor.send(event);
          [pure] = transition(rentalMachine, pure, event);
          expect(actor.getSnapshot().context).toEqual(pure.context);
          expect(actor.getSnapshot().value).toBe(pure.value);
        }
        const [first] = events;
        const end = first?.type === 'CANCEL' ? 'cancelled' : 'completed';
        expect(pure.value).toBe(first ? end : 'active');
      }),
    );
  });
});
