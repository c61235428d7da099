import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Command } from '../../src/domain/command.js';
import type { Settlement } from '../../src/domain/decide.js';
import { countersOf, difference, type Product } from '../../src/domain/product.js';
import { breachesOf, counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';
import {
  PRODUCTS,
  type Round,
  roundsOf,
  type Sent,
  sentSteps,
  sizes,
  split,
  steps,
} from '../helpers/random-commands.js';

/**
 * Commands of all surfaces in random batches, against tables held in memory, while time goes by and
 * holds fall due. `FUZZ_RUNS=20000` looks longer; what fails is kept among the examples.
 */
const RULES = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) };

/** Its product is locked for another command of the batch, and it has no rental's id for it. */
const CART_THAT_GREW: Sent[] = [
  {
    step: {
      do: 'reserve',
      how: 'set',
      who: null,
      lines: [{ productId: 1, cartId: 'cart', quantity: 1, lasts: 100 }],
    },
    key: null,
    after: 0,
  },
  {
    step: { do: 'confirm_cart', who: null, cartId: 'cart', orderId: 'order', productIds: [] },
    key: null,
    after: 0,
  },
];

describe('random commands in random batches', () => {
  it('keep the law, the sums, the holds and the versions after each batch', () => {
    fc.assert(
      fc.property(sentSteps, sizes, (sent, batches) => {
        const store = open();
        for (const { after, commands } of roundsOf(sent)) {
          store.now += after;
          for (const batch of split(commands, batches)) {
            const before = structuredClone(store.reservations);
            store.run(batch);
            checkStore(store);
            checkLives(store, before);
          }
        }
      }),
      { ...RULES, examples: [[CART_THAT_GREW, [2]]] },
    );
  });

  it('end the same however they fall into batches', () => {
    fc.assert(
      fc.property(sentSteps, sizes, (sent, batches) => {
        const [alone, grouped] = [open(), open()];
        const rounds = roundsOf(sent, { wholeCarts: true });
        expect(hintless(runAll(grouped, rounds, batches))).toEqual(
          hintless(runAll(alone, rounds, [1])),
        );
        expect(rowsOf(grouped)).toEqual(rowsOf(alone));
      }),
      RULES,
    );
  });

  it('end the same without those that are refused', () => {
    fc.assert(
      fc.property(steps, sizes, (sent, batches) => {
        const rounds = roundsOf(sent, { wholeCarts: true });
        const store = open();
        const settlements = runAll(store, rounds, batches);
        const isAccepted = acceptedOf(rounds, settlements);
        const some = rounds.map(({ after, commands }) => {
          return { after, commands: commands.filter((command) => isAccepted.has(command.id)) };
        });
        const without = open();
        expect(hintless(runAll(without, some, batches))).toEqual(
          hintless(settlements.filter(({ outcome }) => outcome.ok)),
        );
        expect(rowsOf(without)).toEqual(rowsOf(store));
      }),
      RULES,
    );
  });

  it('write lines for what an accepted command changes, and none for anything else', () => {
    fc.assert(
      fc.property(sentSteps, (sent) => {
        const store = open();
        for (const { after, commands } of roundsOf(sent, { wholeCarts: true })) {
          store.now += after;
          for (const command of commands) {
            const before = contentOf(store);
            const items = structuredClone(store.cartItems);
            const lineCount = store.ledger.length;
            const [settlement] = store.run([command]);
            const now = contentOf(store);
            const changed = [...now.keys()].filter((id) => now.get(id) !== before.get(id));
            const lines = store.ledger.slice(lineCount);
            const named = new Set(lines.map(({ productId }) => productId));
            expect([...named].sort((a, b) => a - b)).toEqual(changed);
            for (const line of lines) expect(line.commandId).toBe(command.id);
            if (settlement?.outcome.ok && !settlement.replayed) continue;
            expect(lines).toEqual([]);
            expect(store.cartItems).toEqual(items);
          }
        }
      }),
      RULES,
    );
  });

  it('have no second effect when each is sent again with its key', () => {
    fc.assert(
      fc.property(steps, sizes, (sent, batches) => {
        // Keys keep their answer for less time than goes by here, so the clock stands still.
        const still = sent.map((one) => ({ ...one, after: 0 }));
        const rounds = roundsOf(still, { wholeCarts: true, keyOf: (n) => `key-${n}` });
        // A repeat is a command of its own, with an id of its own.
        const twice = rounds.map(({ after, commands }) => ({
          after,
          commands: commands.flatMap((one) => [one, { ...one, id: `${one.id}-again` }]),
        }));
        const [first, second] = [open(), open()];
        const answers = runAll(first, rounds, batches);
        const doubled = runAll(second, twice, batches);
        expect(hintless(doubled.filter((_, n) => n % 2 === 0))).toEqual(hintless(answers));
        for (const [n, { outcome }] of answers.entries()) {
          expect(hintless(doubled[2 * n + 1]?.outcome)).toEqual(hintless(outcome));
        }
        expect(rowsOf(second)).toEqual(rowsOf(first));
      }),
      RULES,
    );
  });

  it('give out what is free now, due holds and all, and say so where it falls short', () => {
    fc.assert(
      fc.property(steps, (sent) => {
        const store = open();
        for (const { after, commands } of roundsOf(sent, { wholeCarts: true })) {
          store.now += after;
          for (const command of commands) {
            const expected = expectedOf(store, command);
            const [settlement] = store.run([command]);
            if (expected === undefined) continue;
            const { outcome } = settlement ?? {};
            expect(outcome?.ok ? 'done' : briefOf(outcome?.refusal)).toEqual(expected);
          }
        }
      }),
      RULES,
    );
  });

  it('never fail on a row that was edited from outside, and mend it where it falls short', () => {
    const units = fc.nat({ max: 3 });
    const product = fc.record({
      productId: fc.constantFrom(...PRODUCTS),
      free: units,
      held: units,
      out: units,
    });
    const hold = fc.record({
      nth: fc.nat({ max: 5 }),
      to: fc.constantFrom('gone', 'released', 'larger', 'due', 'longer'),
    });
    const edits = fc.array(fc.option(fc.oneof(product, hold)));
    fc.assert(
      fc.property(steps, sizes, edits, (sent, batches, all) => {
        const store = open();
        let n = 0;
        for (const { after, commands } of roundsOf(sent)) {
          store.now += after;
          for (const batch of split(commands, batches)) {
            const edit = all[n++];
            if (edit) editRow(store, edit);
            const from = store.ledger.length;
            store.run(batch);
            for (const row of store.products.values()) {
              const lines = store.ledger.slice(from).filter((line) => line.productId === row.id);
              if (lines.length > 0) expect(breachesOf(row)).toEqual([]);
              if (lines.some(({ kind }) => kind === 'sync')) {
                expect(row.quantityRented).toBe(store.unitsRented(row.id));
                expect(row.quantityReserved).toBe(store.unitsReserved(row.id));
                expect(lines.at(-1)?.after).toEqual(countersOf(row));
                expect(store.lateHints()).not.toContain(row.id);
              }
            }
          }
        }
      }),
      RULES,
    );
  });
});

