import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Command } from '../../src/domain/command.js';
import type { Settlement } from '../../src/domain/decide.js';
import { countersOf, difference, type Product } from '../../src/domain/product.js';
import {
  create,
  createKey,
  end,
  keyed,
  publish,
  rent,
  revokeKey,
  sync,
  update,
} from '../helpers/commands.js';
import { breachesOf, counters } from '../helpers/law.js';
import { ModelStore, TTL_MS } from '../helpers/model-store.js';

/**
 * Random commands in random batches, against tables held in memory. A sequence is told as steps:
 * what a client does, where a rental or a key is named by the step that made it. Each run makes
 * commands of them anew, with the same ids.
 */
type Step =
  | { do: 'rent'; productId: number; quantity: number }
  | { do: 'cancel' | 'complete'; rental: number }
  | { do: 'publish' | 'unpublish'; productId: number; ifMatch: number[] | null }
  | { do: 'update'; productId: number; quantity?: number; name?: string; priceAmount?: number }
  | { do: 'create'; skus: string[] }
  | { do: 'create_api_key' }
  | { do: 'revoke_api_key'; key: number }
  | { do: 'sync'; productId: number };

/** null: sent without an Idempotency-Key */
type Sent = { step: Step; key: string | null };

const PRODUCTS = 3;
/** A product made on the way is not named: nobody can know its id before its batch is over. */
const NO_PRODUCT = 99;
const RULES = { numRuns: 300 };

const step: fc.Arbitrary<Step> = (() => {
  const productId = fc.constantFrom(1, 2, PRODUCTS, NO_PRODUCT);
  const earlier = fc.nat({ max: 30 });
  const rents = fc.record({
    do: fc.constant('rent' as const),
    productId,
    quantity: fc.integer({ min: 1, max: 4 }),
  });
  const ends = fc.record({
    do: fc.constantFrom('cancel' as const, 'complete' as const),
    rental: earlier,
  });
  const publishes = fc.record({
    do: fc.constantFrom('publish' as const, 'unpublish' as const),
    productId,
    ifMatch: fc.option(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }), {
      freq: 2,
    }),
  });
  const updates = fc.record(
    {
      do: fc.constant('update' as const),
      productId,
      quantity: fc.nat({ max: 8 }),
      name: fc.constantFrom('Tent', 'Big tent'),
      priceAmount: fc.constant(5),
    },
    { requiredKeys: ['do', 'productId'] },
  );
  const creates = fc.record({
    do: fc.constant('create' as const),
    skus: fc.array(fc.constantFrom('SKU-1', 'A', 'B', 'C'), { minLength: 1, maxLength: 3 }),
  });
  const revokes = fc.record({ do: fc.constant('revoke_api_key' as const), key: earlier });
  const syncs = fc.record({ do: fc.constant('sync' as const), productId });
  return fc.oneof(
    { weight: 6, arbitrary: rents },
    { weight: 4, arbitrary: ends },
    { weight: 2, arbitrary: publishes },
    { weight: 2, arbitrary: updates },
    { weight: 1, arbitrary: creates },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'create_api_key' }) },
    { weight: 1, arbitrary: revokes },
    { weight: 1, arbitrary: syncs },
  );
})();

const steps = fc.array(step, { maxLength: 30 });
/** Some with a key; few keys, so that some come again, with the same request or with another. */
const sentSteps = fc.array(
  fc.record({ step, key: fc.option(fc.constantFrom('k', 'l', 'm'), { freq: 2 }) }),
  { maxLength: 30 },
);
/** How many commands each batch takes, over and over. */
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

