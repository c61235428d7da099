import { describe, expect, it } from '@jest/globals';
import type { Command } from '../../src/domain/command.js';
import type { Product } from '../../src/domain/product.js';
import type { Reservation } from '../../src/domain/reservation.js';
import { lineText, productOf, productText } from '../helpers/cases.js';
import { confirm, expire, release, rent, saleLine, sell, sync } from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';

const NOW = new ModelStore().now;

/** A product with three free units and two held in all, as it was before somebody edited it. */
function edited(row: Partial<Product>, hold: Partial<Reservation> | null = {}): ModelStore {
  const store = new ModelStore();
  store.addProduct(counters(5, 3, 2, 0));
  const given = { id: 'h', quantity: 2 };
  store.addHold(given);
  store.products.set(1, { ...productOf(store), ...row });
  const now = store.reservations.get('h');
  if (hold === null) store.reservations.delete('h');
  else if (now) store.reservations.set('h', { ...now, ...hold });
  return store;
}

describe('mending a product whose holds, or whose counters for them, were edited from outside', () => {
  type Row = [string, Partial<Product>, Partial<Reservation> | null, Command[], string[], string];
  const none = counters(5, 5, 0, 0);
  const cases: Row[] = [
    [
      'gives back units that the counters had forgotten',
      none,
      {},
      [release('h')],
      ['sync 0 0 0 0', 'release 0 2 -2 0'],
      '5 = 5 + 0 + 0, available, version 3',
    ],
    [
      'rents them',
      none,
      {},
      [confirm('h')],
      ['sync 0 0 0 0', 'confirm 0 0 -2 2'],
      '5 = 3 + 0 + 2, available, version 3',
    ],
    [
      'rents some of them',
      none,
      {},
      [sell([saleLine(1)])],
      ['sync 0 0 0 0', 'confirm 0 0 -1 1'],
      '5 = 3 + 1 + 1, available, version 3',
    ],
    [
      'ends those that are due',
      { ...none, nextHoldDueAt: NOW },
      { expiresAt: NOW },
      [expire(1)],
      ['sync 0 0 0 0', 'expire 0 2 -2 0'],
      '5 = 5 + 0 + 0, available, version 3',
    ],
    [
      'takes the units of a hold for what its row says',
      {},
      { quantity: 4 },
      [release('h')],
      ['sync 0 -2 2 0', 'release 0 4 -4 0'],
      '5 = 5 + 0 + 0, available, version 3',
    ],
    [
      'owns what is held, where less is said to be owned',
      counters(1, 1, 0, 0),
      {},
      [confirm('h')],
      ['sync -3 -3 0 0', 'confirm 0 0 -2 2'],
      '2 = 0 + 0 + 2, rented_out, version 3',
    ],
    [
      'finds on demand that a hold is gone',
      {},
      null,
      [sync(), sync()],
      ['sync 0 2 -2 0'],
      '5 = 5 + 0 + 0, available, version 2',
    ],
    [
      'finds on demand that one is due sooner than anybody would look',
      {},
      { expiresAt: NOW + 1 },
      [sync(), sync()],
      ['sync 0 0 0 0'],
      '5 = 3 + 2 + 0, available, version 2',
    ],
    [
      'leaves the counters alone where they cover what the batch relies on',
      counters(6, 3, 3, 0),
      {},
      [release('h'), rent(5)],
      ['release 0 2 -2 0', 'rent 0 -5 0 5'],
      '6 = 0 + 1 + 5, rented_out, version 3',
    ],
  ];
  it.each(cases)('%s', (_, row, hold, commands, ledger, after) => {
    const store = edited(row, hold);
    for (const { outcome } of store.run(commands)) expect(outcome).toMatchObject({ ok: true });
    expect(store.linesOf(1).slice(1).map(lineText)).toEqual(ledger);
    expect(productText(productOf(store))).toBe(after);
    expect(store.lateHints()).toEqual([]);
  });

  it('covers what is held and what is due together', () => {
    const store = edited(counters(5, 3, 2, 0));
    store.addHold({ id: 'd', cartId: 'd', quantity: 1, expiresAt: NOW });
    const outcomes = store.run([release('h'), expire(1)]).map(({ outcome }) => outcome.ok);
    expect(outcomes).toEqual([true, true]);
    expect(productText(productOf(store))).toBe('5 = 5 + 0 + 0, available, version 4');
  });

  it('never tells of fewer units than none, where only some of what is due was read', () => {
    const store = edited(counters(5, 3, 2, 0));
    store.addHold({ id: 'd', cartId: 'd', quantity: 1, expiresAt: NOW });
    store.run([confirm('h')]);
    expect(productText(productOf(store))).toBe('5 = 2 + 1 + 2, available, version 3');
  });
});
