import { assign, setup } from 'xstate';

export const RENTAL_STATUSES = ['active', 'completed', 'cancelled'] as const;
export type RentalStatus = (typeof RENTAL_STATUSES)[number];

/** Why a rental did not change. */
export interface RentalRefusal {
  readonly code: 'invalid_transition';
  readonly status: RentalStatus;
  readonly action: 'cancel' | 'complete';
}

export type RentalEvent = { type: 'CANCEL' } | { type: 'COMPLETE' };

export interface RentalContext {
  /** Set by an event that was refused, null after one that was accepted. */
  readonly refusal: RentalRefusal | null;
}

/** The life of one rental. It is over once: what is completed or cancelled stays so. */
export const rentalMachine = setup({
  types: { context: {} as RentalContext, events: {} as RentalEvent },
  actions: {
    accept: assign({ refusal: null }),
    refuseInvalidTransition: assign((_, refusal: Omit<RentalRefusal, 'code'>) => ({
      refusal: { code: 'invalid_transition' as const, ...refusal },
    })),
  },
}).createMachine({
  id: 'rental',
  context: { refusal: null },
  initial: 'active',
  states: {
    active: {
      on: {
        CANCEL: { target: 'cancelled', actions: 'accept' },
        COMPLETE: { target: 'completed', actions: 'accept' },
      },
    },
    completed: {
      on: {
        CANCEL: {
          actions: {
            type: 'refuseInvalidTransition',
            params: { status: 'completed', action: 'cancel' },
          },
        },
        COMPLETE: {
          actions: {
            type: 'refuseInvalidTransition',
            params: { status: 'completed', action: 'complete' },
          },
        },
      },
    },
    cancelled: {
      on: {
        CANCEL: {
          actions: {
            type: 'refuseInvalidTransition',
            params: { status: 'cancelled', action: 'cancel' },
          },
        },
        COMPLETE: {
          actions: {
            type: 'refuseInvalidTransition',
            params: { status: 'cancelled', action: 'complete' },
          },
        },
      },
    },
  },
});
