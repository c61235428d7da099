import { assign, setup } from 'xstate';

export const RESERVATION_STATUSES = ['reserved', 'confirmed', 'released', 'expired'] as const;
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number];

/** Why a reservation did not change. */
export type ReservationRefusal =
  | { readonly code: 'reservation_expired' }
  | {
      readonly code: 'extension_limit_reached';
      /** until when it may be extended at most, UTC ms */
      readonly limitAt: number;
    }
  | {
      readonly code: 'invalid_transition';
      readonly reservationStatus: ReservationStatus;
      readonly action: ReservationAction;
    }
  | { readonly code: 'not_due' };

export type ReservationAction = 'change' | 'extend' | 'confirm' | 'release';

/** Times are UTC ms, `now` is the database's. */
export type ReservationEvent =
  | { type: 'CHANGE'; now: number; units: number; expiresAt: number }
  | { type: 'EXTEND'; now: number; expiresAt: number; limitAt: number }
  | { type: 'USE'; now: number; units: number }
  | { type: 'CONFIRM'; now: number; orderId: string | null }
  | { type: 'RELEASE'; now: number }
  | { type: 'EXPIRE'; now: number };

export interface ReservationContext {
  /** units held */
  readonly quantity: number;
  /** from then on it is due, UTC ms */
  readonly expiresAt: number;
  readonly orderId: string | null;
  /** when it was given back; of one that expired, when its cart let go of it. UTC ms */
  readonly releasedAt: number | null;
  /** Set by an event that was refused, null after one that was accepted. */
  readonly refusal: ReservationRefusal | null;
}

type Now = { readonly now: number };
const now = ({ event }: { event: Now }): Now => ({ now: event.now });

/**
 * The life of a hold on units: `reserved` until it is confirmed, released, or due and expired.
 *
 * From its expiry on it is due, and promises nothing any more, whether or not somebody has written
 * that down. What is over stays over; confirming again for the same order, and releasing what is
 * over without having been confirmed, are accepted and change nothing, but that whoever releases
 * what has expired lets go of it. Nothing expires twice.
 */
export const reservationMachine = setup({
  types: { context: {} as ReservationContext, events: {} as ReservationEvent },
  guards: {
    isDue: ({ context }, at: Now) => context.expiresAt <= at.now,
    isBeyondLimit: (_, asked: { expiresAt: number; limitAt: number }) =>
      asked.expiresAt > asked.limitAt,
    isForSameOrder: ({ context }, confirmed: { orderId: string | null }) =>
      confirmed.orderId !== null && confirmed.orderId === context.orderId,
  },
  actions: {
    accept: assign({ refusal: null }),
    change: assign((_, to: { units: number; expiresAt: number }) => ({
      quantity: to.units,
      expiresAt: to.expiresAt,
      refusal: null,
    })),
    extend: assign((_, to: { expiresAt: number }) => ({ expiresAt: to.expiresAt, refusal: null })),
    useUnits: assign(({ context }, { units }: { units: number }) => ({
      quantity: context.quantity - units,
      refusal: null,
    })),
    confirm: assign((_, { orderId }: { orderId: string | null }) => ({ orderId, refusal: null })),
    giveBack: assign((_, { now }: Now) => ({ releasedAt: now, refusal: null })),
    letGo: assign(({ context }, { now }: Now) => ({
      releasedAt: context.releasedAt ?? now,
      refusal: null,
    })),
    refuseExpired: assign({ refusal: { code: 'reservation_expired' as const } }),
    refuseNotDue: assign({ refusal: { code: 'not_due' as const } }),
    refuseBeyondLimit: assign((_, { limitAt }: { limitAt: number }) => ({
      refusal: { code: 'extension_limit_reached' as const, limitAt },
    })),
    refuseInvalidTransition: assign(
      (_, refusal: { reservationStatus: ReservationStatus; action: ReservationAction }) => ({
        refusal: { code: 'invalid_transition' as const, ...refusal },
      }),
    ),
  },
}).createMachine({
  id: 'reservation',
  context: { quantity: 0, expiresAt: 0, orderId: null, releasedAt: null, refusal: null },
  initial: 'reserved',
  states: {
    reserved: {
      on: {
        CHANGE: [
          { guard: { type: 'isDue', params: now }, actions: 'refuseExpired' },
          { actions: { type: 'change', params: ({ event }) => event } },
        ],
        EXTEND: [
          { guard: { type: 'isDue', params: now }, actions: 'refuseExpired' },
          {
            guard: { type: 'isBeyondLimit', params: ({ event }) => event },
            actions: { type: 'refuseBeyondLimit', params: ({ event }) => event },
          },
          { actions: { type: 'extend', params: ({ event }) => event } },
        ],
        USE: [
          { guard: { type: 'isDue', params: now }, actions: 'refuseExpired' },
          { actions: { type: 'useUnits', params: ({ event }) => event } },
        ],
        CONFIRM: [
          { guard: { type: 'isDue', params: now }, actions: 'refuseExpired' },
          { target: 'confirmed', actions: { type: 'confirm', params: ({ event }) => event } },
        ],
        RELEASE: [
          // It reads as expired already: that is left for whoever writes it down.
          { guard: { type: 'isDue', params: now }, actions: { type: 'letGo', params: now } },
          { target: 'released', actions: { type: 'giveBack', params: now } },
        ],
        EXPIRE: [
          { guard: { type: 'isDue', params: now }, target: 'expired', actions: 'accept' },
          { actions: 'refuseNotDue' },
        ],
      },
    },
    confirmed: {
      on: {
        CONFIRM: [
          {
            guard: { type: 'isForSameOrder', params: ({ event }) => event },
            actions: 'accept',
          },
          { actions: refusal('confirmed', 'confirm') },
        ],
        CHANGE: { actions: refusal('confirmed', 'change') },
        EXTEND: { actions: refusal('confirmed', 'extend') },
        USE: { actions: refusal('confirmed', 'confirm') },
        RELEASE: { actions: refusal('confirmed', 'release') },
        EXPIRE: { actions: 'refuseNotDue' },
      },
    },
    released: {
      on: {
        CONFIRM: { actions: refusal('released', 'confirm') },
        CHANGE: { actions: refusal('released', 'change') },
        EXTEND: { actions: refusal('released', 'extend') },
        USE: { actions: refusal('released', 'confirm') },
        RELEASE: { actions: 'accept' },
        EXPIRE: { actions: 'refuseNotDue' },
      },
    },
    expired: {
      on: {
        CONFIRM: { actions: 'refuseExpired' },
        CHANGE: { actions: 'refuseExpired' },
        EXTEND: { actions: 'refuseExpired' },
        USE: { actions: 'refuseExpired' },
        RELEASE: { actions: { type: 'letGo', params: now } },
        EXPIRE: { actions: 'refuseNotDue' },
      },
    },
  },
});

function refusal(reservationStatus: ReservationStatus, action: ReservationAction) {
  return {
    type: 'refuseInvalidTransition' as const,
    params: { reservationStatus, action },
  };
}

/** What a reservation is to whoever reads it: one that is due is expired, written down or not. */
export function readStatus(
  reservation: { status: ReservationStatus; expiresAt: number },
  now: number,
): ReservationStatus {
  return reservation.status === 'reserved' && reservation.expiresAt <= now
    ? 'expired'
    : reservation.status;
}
