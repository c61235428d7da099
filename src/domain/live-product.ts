import { type Actor, createActor, transition } from 'xstate';
import {
  type AvailabilityStatus,
  type Counters,
  type ProductEvent,
  type ProductRefusal,
  productMachine,
  QUANTITY_MAX,
  statusOf,
} from '../../machines/product.js';
import type { Instant } from './instant.js';
import { countersOf, difference, type Product } from './product.js';
import type { Reason } from './refusal.js';

/**
 * A product while a batch decides on it: the live XState actor restored from the locked row, and
 * the fields that no machine rules over.
 *
 * The state is taken from the counters (and whether it is a draft), so that a row whose status was
 * edited from outside is read for what its counters say.
 */
export class LiveProduct {
  readonly #actor: Actor<typeof productMachine>;
  readonly #row: Mutable<Product>;
  #changed = false;

  constructor(row: Product) {
    this.#row = { ...row };
    this.#actor = revive(row, row.availabilityStatus === 'draft');
  }

  /** The row as it stands now; the next accepted command changes it. */
  get row(): Product {
    return this.#row;
  }

  /** The row as it stands now, for keeping. */
  snapshot(): Product {
    return { ...this.#row };
  }

  /** Whether there is something to save. */
  get changed(): boolean {
    return this.#changed;
  }

  /**
   * Sends one event to the machine and takes its new state over into the row.
   * Returns what changed, or the machine's refusal, after which nothing did.
   *
   * Throws where more units come back than are out or held: `productsToMend` keeps that from
   * happening.
   */
  send(event: ProductEvent): Sent | { refusal: Reason } {
    this.#actor.send(event);
    const { context, value } = this.#actor.getSnapshot();
    if (context.refusal) return { refusal: this.#reasonOf(context.refusal) };
    const delta = difference(this.#row, context);
    const oldStatus = this.#row.availabilityStatus;
    Object.assign(this.#row, countersOf(context));
    this.#row.availabilityStatus = value;
    return { delta, oldStatus };
  }

  /**
   * What the machine would say to these events, one after another, on a snapshot: the first
   * refusal, or null where it would accept all. Nothing changes.
   */
  trial(events: readonly ProductEvent[]): Reason | null {
    let snapshot = this.#actor.getSnapshot();
    for (const event of events) {
      [snapshot] = transition(productMachine, snapshot, event);
      const { refusal } = snapshot.context;
      if (refusal) return this.#reasonOf(refusal);
    }
    return null;
  }

  /** What an event would have returned that moves no unit. */
  unmoved(): Sent {
    return { delta: NOTHING, oldStatus: this.#row.availabilityStatus };
  }

  /** Notes by when a hold may be due; see Product.nextHoldDueAt. */
  noteNextHoldDueAt(nextHoldDueAt: Instant | null): void {
    if (this.#row.nextHoldDueAt === nextHoldDueAt) return;
    this.#row.nextHoldDueAt = nextHoldDueAt;
    this.#changed = true;
  }

  /** The machine's refusal as it is told. */
  #reasonOf(refusal: ProductRefusal): Reason {
    switch (refusal.code) {
      case 'exceeds_rented':
      case 'exceeds_reserved':
        throw new Error(
          `product ${this.#row.id} has fewer units out or held than its rentals and holds say`,
        );
      case 'exceeds_owned_max': {
        const message = `must leave the product with at most ${QUANTITY_MAX} units, and it has ${refusal.quantity}`;
        return { code: 'validation_failed', errors: [{ field: 'quantity', message }] };
      }
      default:
        return refusal;
    }
  }

  /** Changes fields that no machine rules over. */
  assign(fields: Partial<Omit<Product, keyof Counters | 'availabilityStatus'>>): void {
    Object.assign(this.#row, fields);
  }

  /** Marks the row as changed by one accepted command. */
  touch(now: Instant): void {
    this.#row.version += 1;
    this.#row.updatedAt = now;
    this.#changed = true;
  }
}

/** What an accepted event did to a product. */
export interface Sent {
  readonly delta: Counters;
  readonly oldStatus: AvailabilityStatus;
}

const NOTHING: Counters = {
  quantity: 0,
  quantityAvailable: 0,
  quantityReserved: 0,
  quantityRented: 0,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The counters and state that a product is made with. */
export function openingState(
  quantity: number,
  publish: boolean,
): Counters & { availabilityStatus: AvailabilityStatus } {
  const opening = { quantity, quantityAvailable: quantity, quantityReserved: 0, quantityRented: 0 };
  const actor = revive(opening, true);
  if (publish) actor.send({ type: 'PUBLISH' });
  const { context, value } = actor.getSnapshot();
  return { ...countersOf(context), availabilityStatus: value };
}

function revive(counters: Counters, draft: boolean): Actor<typeof productMachine> {
  const snapshot = productMachine.resolveState({
    value: statusOf(draft, counters.quantityAvailable),
    context: { ...countersOf(counters), refusal: null },
  });
  return createActor(productMachine, { snapshot }).start();
}