/** Products 1 to 3: one with units, one with a single unit, one draft. */
function open(): ModelStore {
  const store = new ModelStore();
  store.addProduct({ id: 1, sku: 'SKU-1', ...counters(5, 5, 0, 0) });
  store.addProduct({ id: 2, sku: 'SKU-2', ...counters(1, 1, 0, 0) });
  store.addProduct({ id: 3, sku: 'SKU-3', availabilityStatus: 'draft' });
  return store;
}

function runAll(
  store: ModelStore,
  rounds: readonly Round[],
  batchSizes: readonly number[],
): Settlement[] {
  return rounds.flatMap(({ after, commands }) => {
    store.now += after;
    return split(commands, batchSizes).flatMap((batch) => store.run(batch));
  });
}

function acceptedOf(rounds: readonly Round[], settlements: readonly Settlement[]): Set<string> {
  const ids = rounds.flatMap(({ commands }) => commands.map(({ id }) => id));
  return new Set(ids.filter((_, n) => settlements[n]?.outcome.ok));
}

/** All tables; the ledger by product, since that is where its order means something. */
function rowsOf(store: ModelStore) {
  const { products, rentals, reservations, cartItems, records, apiKeys } = store;
  const tables = [products, rentals, reservations, cartItems, records, apiKeys];
  const ledgers = [...products.keys()].map((id) => store.linesOf(id));
  return hintless([...tables.map((rows) => [...rows.values()].sort(byText)), ledgers]);
}

