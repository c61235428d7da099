import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createActor, type SnapshotFrom, transition } from 'xstate';
import {
  RESERVATION_STATUSES,
  type ReservationAction,
  type ReservationEvent,
  type ReservationRefusal,
  type ReservationStatus,
  readStatus,
  reservationMachine,
} from '../../machines/reservation.js';

type Snapshot = SnapshotFrom<typeof reservationMachine>;
type Context = Snapshot['context'];

const DUE_AT = 1000;
const BEFORE = DUE_AT - 1;
const LIMIT_AT = 5000;
const held = { quantity: 3, expiresAt: DUE_AT, orderId: null, releasedAt: null };

const change = (now: number): ReservationEvent => ({
  type: 'CHANGE',
  now,
  units: 5,
  expiresAt: 2000,
});
const extend = (now: number, expiresAt = 2000): ReservationEvent => ({
  type: 'EXTEND',
  now,
  expiresAt,
  limitAt: LIMIT_AT,
});
const use = (now: number): ReservationEvent => ({ type: 'USE', now, units: 2 });
const confirm = (now: number, orderId: string | null = 'order'): ReservationEvent => ({
  type: 'CONFIRM',
  now,
  orderId,
});
const release = (now: number): ReservationEvent => ({ type: 'RELEASE', now });
const expire = (now: number): ReservationEvent => ({ type: 'EXPIRE', now });

const EXPIRED: ReservationRefusal = { code: 'reservation_expired' };
const NOT_DUE: ReservationRefusal = { code: 'not_due' };
const over = (
  reservationStatus: ReservationStatus,
  action: ReservationAction,
): ReservationRefusal => ({ code: 'invalid_transition', reservationStatus, action });

describe('what an event makes of a hold', () => {
  type Row = [
    string,
    ReservationEvent,
    ReservationStatus,
    Partial<Context> | { refusal: ReservationRefusal },
  ];
  const ofOneThatIsHeld: Row[] = [
    ['is changed', change(BEFORE), 'reserved', { quantity: 5, expiresAt: 2000 }],
    ['is extended to its limit', extend(BEFORE, LIMIT_AT), 'reserved', { expiresAt: LIMIT_AT }],
    [
      'is not extended beyond',
      extend(BEFORE, LIMIT_AT + 1),
      'reserved',
      { refusal: { code: 'extension_limit_reached', limitAt: LIMIT_AT } },
    ],
    ['is used in part', use(BEFORE), 'reserved', { quantity: 1 }],
    ['is confirmed in its last ms', confirm(BEFORE), 'confirmed', { orderId: 'order' }],
    ['is confirmed for no order', confirm(BEFORE, null), 'confirmed', {}],
    ['is released', release(BEFORE), 'released', { releasedAt: BEFORE }],
    ['does not expire yet', expire(BEFORE), 'reserved', { refusal: NOT_DUE }],
  ];
  it.each(ofOneThatIsHeld)('until it is due: %s', (_, event, status, changes) => {
    expectStep(snapshotOf('reserved'), event, status, changes);
  });

  const ofOneThatIsDue: Row[] = [
    ['is not changed', change(DUE_AT), 'reserved', { refusal: EXPIRED }],
    ['is not extended', extend(DUE_AT), 'reserved', { refusal: EXPIRED }],
    [
      'is not extended beyond its limit either',
      extend(DUE_AT, 9000),
      'reserved',
      { refusal: EXPIRED },
    ],
    ['is not used', use(DUE_AT), 'reserved', { refusal: EXPIRED }],
    ['is not confirmed', confirm(DUE_AT), 'reserved', { refusal: EXPIRED }],
    ['is let go of as it stands', release(DUE_AT), 'reserved', { releasedAt: DUE_AT }],
    ['expires', expire(DUE_AT), 'expired', {}],
  ];
  it.each(ofOneThatIsDue)('from when it is due: %s', (_, event, status, changes) => {
    expectStep(snapshotOf('reserved'), event, status, changes);
  });

  const events = { change, extend, use, confirm, release, expire };
  type Over = [
    Exclude<ReservationStatus, 'reserved'>,
    keyof typeof events,
    ReservationRefusal | null,
  ];
  const ofOneThatIsOver: Over[] = [
    ['confirmed', 'change', over('confirmed', 'change')],
    ['confirmed', 'extend', over('confirmed', 'extend')],
    ['confirmed', 'use', over('confirmed', 'confirm')],
    ['confirmed', 'confirm', over('confirmed', 'confirm')],
    ['confirmed', 'release', over('confirmed', 'release')],
    ['confirmed', 'expire', NOT_DUE],
    ['released', 'change', over('released', 'change')],
    ['released', 'extend', over('released', 'extend')],
    ['released', 'use', over('released', 'confirm')],
    ['released', 'confirm', over('released', 'confirm')],
    ['released', 'release', null],
    ['released', 'expire', NOT_DUE],
    ['expired', 'change', EXPIRED],
    ['expired', 'extend', EXPIRED],
    ['expired', 'use', EXPIRED],
    ['expired', 'confirm', EXPIRED],
    ['expired', 'release', null],
    ['expired', 'expire', NOT_DUE],
  ];
  it.each(ofOneThatIsOver)(
    '%s, and %s leaves it so, before and after its time',
    (at, name, refusal) => {
      for (const now of [BEFORE, DUE_AT]) {
        const isLetGo = at === 'expired' && name === 'release';
        const changes = isLetGo ? { releasedAt: now } : { refusal };
        expectStep(snapshotOf(at), events[name](now), at, changes);
      }
    },
  );

  it('one that expired was let go of when that was first said', () => {
    const letGo = snapshotOf('expired', { releasedAt: DUE_AT });
    expectStep(letGo, release(DUE_AT + 1), 'expired', {});
  });

  it('is confirmed again for the same order, and for no other', () => {
    const confirmed = snapshotOf('confirmed', { orderId: 'order' });
    expectStep(confirmed, confirm(DUE_AT), 'confirmed', {});
    const refused = { refusal: over('confirmed', 'confirm') };
    expectStep(confirmed, confirm(DUE_AT, 'another'), 'confirmed', refused);
    expectStep(confirmed, confirm(DUE_AT, null), 'confirmed', refused);
    expectStep(snapshotOf('confirmed'), confirm(DUE_AT, null), 'confirmed', refused);
  });
});

