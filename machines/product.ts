import { assign, setup } from 'xstate';

/** What a product's units are doing, in units of stock. Their sum law: quantity = available + reserved + rented. */
export interface Counters {
  /** units owned */
  readonly quantity: number;
  /** units free now */
  readonly quantityAvailable: number;
  /** units held by reservations */
  readonly quantityReserved: number;
  /** units out on rentals */
  readonly quantityRented: number;
}

export const AVAILABILITY_STATUSES = ['draft', 'available', 'rented_out'] as const;
export type AvailabilityStatus = (typeof AVAILABILITY_STATUSES)[number];

/** Why the machine did not do what an event asked. The caller is told exactly this. */
export type ProductRefusal =
  | { readonly code: 'not_available'; readonly requested: number }
  | { readonly code: 'out_of_stock'; readonly available: 0; readonly requested: number }
  | { readonly code: 'insufficient_stock'; readonly available: number; readonly requested: number }
  | {
      readonly code: 'quantity_below_committed';
      readonly committed: number;
      readonly requested: number;
    }
  | { readonly code: 'exceeds_rented'; readonly rented: number; readonly requested: number };

export type ProductEvent =
  | { type: 'PUBLISH' }
  | { type: 'UNPUBLISH' }
  | { type: 'RENT'; units: number }
  | { type: 'CANCEL'; units: number }
  | { type: 'COMPLETE'; units: number }
  | { type: 'SET_QUANTITY'; quantity: number }
  | { type: 'SYNC'; counters: Counters };

export interface ProductContext extends Counters {
  /** Set by an event that was refused, null after one that was accepted. */
  readonly refusal: ProductRefusal | null;
}

const committed = (counters: Counters) => counters.quantityReserved + counters.quantityRented;

type Units = { readonly units: number };
type Quantity = { readonly quantity: number };

const units = ({ event }: { event: Units }): Units => ({ units: event.units });
const quantity = ({ event }: { event: Quantity }): Quantity => ({ quantity: event.quantity });
const counters = ({ event }: { event: { counters: Counters } }) => ({ counters: event.counters });

/**
 * The availability of one product: `draft`, `available` (some units free), `rented_out` (none free).
 *
 * The counters decide between `available` and `rented_out` after every event, whatever moved them.
 * A draft takes no new rental, while cancellations and completions of what is out go on. Publishing
 * or unpublishing twice is accepted and changes nothing. A refused event leaves state and counters
 * as they were and says why in `context.refusal`.
 */
export const productMachine = setup({
  types: {
    context: {} as ProductContext,
    events: {} as ProductEvent,
  },
  guards: {
    someFree: ({ context }) => context.quantityAvailable > 0,
    noneFree: ({ context }) => context.quantityAvailable === 0,
    enoughFree: ({ context }, asked: Units) => asked.units <= context.quantityAvailable,
    areOut: ({ context }, asked: Units) => asked.units <= context.quantityRented,
    coversCommitted: ({ context }, asked: Quantity) => asked.quantity >= committed(context),
  },
  actions: {
    accept: assign({ refusal: null }),
    rentUnits: assign(({ context }, { units }: Units) => ({
      quantityAvailable: context.quantityAvailable - units,
      quantityRented: context.quantityRented + units,
      refusal: null,
    })),
    returnUnits: assign(({ context }, { units }: Units) => ({
      quantityAvailable: context.quantityAvailable + units,
      quantityRented: context.quantityRented - units,
      refusal: null,
    })),
    setQuantity: assign(({ context }, { quantity }: Quantity) => ({
      quantity,
      quantityAvailable: quantity - committed(context),
      refusal: null,
    })),
    setCounters: assign((_, { counters }: { counters: Counters }) => ({
      ...counters,
      refusal: null,
    })),
    refuseNotAvailable: assign((_, { units }: Units) => ({
      refusal: { code: 'not_available' as const, requested: units },
    })),
    refuseOutOfStock: assign((_, { units }: Units) => ({
      refusal: { code: 'out_of_stock' as const, available: 0 as const, requested: units },
    })),
    refuseInsufficientStock: assign(({ context }, { units }: Units) => ({
      refusal: {
        code: 'insufficient_stock' as const,
        available: context.quantityAvailable,
        requested: units,
      },
    })),
    refuseBelowCommitted: assign(({ context }, { quantity }: Quantity) => ({
      refusal: {
        code: 'quantity_below_committed' as const,
        committed: committed(context),
        requested: quantity,
      },
    })),
    refuseExceedsRented: assign(({ context }, { units }: Units) => ({
      refusal: {
        code: 'exceeds_rented' as const,
        rented: context.quantityRented,
        requested: units,
      },
    })),
  },
}).createMachine({
  id: 'product',
  context: {
    quantity: 0,
    quantityAvailable: 0,
    quantityReserved: 0,
    quantityRented: 0,
    refusal: null,
  },
  initial: 'draft',
  on: {
    CANCEL: [
      { guard: { type: 'areOut', params: units }, actions: { type: 'returnUnits', params: units } },
      { actions: { type: 'refuseExceedsRented', params: units } },
    ],
    COMPLETE: [
      { guard: { type: 'areOut', params: units }, actions: { type: 'returnUnits', params: units } },
      { actions: { type: 'refuseExceedsRented', params: units } },
    ],
    SET_QUANTITY: [
      {
        guard: { type: 'coversCommitted', params: quantity },
        actions: { type: 'setQuantity', params: quantity },
      },
      { actions: { type: 'refuseBelowCommitted', params: quantity } },
    ],
    SYNC: { actions: { type: 'setCounters', params: counters } },
  },
  states: {
    draft: {
      on: {
        PUBLISH: { target: 'available', actions: 'accept' },
        UNPUBLISH: { actions: 'accept' },
        RENT: { actions: { type: 'refuseNotAvailable', params: units } },
      },
    },
    available: {
      always: { guard: 'noneFree', target: 'rented_out' },
      on: {
        PUBLISH: { actions: 'accept' },
        UNPUBLISH: { target: 'draft', actions: 'accept' },
        RENT: [
          {
            guard: { type: 'enoughFree', params: units },
            actions: { type: 'rentUnits', params: units },
          },
          { actions: { type: 'refuseInsufficientStock', params: units } },
        ],
      },
    },
    rented_out: {
      always: { guard: 'someFree', target: 'available' },
      on: {
        PUBLISH: { actions: 'accept' },
        UNPUBLISH: { target: 'draft', actions: 'accept' },
        RENT: { actions: { type: 'refuseOutOfStock', params: units } },
      },
    },
  },
});

/** The state that counters stand for: a draft stays one, else the free units decide. */
export function statusOf(draft: boolean, quantityAvailable: number): AvailabilityStatus {
  if (draft) return 'draft';
  return quantityAvailable > 0 ? 'available' : 'rented_out';
}

/**
 * Whether `RENT` would be accepted, for reads: asking the machine costs more than all the rest of
 * one. A test holds the two against each other.
 */
export function takesRental(
  product: { availabilityStatus: AvailabilityStatus; quantityAvailable: number },
  units: number,
): boolean {
  return product.availabilityStatus !== 'draft' && units <= product.quantityAvailable;
}