const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** A hint says no more than that it is early enough; and rows say what they say in any order. */
function hintless(rows: unknown): unknown {
  const text = JSON.stringify(rows, (key, value) => (key === 'nextHoldDueAt' ? null : value));
  return text === undefined ? undefined : JSON.parse(text);
}

function checkStore(store: ModelStore): void {
  for (const row of store.products.values()) {
    expect(breachesOf(row)).toEqual([]);
    checkProduct(store, row);
  }
  expect(store.lateHints()).toEqual([]);
  for (const { id, quantity, status } of store.reservations.values()) {
    const lines = store.ledger.filter(({ reservationId }) => reservationId === id);
    const held = lines.reduce((sum, { delta }) => sum + delta.quantityReserved, 0);
    expect({ id, held }).toEqual({ id, held: status === 'reserved' ? quantity : 0 });
  }
  for (const { id, quantity, status } of store.rentals.values()) {
    if (id.startsWith('split-')) continue;
    const lines = store.ledger.filter(({ rentalId }) => rentalId === id);
    const out = lines.reduce((sum, { delta }) => sum + delta.quantityRented, 0);
    expect({ id, out }).toEqual({ id, out: status === 'active' ? quantity : 0 });
  }
}

/** Counters = sums of the ledger = its last line = what is out and held; a version for each line. */
function checkProduct(store: ModelStore, row: Product): void {
  const lines = store.linesOf(row.id);
  const sums = { ...counters(0, 0, 0, 0) };
  for (const { delta, after } of lines) {
    sums.quantity += delta.quantity;
    sums.quantityAvailable += delta.quantityAvailable;
    sums.quantityReserved += delta.quantityReserved;
    sums.quantityRented += delta.quantityRented;
    expect(difference(sums, after)).toEqual(counters(0, 0, 0, 0));
  }
  expect(difference(sums, row)).toEqual(counters(0, 0, 0, 0));
  expect(row.quantityRented).toBe(store.unitsRented(row.id));
  expect(row.quantityReserved).toBe(store.unitsReserved(row.id));
  expect(row.version).toBe(lines.length);
}

/**
 * What is over stays as it was, but that its cart may let go of what expired; nothing is confirmed
 * that was due, nor expires that was not.
 */
function checkLives(store: ModelStore, before: ModelStore['reservations']): void {
  for (const row of store.reservations.values()) {
    const was = before.get(row.id);
    const wasDue = was !== undefined && was.expiresAt <= store.now;
    if (was?.status === 'expired' || (was?.status === 'reserved' && wasDue)) {
      const { releasedAt } = row;
      expect([was.releasedAt, was.releasedAt ?? store.now]).toContain(releasedAt);
      if (row.status === was.status) expect(row).toEqual({ ...was, releasedAt });
      else expect(row.status).toBe('expired');
      continue;
    }
    if (was && was.status !== 'reserved') {
      expect(row).toEqual(was);
      continue;
    }
    expect(row.status).not.toBe('expired');
    expect(row.confirmedAt).toBe(row.status === 'confirmed' ? store.now : null);
    expect(row.releasedAt).toBe(row.status === 'released' ? store.now : null);
    expect(row.rentalId !== null).toBe(row.status === 'confirmed');
  }
}

