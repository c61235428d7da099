import fc from 'fast-check';
import type { Command } from '../../src/domain/command.js';
import * as commands from './commands.js';
import { keyed } from './commands.js';

/**
 * Random sequences of commands of all kinds. A sequence is told as steps: what a client does, where
 * a rental, a hold or a key is named by the step that made it. Each run makes commands of them
 * anew, with the same ids.
 */
export type Step =
  | { do: 'rent'; productId: number; quantity: number }
  | { do: 'cancel' | 'complete'; rental: number }
  | { do: 'release_units'; productId: number; quantity: number }
  | { do: 'publish' | 'unpublish'; productId: number; ifMatch: number[] | null }
  | { do: 'update'; productId: number; quantity?: number; name?: string; priceAmount?: number }
  | { do: 'create'; skus: string[] }
  | { do: 'create_api_key' }
  | { do: 'revoke_api_key'; key: number }
  | { do: 'sync'; productId: number }
  | { do: 'reserve'; how: 'set' | 'add'; who: Who; lines: (Line & { lasts: number })[] }
  | ({ do: 'take_off_hold'; who: Who } & Line)
  | { do: 'extend'; who: Who; hold: number; byMs: number }
  | { do: 'confirm'; who: Who; hold: number; orderId: string }
  | { do: 'release'; who: Who; hold: number }
  | { do: 'confirm_cart'; who: Who; cartId: string; orderId: string; productIds: number[] }
  | { do: 'release_cart'; who: Who; cartId: string; productIds: number[] }
  | { do: 'sell'; who: Who; lines: (Line & { isHeld: boolean })[]; boughtBy: string | null }
  | {
      do: 'add_to_cart';
      who: Who;
      productId: number;
      userId: string;
      quantity: number;
      lasts: number;
    }
  | { do: 'remove_from_cart'; who: Who; productId: number; userId: string; quantity: number | null }
  | { do: 'restock' | 'adjust'; lines: { productId: number; quantity: number }[] }
  | { do: 'expire'; productId: number; max: number };

interface Line {
  productId: number;
  cartId: string;
  quantity: number;
}

/** The customer who asks; null: somebody who acts for anyone. */
type Who = string | null;

/** `after`: ms that go by before it. `key`: null where it is sent without an Idempotency-Key. */
export interface Sent {
  step: Step;
  key: string | null;
  after: number;
}

export const PRODUCTS = [1, 2, 3];
/** A product made on the way is not named: nobody can know its id before its batch is over. */
const NO_PRODUCT = 99;
const CARTS = ['cart', 'other', 'user:ann', 'checkout:c'];
/** ms: holds are due soon, some of them before the next command */
const LASTS = [100, 500, 3000];

const productId = fc.constantFrom(...PRODUCTS, 1, 1, NO_PRODUCT);
const earlier = fc.nat({ max: 30 });
const version = fc.integer({ min: 1, max: 8 });
const quantity = fc.integer({ min: 1, max: 4 });
const who = fc.constantFrom<Who>(null, 'ann', 'bob');
const cartId = fc.constantFrom(...CARTS);
const orderId = fc.constantFrom('order', 'another');
const lasts = fc.constantFrom(...LASTS);
const lines = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 3 });
const is = <T extends string>(...words: T[]) => fc.constantFrom(...words);

