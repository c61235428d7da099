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
  | { readonly code: 'exceeds_owned_max'; readonly quantity: number; readonly requested: number }
  | { readonly code: 'exceeds_rented'; readonly rented: number; readonly requested: number }
  | { readonly code: 'exceeds_reserved'; readonly reserved: number; readonly requested: number };

/** Units that a product owns at most. */
export const QUANTITY_MAX = 1_000_000_000;

export type ProductEvent =
  | { type: 'PUBLISH' }
  | { type: 'UNPUBLISH' }
  | { type: 'RENT'; units: number }
  | { type: 'HOLD'; units: number }
  | { type: 'CONFIRM'; units: number }
  | { type: 'RELEASE'; units: number }
  | { type: 'EXPIRE'; units: number }
  | { type: 'CANCEL'; units: number }
  | { type: 'COMPLETE'; units: number }
  | { type: 'SET_QUANTITY'; quantity: number }
  | { type: 'RESTOCK'; units: number }
  | { type: 'COUNT'; onHand: number }
  | { type: 'SYNC'; counters: Counters };

export interface ProductContext extends Counters {
  /** Set by an event that was refused, null after one that was accepted. */
  readonly refusal: ProductRefusal | null;
}

const committed = (counters: Counters) => counters.quantityReserved + counters.quantityRented;

type Units = { readonly units: number };
type Quantity = { readonly quantity: number };
type OnHand = { readonly onHand: number };

const units = ({ event }: { event: Units }): Units => ({ units: event.units });
const quantity = ({ event }: { event: Quantity }): Quantity => ({ quantity: event.quantity });
const onHand = ({ event }: { event: OnHand }): OnHand => ({ onHand: event.onHand });
const counters = ({ event }: { event: { counters: Counters } }) => ({ counters: event.counters });

/**
 * The availability of one product: `draft`, `available` (some units free), `rented_out` (none free).
 *
 * The counters decide between `available` and `rented_out` after every event, whatever moved them.
 * A draft takes no new rental and no new hold, while returns, cancellations, releases and the
 * confirmation of what was promised go on. Publishing or unpublishing twice is accepted and changes
 * nothing. A refused event leaves state and counters
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
    areHeld: ({ context }, asked: Units) => asked.units <= context.quantityReserved,
    coversCommitted: ({ context }, asked: Quantity) => asked.quantity >= committed(context),
    coversHeld: ({ context }, counted: OnHand) => counted.onHand >= context.quantityReserved,
    canBeOwned: ({ context }, more: Units) => context.quantity + more.units <= QUANTITY_MAX,
    exceedsOwnedMax: ({ context }, counted: OnHand) =>
      counted.onHand + context.quantityRented > QUANTITY_MAX,
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
    holdUnits: assign(({ context }, { units }: Units) => ({
      quantityAvailable: context.quantityAvailable - units,
      quantityReserved: context.quantityReserved + units,
      refusal: null,
    })),
    freeHeldUnits: assign(({ context }, { units }: Units) => ({
      quantityAvailable: context.quantityAvailable + units,
      quantityReserved: context.quantityReserved - units,
      refusal: null,
    })),
    rentHeldUnits: assign(({ context }, { units }: Units) => ({
      quantityReserved: context.quantityReserved - units,
      quantityRented: context.quantityRented + units,
      refusal: null,
    })),
    addUnits: assign(({ context }, { units }: Units) => ({
      quantity: context.quantity + units,
      quantityAvailable: context.quantityAvailable + units,
      refusal: null,
    })),
    // What is out stays owned: only the shelf was counted.
    setOnHand: assign(({ context }, { onHand }: OnHand) => ({
      quantity: onHand + context.quantityRented,
      quantityAvailable: onHand - context.quantityReserved,
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
    refuseBelowHeld: assign(({ context }, { onHand }: OnHand) => ({
      refusal: {
        code: 'quantity_below_committed' as const,
        committed: context.quantityReserved,
        requested: onHand,
      },
    })),
    refuseExceedsOwnedMax: assign(({ context }, { units }: Units) => ({
      refusal: {
        code: 'exceeds_owned_max' as const,
        quantity: context.quantity,
        requested: units,
      },
    })),
    refuseCountExceedsOwnedMax: assign(({ context }, { onHand }: OnHand) => ({
      refusal: {
        code: 'exceeds_owned_max' as const,
        quantity: context.quantity,
        requested: onHand,
      },
    })),
    refuseExceedsReserved: assign(({ context }, { units }: Units) => ({
      refusal: {
        code: 'exceeds_reserved' as const,
        reserved: context.quantityReserved,
        requested: units,
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
    CONFIRM: [
      {
        guard: { type: 'areHeld', params: units },
        actions: { type: 'rentHeldUnits', params: units },
      },
      { actions: { type: 'refuseExceedsReserved', params: units } },
    ],
    RELEASE: [
      {
        guard: { type: 'areHeld', params: units },
        actions: { type: 'freeHeldUnits', params: units },
      },
      { actions: { type: 'refuseExceedsReserved', params: units } },
    ],
    EXPIRE: [
      {
        guard: { type: 'areHeld', params: units },
        actions: { type: 'freeHeldUnits', params: units },
      },
      { actions: { type: 'refuseExceedsReserved', params: units } },
    ],
    RESTOCK: [
      {
        guard: { type: 'canBeOwned', params: units },
        actions: { type: 'addUnits', params: units },
      },
      { actions: { type: 'refuseExceedsOwnedMax', params: units } },
    ],
    COUNT: [
      {
        guard: { type: 'exceedsOwnedMax', params: onHand },
        actions: { type: 'refuseCountExceedsOwnedMax', params: onHand },
      },
      {
        guard: { type: 'coversHeld', params: onHand },
        actions: { type: 'setOnHand', params: onHand },
      },
      { actions: { type: 'refuseBelowHeld', params: onHand } },
    ],
    SYNC: { actions: { type: 'setCounters', params: counters } },
  },
  states: {
    draft: {
      on: {
        PUBLISH: { target: 'available', actions: 'accept' },
        UNPUBLISH: { actions: 'accept' },
        RENT: { actions: { type: 'refuseNotAvailable', params: units } },
        HOLD: { actions: { type: 'refuseNotAvailable', params: units } },
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
        HOLD: [
          {
            guard: { type: 'enoughFree', params: units },
            actions: { type: 'holdUnits', params: units },
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
        HOLD: { actions: { type: 'refuseOutOfStock', params: units } },
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
 * Whether `RENT`, or a `HOLD`, would be accepted, for reads: asking the machine costs more than all the rest of
 * one. A test holds the two against each other.
 */
export function takesRental(
  product: { availabilityStatus: AvailabilityStatus; quantityAvailable: number },
  units: number,
): boolean {
  return product.availabilityStatus !== 'draft' && units <= product.quantityAvailable;
}
