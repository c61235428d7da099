import { expect } from '@jest/globals';
import type { CartItem } from '../../src/domain/cart-item.js';
import type { Command, Outcome } from '../../src/domain/command.js';
import type { Movement } from '../../src/domain/movement.js';
import type { Product } from '../../src/domain/product.js';
import type { Refusal } from '../../src/domain/refusal.js';
import type { Rental } from '../../src/domain/rental.js';
import type { Reservation } from '../../src/domain/reservation.js';
import { ModelStore } from './model-store.js';

/** One row of a decision table: on given rows, one batch of commands. */
export interface Case {
  readonly title: string;
  readonly products?: readonly Partial<Product>[];
  readonly rentals?: readonly (Partial<Rental> & { id: string })[];
  readonly holds?: readonly (Partial<Reservation> & { id: string })[];
  readonly items?: readonly Partial<CartItem>[];
  readonly commands: readonly Command[];
  /** of each command, in order */
  readonly outcomes: readonly ('done' | Refusal)[];
  /** what the ledger gains: kind and changes of owned, free, held, out */
  readonly ledger: readonly string[];
  /** product 1: owned = free + held + out, status, version */
  readonly after: string;
  /** all holds, over or not: `id: cart units of product, status` */
  readonly held?: readonly string[];
}

type Given = Pick<Case, 'products' | 'rentals' | 'holds' | 'items' | 'commands'>;

/** Runs one batch on given rows; without products there is one, with three free units. */
export function run(given: Given) {
  const store = new ModelStore();
  for (const product of given.products ?? [{}]) store.addProduct(product);
  for (const rental of given.rentals ?? []) store.addRental(rental);
  for (const hold of given.holds ?? []) store.addHold(hold);
  for (const item of given.items ?? []) store.addCartItem(item);
  const before = store.ledger.length;
  const outcomes = store.run(given.commands).map(({ outcome }) => outcome);
  return { store, outcomes, lines: store.ledger.slice(before) };
}

export function check(row: Case): void {
  const { store, outcomes, lines } = run(row);
  expect(outcomes.map(brief)).toEqual(row.outcomes);
  expect(lines.map(lineText)).toEqual(row.ledger);
  expect(productText(productOf(store))).toBe(row.after);
  if (row.held) expect(heldTexts(store)).toEqual(row.held);
  expect(store.lateHints()).toEqual([]);
  for (const line of lines) expect(row.commands.map(({ id }) => id)).toContain(line.commandId);
}

export function brief(outcome: Outcome): 'done' | Refusal {
  return outcome.ok ? 'done' : outcome.refusal;
}

export function lineText({ kind, delta }: Movement): string {
  const { quantity, quantityAvailable, quantityReserved, quantityRented } = delta;
  return [kind, quantity, quantityAvailable, quantityReserved, quantityRented].join(' ');
}

export function productText(row: Product): string {
  return (
    `${row.quantity} = ${row.quantityAvailable} + ${row.quantityReserved} + ` +
    `${row.quantityRented}, ${row.availabilityStatus}, version ${row.version}`
  );
}

export function productOf(store: ModelStore): Product {
  const product = store.products.get(1);
  if (!product) throw new Error('product 1 is gone');
  return product;
}

/** All holds, over or not, in order of id. */
export function heldTexts(store: ModelStore): string[] {
  return [...store.reservations.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, cartId, productId, quantity, status }) =>
      [`${id}:`, cartId, `${quantity} of ${productId},`, status].join(' '),
    );
}
