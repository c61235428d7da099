import { type Actor, createActor } from 'xstate';
import {
  type AvailabilityStatus,
  type Counters,
  type ProductEvent,
  type ProductRefusal,
  productMachine,
  statusOf,
} from '../../machines/product.js';
import type { Instant } from './instant.js';
import { countersOf, difference, type Product } from './product.js';

type PublicProductRefusal = Exclude<ProductRefusal, { code: 'exceeds_rented' }>;

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

  /** Whether a command that was accepted changed the row. */
  get changed(): boolean {
    return this.#changed;
  }

  /**
   * Sends one event to the machine and takes its new state over into the row.
   * Returns what changed, or the machine's refusal, after which nothing did.
   *
   * Throws where more units come back than are out: `productsToMend` keeps that from happening.
   */
  send(event: ProductEvent): Sent | { refusal: PublicProductRefusal } {
    this.#actor.send(event);
    const { context, value } = this.#actor.getSnapshot();
    if (context.refusal?.code === 'exceeds_rented') {
      throw new Error(`product ${this.#row.id} has fewer units out than its rentals say`);
    }
    if (context.refusal) return { refusal: context.refusal };
    const delta = difference(this.#row, context);
    const oldStatus = this.#row.availabilityStatus;
    Object.assign(this.#row, countersOf(context));
    this.#row.availabilityStatus = value;
    return { delta, oldStatus };
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