describe('any sequence of events', () => {
  const event: fc.Arbitrary<ReservationEvent> = fc
    .tuple(
      fc.constantFrom(change, extend, use, confirm, release, expire),
      fc.integer({ min: 0, max: 3000 }),
    )
    .map(([make, now]) => make(now));

  it('ends a hold once, expires it only when due, and confirms it only before', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let before = snapshotOf('reserved');
        for (const event of events) {
          // Using up more than there is, is for the domain to keep apart.
          if (event.type === 'USE' && event.units >= before.context.quantity) continue;
          const [after] = transition(reservationMachine, before, event);
          if (after.context.refusal !== null || before.value !== 'reserved') {
            const { releasedAt } = after.context;
            expect({ ...after.context, refusal: null }).toEqual({
              ...before.context,
              releasedAt,
              refusal: null,
            });
            if (before.context.releasedAt !== null || after.value !== 'expired') {
              expect(releasedAt).toBe(before.context.releasedAt);
            }
            expect(after.value).toBe(before.value);
          }
          const isDue = before.context.expiresAt <= event.now;
          if (before.value === 'reserved' && after.value !== 'reserved') {
            expect(after.value === 'expired').toBe(isDue);
          }
          expect(after.context.quantity).toBeGreaterThan(0);
          before = after;
        }
      }),
    );
  });

  it('ends the same on a live actor as in pure transitions', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let pure = snapshotOf('reserved');
        const actor = createActor(reservationMachine, { snapshot: pure }).start();
        for (const event of events) {
          actor.send(event);
          [pure] = transition(reservationMachine, pure, event);
          expect(actor.getSnapshot().value).toBe(pure.value);
          expect(actor.getSnapshot().context).toEqual(pure.context);
        }
      }),
    );
  });
});

it('reads as expired from when it is due, and only where it is not over otherwise', () => {
  const read = (now: number) =>
    RESERVATION_STATUSES.map((status) => readStatus({ status, expiresAt: DUE_AT }, now));
  expect(read(BEFORE)).toEqual(RESERVATION_STATUSES);
  expect(read(DUE_AT)).toEqual(['expired', 'confirmed', 'released', 'expired']);
});

function snapshotOf(value: ReservationStatus, given: Partial<Context> = {}): Snapshot {
  const context = { ...held, refusal: null, ...given };
  return reservationMachine.resolveState({ value, context });
}

function expectStep(
  before: Snapshot,
  event: ReservationEvent,
  status: ReservationStatus,
  changes: Partial<Context>,
): void {
  const [next] = transition(reservationMachine, before, event);
  expect(next.value).toBe(status);
  expect(next.context).toEqual({ ...before.context, refusal: null, ...changes });
}