/** Of one kind of step: how often it comes, and what it may be. */
const kinds: Record<string, { weight: number; arbitrary: fc.Arbitrary<Step> }> = {
  rent: { weight: 5, arbitrary: fc.record({ do: is('rent'), productId, quantity }) },
  end: { weight: 3, arbitrary: fc.record({ do: is('cancel', 'complete'), rental: earlier }) },
  releaseUnits: {
    weight: 1,
    arbitrary: fc.record({ do: is('release_units'), productId, quantity }),
  },
  publish: {
    weight: 2,
    arbitrary: fc.record({
      do: is('publish', 'unpublish'),
      productId,
      ifMatch: fc.oneof(fc.constant(null), fc.array(version, { minLength: 1, maxLength: 3 })),
    }),
  },
  update: {
    weight: 2,
    arbitrary: fc.record(
      {
        do: is('update'),
        productId,
        quantity: fc.nat({ max: 8 }),
        name: is('Tent', 'Big tent'),
        priceAmount: fc.constant(5),
      },
      { requiredKeys: ['do', 'productId'] },
    ),
  },
  create: {
    weight: 1,
    arbitrary: fc.record({ do: is('create'), skus: lines(is('SKU-1', 'A', 'B', 'C')) }),
  },
  createKey: { weight: 1, arbitrary: fc.constant<Step>({ do: 'create_api_key' }) },
  revokeKey: { weight: 1, arbitrary: fc.record({ do: is('revoke_api_key'), key: earlier }) },
  sync: { weight: 1, arbitrary: fc.record({ do: is('sync'), productId }) },
  reserve: {
    weight: 8,
    arbitrary: fc.record({
      do: is('reserve'),
      how: is('set', 'add'),
      who,
      lines: lines(fc.record({ productId, cartId, quantity, lasts })),
    }),
  },
  takeOff: {
    weight: 2,
    arbitrary: fc.record({ do: is('take_off_hold'), who, productId, cartId, quantity }),
  },
  extend: {
    weight: 2,
    arbitrary: fc.record({
      do: is('extend'),
      who,
      hold: earlier,
      byMs: fc.constantFrom(200, 4000, 20_000),
    }),
  },
  confirm: { weight: 3, arbitrary: fc.record({ do: is('confirm'), who, hold: earlier, orderId }) },
  release: { weight: 2, arbitrary: fc.record({ do: is('release'), who, hold: earlier }) },
  confirmCart: {
    weight: 2,
    arbitrary: fc.record({
      do: is('confirm_cart'),
      who,
      cartId,
      orderId,
      productIds: fc.subarray(PRODUCTS),
    }),
  },
  releaseCart: {
    weight: 1,
    arbitrary: fc.record({
      do: is('release_cart'),
      who,
      cartId,
      productIds: fc.subarray(PRODUCTS),
    }),
  },
  sell: {
    weight: 3,
    arbitrary: fc.record({
      do: is('sell'),
      who,
      lines: lines(fc.record({ productId, cartId, quantity, isHeld: fc.boolean() })),
      boughtBy: fc.constantFrom(null, 'ann'),
    }),
  },
  addToCart: {
    weight: 2,
    arbitrary: fc.record({
      do: is('add_to_cart'),
      who,
      productId,
      userId: is('ann', 'bob'),
      quantity,
      // 0: nothing is held
      lasts: fc.constantFrom(0, ...LASTS),
    }),
  },
  removeFromCart: {
    weight: 2,
    arbitrary: fc.record({
      do: is('remove_from_cart'),
      who,
      productId,
      userId: is('ann', 'bob'),
      quantity: fc.oneof(fc.constant(null), quantity),
    }),
  },
  stock: {
    weight: 2,
    arbitrary: fc.record({
      do: is('restock', 'adjust'),
      lines: lines(fc.record({ productId, quantity: fc.integer({ min: 1, max: 6 }) })),
    }),
  },
  expire: {
    weight: 1,
    arbitrary: fc.record({ do: is('expire'), productId, max: fc.integer({ min: 1, max: 3 }) }),
  },
};

const step = fc.oneof(...Object.values(kinds));
const after = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(1, 100, 600, 3000) },
);

/** Without keys. */
export const steps: fc.Arbitrary<Sent[]> = fc.array(
  fc.record({ step, key: fc.constant(null), after }),
  { maxLength: 30 },
);
/** Some with a key; few keys, so that some come again, with the same request or with another. */
export const sentSteps: fc.Arbitrary<Sent[]> = fc.array(
  fc.record({ step, key: fc.option(is('k', 'l', 'm'), { freq: 2 }), after }),
  { maxLength: 30 },
);
/** How many commands each batch takes, over and over. */
export const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

/** What is sent at one time, and the ms that went by before. */
export interface Round {
  readonly after: number;
  readonly commands: readonly Command[];
}

/** Commands of steps, in rounds: time goes by between them, and never within a batch. */
export function roundsOf(
  sent: readonly Sent[],
  options: { wholeCarts?: boolean; keyOf?: (n: number) => string } = {},
): Round[] {
  const rounds: { after: number; commands: Command[] }[] = [];
  for (const [n, { step, key, after }] of sent.entries()) {
    const named =
      options.wholeCarts && 'productIds' in step ? { ...step, productIds: PRODUCTS } : step;
    const made = commandOf(named, n, sent);
    const itsKey = options.keyOf?.(n) ?? key;
    const command = itsKey === null ? made : { ...made, ...keyed(itsKey, JSON.stringify(step)) };
    const round = rounds.at(-1);
    if (round && after === 0) round.commands.push(command);
    else rounds.push({ after, commands: [command] });
  }
  return rounds;
}