describe('random commands in random batches', () => {
  it('keep the law, the sums and the versions after each batch', () => {
    fc.assert(
      fc.property(sentSteps, sizes, fc.array(fc.nat({ max: TTL_MS })), (sent, batches, pauses) => {
        const store = open();
        for (const [n, batch] of split(commandsOf(sent), batches).entries()) {
          store.now += pauses[n] ?? 1;
          store.run(batch);
          checkStore(store);
        }
      }),
      RULES,
    );
  });

  it('end the same however they fall into batches', () => {
    fc.assert(
      fc.property(sentSteps, sizes, (sent, batches) => {
        // One clock for both: only the times may depend on the batch.
        const [alone, grouped] = [open(), open()];
        const commands = commandsOf(sent);
        expect(runAll(grouped, split(commands, batches))).toEqual(
          runAll(
            alone,
            commands.map((command) => [command]),
          ),
        );
        expect(rowsOf(grouped)).toEqual(rowsOf(alone));
      }),
      RULES,
    );
  });

  it('end the same without those that are refused', () => {
    fc.assert(
      fc.property(steps, sizes, (all, batches) => {
        const commands = commandsOf(all.map((step) => ({ step, key: null })));
        const store = open();
        const settlements = runAll(store, split(commands, batches));
        const accepted = commands.filter((_, n) => settlements[n]?.outcome.ok);
        const without = open();
        expect(runAll(without, split(accepted, batches))).toEqual(
          settlements.filter(({ outcome }) => outcome.ok),
        );
        expect(rowsOf(without)).toEqual(rowsOf(store));
      }),
      RULES,
    );
  });

  it('write one line for each accepted command that changes a product, and none for another', () => {
    fc.assert(
      fc.property(sentSteps, (sent) => {
        const store = open();
        for (const command of commandsOf(sent)) {
          const before = structuredClone([...store.products.values()]);
          const lineCount = store.ledger.length;
          const [settlement] = store.run([command]);
          const changed = [...store.products.values()].filter(
            (row) => contentOf(row) !== contentOf(before.find(({ id }) => id === row.id)),
          );
          const lines = store.ledger.slice(lineCount);
          expect(lines.map(({ productId }) => productId)).toEqual(changed.map(({ id }) => id));
          for (const line of lines) expect(line.commandId).toBe(command.id);
          const hadNoEffect = settlement?.replayed || !settlement?.outcome.ok;
          if (hadNoEffect) expect(lines).toEqual([]);
        }
      }),
      RULES,
    );
  });

  it('have no second effect when each is sent again with its key', () => {
    fc.assert(
      fc.property(steps, sizes, (all, batches) => {
        const keyOf = (n: number) => `key-${n}`;
        const once = commandsOf(all.map((step, n) => ({ step, key: keyOf(n) })));
        // A repeat is a command of its own, with ids of its own.
        const repeats = once.map((command, n) => ({ ...command, id: `again-${n}` }));
        const twice = once.flatMap((command, n) => [command, repeats[n] ?? command]);
        const [first, second] = [open(), open()];
        const answers = runAll(first, split(once, batches));
        const doubled = runAll(second, split(twice, batches));
        expect(doubled.filter((_, n) => n % 2 === 0)).toEqual(answers);
        for (const [n, { outcome }] of answers.entries()) {
          expect(doubled[2 * n + 1]?.outcome).toEqual(outcome);
        }
        expect(rowsOf(second)).toEqual(rowsOf(first));
      }),
      RULES,
    );
  });

  it('never fail on a row that was edited from outside, and mend it where it falls short', () => {
    const edit = fc.record({
      productId: fc.integer({ min: 1, max: PRODUCTS }),
      free: fc.nat({ max: 3 }),
      out: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(steps, sizes, fc.array(fc.option(edit)), (all, batches, edits) => {
        const store = open();
        const commands = commandsOf(all.map((step) => ({ step, key: null })));
        for (const [n, batch] of split(commands, batches).entries()) {
          const edited = edits[n];
          if (edited) {
            const row = store.products.get(edited.productId);
            const { free, out } = edited;
            if (row) store.products.set(row.id, { ...row, ...counters(free + out, free, 0, out) });
          }
          const from = store.ledger.length;
          store.run(batch);
          for (const row of store.products.values()) {
            const lines = store.ledger.slice(from).filter(({ productId }) => productId === row.id);
            if (lines.length > 0) expect(breachesOf(row)).toEqual([]);
            if (lines.some(({ kind }) => kind === 'sync')) {
              expect(row.quantityRented).toBe(store.unitsRented(row.id));
              expect(lines.at(-1)?.after).toEqual(countersOf(row));
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

function commandsOf(sent: readonly Sent[]): Command[] {
  return sent.map(({ step, key }, n) => {
    const command = commandOf(step, n, sent);
    return { ...command, ...(key === null ? {} : keyed(key, JSON.stringify(step))) };
  });
}

function commandOf(step: Step, n: number, sent: readonly Sent[]): Command {
  const id = `command-${n}`;
  switch (step.do) {
    case 'rent': {
      const { productId, quantity } = step;
      return rent(quantity, { id, productId, rentalId: `rental-${n}` });
    }
    case 'cancel':
    case 'complete': {
      const rented = sent[step.rental]?.step;
      const productId = rented?.do === 'rent' ? rented.productId : 1;
      return end(step.do, `rental-${step.rental}`, { id, productId });
    }
    case 'publish':
    case 'unpublish':
      return publish(step.do, { id, productId: step.productId, ifMatch: step.ifMatch });
    case 'update': {
      const { do: _, productId, ...changes } = step;
      return update(changes, { id, productId });
    }
    case 'create': {
      const products = step.skus.map((sku) => ({ sku }));
      return create(products, { id });
    }
    case 'create_api_key':
      return createKey(`api-key-${n}`, { id });
    case 'revoke_api_key':
      return revokeKey(`api-key-${step.key}`, { id });
    case 'sync':
      return sync({ id, productId: step.productId });
  }
}

function split(commands: readonly Command[], batchSizes: readonly number[]): Command[][] {
  const batches: Command[][] = [];
  for (let from = 0; from < commands.length; ) {
    const size = batchSizes[batches.length % batchSizes.length] ?? 1;
    batches.push(commands.slice(from, from + size));
    from += size;
  }
  return batches;
}

function runAll(store: ModelStore, batches: readonly Command[][]): Settlement[] {
  return batches.flatMap((batch) => store.run(batch));
}

/** All tables; the ledger by product, since that is where its order means something. */
function rowsOf(store: ModelStore) {
  const { products, rentals, records, apiKeys } = store;
  const ledgers = [...products.keys()].map((id) => store.linesOf(id));
  return { products, rentals, records, apiKeys, ledgers };
}

function checkStore(store: ModelStore): void {
  for (const row of store.products.values()) {
    expect(breachesOf(row)).toEqual([]);
    checkProduct(store, row);
  }
}

/** Counters = sums of the ledger = its last line; out = active rentals; a version for each line. */
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
  expect(row.version).toBe(lines.length);
}

/** A product without what every accepted command moves. */
function contentOf(row: Product | undefined): string {
  return JSON.stringify({ ...row, version: 0, updatedAt: 0 });
}