/** A product with its rentals and holds, without what every accepted command moves. */
function contentOf(store: ModelStore): Map<number, string> {
  const { products, rentals, reservations } = store;
  return new Map(
    [...products.values()].map((row) => {
      const bare = { ...row, version: 0, updatedAt: 0, nextHoldDueAt: null };
      // That a cart lets go of what it lost changes nothing that a product has to do with.
      const holds = [...reservations.values()].map((hold) => ({ ...hold, releasedAt: null }));
      const ofIt = [...rentals.values(), ...holds].filter(({ productId }) => productId === row.id);
      return [row.id, JSON.stringify([bare, ofIt])];
    }),
  );
}

/** What a rental, or a hold of one line, has to be answered; undefined: not looked at here. */
function expectedOf(store: ModelStore, command: Command): unknown {
  if (command.kind === 'rent') {
    const { productId, quantity } = command;
    const free = expectedOfUnits(store, { productId, units: quantity, own: 0, isGrowth: true });
    const isShort = typeof free === 'object' && 'available' in free;
    const own = heldBy(store, productId, `user:${command.userId}`);
    // A user is not blocked by what its own cart holds, and keeps that where enough is free.
    if (!isShort || own === 0) return free;
    return expectedOfUnits(store, { productId, units: quantity, own, isGrowth: true });
  }
  if (command.kind !== 'reserve' || command.lines.length > 1) return undefined;
  const { how, ownerId, lines } = command;
  const [line] = lines;
  if (!line || ownerId !== null) return undefined;
  const { productId, cartId, quantity } = line;
  const own = how === 'set' ? heldBy(store, productId, cartId) : 0;
  return expectedOfUnits(store, { productId, units: quantity, own, isGrowth: quantity > own });
}

/** Units of a product that a cart holds and that are not due. */
function heldBy(store: ModelStore, productId: number, cartId: string): number {
  const hold = [...store.reservations.values()].find(
    (row) =>
      row.productId === productId &&
      row.cartId === cartId &&
      row.status === 'reserved' &&
      row.expiresAt > store.now,
  );
  return hold?.quantity ?? 0;
}

function expectedOfUnits(
  store: ModelStore,
  asked: { productId: number; units: number; own: number; isGrowth: boolean },
) {
  const { productId, units, own, isGrowth } = asked;
  const product = store.products.get(productId);
  if (!product) return { code: 'product_not_found' };
  if (!isGrowth) return 'done';
  if (product.availabilityStatus === 'draft') return { code: 'not_available', requested: units };
  const held = [...store.reservations.values()].filter(
    (row) => row.productId === productId && row.status === 'reserved' && row.expiresAt > store.now,
  );
  const free = product.quantity - product.quantityRented - unitsOf(held) + own;
  if (units <= free) return 'done';
  const code = free === 0 ? 'out_of_stock' : 'insufficient_stock';
  return { code, available: free, requested: units };
}

const unitsOf = (rows: readonly { quantity: number }[]) =>
  rows.reduce((sum, { quantity }) => sum + quantity, 0);

function briefOf(refusal: object | undefined): unknown {
  const { lines: _, ...reason } = { lines: undefined, ...refusal };
  return reason;
}

type Edit =
  | { productId: number; free: number; held: number; out: number }
  | { nth: number; to: string };

/** Edits a row behind the back of the service, within what the tables' own checks let through. */
function editRow(store: ModelStore, edit: Edit): void {
  if ('productId' in edit) {
    const { productId, free, held, out } = edit;
    const row = store.products.get(productId);
    const edited = counters(free + held + out, free, held, out);
    if (row) store.products.set(row.id, { ...row, ...edited });
    return;
  }
  const held = [...store.reservations.values()].filter(({ status }) => status === 'reserved');
  const row = held[edit.nth % Math.max(1, held.length)];
  if (!row) return;
  const put = (to: Partial<typeof row>) => store.reservations.set(row.id, { ...row, ...to });
  if (edit.to === 'gone') store.reservations.delete(row.id);
  else if (edit.to === 'released') put({ status: 'released', releasedAt: store.now });
  else if (edit.to === 'larger') put({ quantity: row.quantity + 3 });
  else if (edit.to === 'due') put({ expiresAt: store.now - 1 });
  else put({ expiresAt: store.now + 60_000 });
}
