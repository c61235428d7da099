import { describe, expect, it } from '@jest/globals';
import type { Command } from '../../src/domain/command.js';
import type { Refusal } from '../../src/domain/refusal.js';
import {
  addToCart,
  changeStock,
  confirm,
  confirmCart,
  create,
  createKey,
  end,
  extend,
  finishCleanup,
  keyed,
  line,
  publish,
  release,
  releaseCart,
  removeFromCart,
  rent,
  reserve,
  saleLine,
  sell,
  startCleanup,
  takeOff,
  update,
} from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ModelStore, TTL_MS } from '../helpers/model-store.js';

const REUSED: Refusal = { code: 'idempotency_key_reused' };

const ofUs = { cartId: 'ours' };

/** A store with one product of three free units, and two that are held; ann has two in her cart. */
function open(): ModelStore {
  const store = new ModelStore();
  store.addProduct(counters(5, 3, 2, 0));
  store.addHold({ id: 'ours', cartId: 'ours', quantity: 2 });
  store.addCartItem({ quantity: 2 });
  return store;
}

describe.each([
  ['in one batch', (store: ModelStore, commands: Command[]) => store.run(commands)],
  [
    'in batches of their own',
    (store: ModelStore, commands: Command[]) => commands.flatMap((command) => store.run([command])),
  ],
])('the same key again, %s', (_, run) => {
  it.each<[string, () => Command]>([
    ['a rental', () => rent(1, keyed('k'))],
    ['a change', () => update({ quantity: 9 }, keyed('k'))],
    ['publishing', () => publish('unpublish', keyed('k'))],
    ['new products', () => create([{}, { sku: 'TENT' }], keyed('k'))],
    ['a new API key', () => createKey('key', keyed('k'))],
    ['a refusal', () => rent(9, keyed('k'))],
    ['a hold', () => reserve('add', [line(1)], keyed('k'))],
    ['units taken off a hold', () => takeOff(1, { ...ofUs, ...keyed('k') })],
    ['an extension', () => extend('ours', 100, keyed('k'))],
    ['a confirmation', () => confirm('ours', 'o', keyed('k'))],
    ['a release', () => release('ours', keyed('k'))],
    ['a cart that is confirmed', () => confirmCart('o', { ...ofUs, ...keyed('k') })],
    ['a cart that is released', () => releaseCart({ ...ofUs, ...keyed('k') })],
    ['a sale', () => sell([saleLine(2, ofUs)], keyed('k'))],
    ['units put into a cart', () => addToCart(1, keyed('k'))],
    ['units taken out of a cart', () => removeFromCart(1, keyed('k'))],
    ['a restock', () => changeStock('restock', [{ quantity: 1 }], keyed('k'))],
    ['a count', () => changeStock('adjust', [{ quantity: 9 }], keyed('k'))],
    ['a hold that is refused', () => reserve('add', [line(9)], keyed('k'))],
    ['a cleanup', () => startCleanup(keyed('k'))],
  ])('is answered the same and has no second effect: %s', (_, command) => {
    const once = open();
    run(once, [command()]);
    const store = open();
    const [first, second, third] = run(store, [command(), command(), command()]);
    expect(first?.replayed).toBe(false);
    expect(second).toEqual({ outcome: first?.outcome, replayed: true });
    expect(third).toEqual(second);
    expect([...store.products]).toEqual([...once.products]);
    expect(store.rentals.size).toBe(once.rentals.size);
    expect(store.reservations.size).toBe(once.reservations.size);
    expect([...store.cartItems.values()].map(({ quantity }) => quantity)).toEqual(
      [...once.cartItems.values()].map(({ quantity }) => quantity),
    );
    expect(store.ledger.map(({ after }) => after)).toEqual(once.ledger.map(({ after }) => after));
    expect(store.records.size).toBe(1);
  });

  it('is refused for another request, which changes nothing and does not spoil the first', () => {
    const store = open();
    const settlements = run(store, [
      rent(1, keyed('k', 'one')),
      rent(2, keyed('k', 'two')),
      rent(1, keyed('k', 'one')),
    ]);
    expect(settlements.map(({ outcome, replayed }) => [outcome.ok, replayed])).toEqual([
      [true, false],
      [false, false],
      [true, true],
    ]);
    expect(settlements[1]?.outcome).toEqual({ ok: false, refusal: REUSED });
    expect(store.unitsRented(1)).toBe(1);
  });

  it('gives a refusal again, though things have changed', () => {
    const store = open();
    const settlements = run(store, [
      rent(4, keyed('k')),
      update({ quantity: 9 }),
      rent(4, keyed('k')),
      rent(4, keyed('l')),
    ]);
    const refusal = { code: 'insufficient_stock', available: 3, requested: 4 };
    expect(settlements[0]?.outcome).toEqual({ ok: false, refusal });
    expect(settlements[2]).toEqual({ outcome: { ok: false, refusal }, replayed: true });
    expect(settlements[3]?.outcome.ok).toBe(true);
  });

  it('gives the answer of then, though things have changed', () => {
    const store = open();
    const settlements = run(store, [
      rent(1, { ...keyed('k'), rentalId: 'r' }),
      end('complete', 'r'),
      rent(1, keyed('k')),
    ]);
    expect(settlements[2]).toEqual({ outcome: settlements[0]?.outcome, replayed: true });
    expect(settlements[2]?.outcome).toMatchObject({
      value: { rental: { id: 'r', status: 'active' }, quantityAvailable: 2 },
    });
  });
});