function commandOf(step: Step, n: number, sent: readonly Sent[]): Command {
  const id = `command-${n}`;
  const rentalId = `rental-${n}`;
  switch (step.do) {
    case 'rent': {
      const { productId } = step;
      // Those of nobody in particular can come back unnamed.
      const userId = n % 2 === 0 ? 'ann' : null;
      return commands.rent(step.quantity, { id, productId, rentalId, userId });
    }
    case 'cancel':
    case 'complete': {
      const productId = productOf(sent, step.rental);
      return commands.end(step.do, `rental-${step.rental}`, { id, productId });
    }
    case 'release_units': {
      const { productId, quantity } = step;
      return commands.releaseUnits(quantity, { id, productId, splitRentalId: `split-${n}` });
    }
    case 'publish':
    case 'unpublish':
      return commands.publish(step.do, { id, productId: step.productId, ifMatch: step.ifMatch });
    case 'update': {
      const { do: _, productId, ...changes } = step;
      return commands.update(changes, { id, productId });
    }
    case 'create':
      return commands.create(
        step.skus.map((sku) => ({ sku })),
        { id },
      );
    case 'create_api_key':
      return commands.createKey(`api-key-${n}`, { id });
    case 'revoke_api_key':
      return commands.revokeKey(`api-key-${step.key}`, { id });
    case 'sync':
      return commands.sync({ id, productId: step.productId });
    case 'reserve': {
      const lines = step.lines.map(({ lasts: lastsMs, quantity, ...line }, i) =>
        commands.line(quantity, {
          ...line,
          expiry: { lastsMs },
          reservationId: named('hold', n, i),
        }),
      );
      return commands.reserve(step.how, lines, { id, ownerId: step.who });
    }
    case 'take_off_hold': {
      const { productId, cartId, quantity, who: ownerId } = step;
      return commands.takeOff(quantity, { id, productId, cartId, ownerId });
    }
    case 'extend': {
      const given = { id, ownerId: step.who, productId: productOf(sent, step.hold) };
      return commands.extend(`hold-${step.hold}`, step.byMs, given);
    }
    case 'confirm': {
      const given = { id, rentalId, ownerId: step.who, productId: productOf(sent, step.hold) };
      return commands.confirm(`hold-${step.hold}`, step.orderId, given);
    }
    case 'release': {
      const given = { id, ownerId: step.who, productId: productOf(sent, step.hold) };
      return commands.release(`hold-${step.hold}`, given);
    }
    case 'confirm_cart': {
      const { who: ownerId, cartId, productIds } = step;
      const rentalIds = productIds.map((productId) => `rental-${n}-${productId}`);
      return commands.confirmCart(step.orderId, { id, ownerId, cartId, productIds, rentalIds });
    }
    case 'release_cart': {
      const { who: ownerId, cartId, productIds } = step;
      return commands.releaseCart({ id, ownerId, cartId, productIds });
    }
    case 'sell': {
      const lines = step.lines.map(({ quantity, isHeld: holdMustExist, ...line }, i) => {
        const rest = { ...line, holdMustExist, rentalId: named('rental', n, i) };
        return commands.saleLine(quantity, rest);
      });
      return commands.sell(lines, { id, ownerId: step.who, boughtBy: step.boughtBy });
    }
    case 'add_to_cart': {
      const { who: ownerId, productId, userId, quantity, lasts: lastsMs } = step;
      const hold = lastsMs === 0 ? null : { lastsMs, reservationId: `hold-${n}` };
      const given = { id, ownerId, productId, userId, hold, itemId: `item-${n}` };
      return commands.addToCart(quantity, given);
    }
    case 'remove_from_cart': {
      const { who: ownerId, productId, userId } = step;
      return commands.removeFromCart(step.quantity, { id, ownerId, productId, userId });
    }
    case 'restock':
    case 'adjust':
      return commands.changeStock(step.do, step.lines, { id });
    case 'expire':
      return commands.expire(step.max, { id, productId: step.productId });
  }
}

/** The first line's is named after its step alone, so that later steps find it. */
const named = (what: string, n: number, i: number) =>
  i === 0 ? `${what}-${n}` : `${what}-${n}-${i}`;

/** The product of the hold or rental that a step made first. */
function productOf(sent: readonly Sent[], n: number): number {
  const step = sent[n]?.step;
  if (!step) return 1;
  if ('lines' in step) return step.lines[0]?.productId ?? 1;
  if ('productId' in step) return step.productId;
  return 'hold' in step && step.hold < n ? productOf(sent, step.hold) : 1;
}

/** Cuts commands into batches of these sizes, over and over. */
export function split(all: readonly Command[], batchSizes: readonly number[]): Command[][] {
  const batches: Command[][] = [];
  for (let from = 0; from < all.length; ) {
    const size = batchSizes[batches.length % batchSizes.length] ?? 1;
    batches.push(all.slice(from, from + size));
    from += size;
  }
  return batches;
}