describe('what a key remembers', () => {
  const future = () => rent(1, { ...keyed('k'), startsAt: open().now + 1 });
  it.each<[string, Command, boolean]>([
    ['an acceptance', rent(1, keyed('k')), true],
    ['out of stock', rent(1, { ...keyed('k'), productId: 2 }), true],
    ['too few', rent(4, keyed('k')), true],
    ['a draft', rent(1, { ...keyed('k'), productId: 3 }), true],
    ['a rental that is over', end('cancel', 'over', keyed('k')), true],
    ['too few owned', update({ quantity: 0 }, { ...keyed('k'), productId: 2 }), true],
    ['another version', publish('publish', { ...keyed('k'), ifMatch: [9] }), true],
    ['a product that is not there', rent(1, { ...keyed('k'), productId: 9 }), false],
    ['a rental that is not there', end('cancel', 'none', keyed('k')), false],
    ['a bad value', update({ priceAmount: 1 }, keyed('k')), false],
    ['a start in the future', future(), false],
  ])('%s: remembered or not', (_, command, isRemembered) => {
    const store = open();
    store.addProduct({
      id: 2,
      sku: 'OUT',
      ...counters(1, 0, 0, 1),
      availabilityStatus: 'rented_out',
    });
    store.addProduct({ id: 3, sku: 'DRAFT', availabilityStatus: 'draft' });
    store.addRental({ id: 'over', status: 'completed' });
    store.run([command]);
    expect(store.records.size).toBe(isRemembered ? 1 : 0);
    expect(store.run([command])[0]?.replayed).toBe(isRemembered);
  });

  it('is kept until its time, and then counts as absent', () => {
    const store = open();
    store.run([rent(1, keyed('k'))]);
    store.now += TTL_MS - 1;
    expect(store.run([rent(1, keyed('k'))])[0]?.replayed).toBe(true);
    store.now += 1;
    expect(store.run([rent(1, keyed('k', 'another'))])[0]).toMatchObject({
      outcome: { ok: true },
      replayed: false,
    });
    expect(store.records.get('k')).toMatchObject({
      requestHash: 'another',
      expiresAt: store.now + TTL_MS,
    });
    expect(store.unitsRented(1)).toBe(2);
  });

  it('is replaced once, where a batch brings an old key several times', () => {
    const store = open();
    store.run([rent(1, keyed('k'))]);
    store.now += TTL_MS;
    const again = [rent(1, keyed('k')), rent(1, keyed('k')), rent(1, keyed('k', 'other'))];
    const settlements = store.run(again);
    expect(settlements.map(({ replayed }) => replayed)).toEqual([false, true, false]);
    expect(settlements[2]?.outcome).toEqual({ ok: false, refusal: REUSED });
    expect(store.unitsRented(1)).toBe(2);
  });

  it('keeps an old record where the new answer is none to remember', () => {
    const store = open();
    store.run([rent(1, keyed('k'))]);
    store.now += TTL_MS;
    store.run([rent(1, { ...keyed('k'), productId: 9 })]);
    expect(store.records.get('k')?.expiresAt).toBe(store.now);
    expect(store.run([rent(1, keyed('k'))])[0]).toMatchObject({ replayed: false });
  });
});

it('gives the summary of a cleanup to the key that it was begun with', () => {
  const store = open();
  store.run([startCleanup(keyed('k'))]);
  const summary = { expired: 1, released: 2, errors: 0 };
  store.run([finishCleanup('k', summary)]);
  const [again] = store.run([startCleanup(keyed('k'))]);
  expect(again).toEqual({
    outcome: { ok: true, value: { runId: 'run', summary } },
    replayed: true,
  });
});
