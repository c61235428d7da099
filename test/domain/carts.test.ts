import { describe, expect, it } from '@jest/globals';
import type { Refusal } from '../../src/domain/refusal.js';
import { type Case, check, run } from '../helpers/cases.js';
import { addToCart, line, removeFromCart, reserve } from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';

const NOW = new ModelStore().now;
const none = { hold: null };
const NO_ITEM: Refusal = { code: 'cart_item_not_found' };
const inCart = { id: 'h', cartId: 'user:ann', customerId: 'ann' };

describe('the lines of a cart', () => {
  const cases: Case[] = [
    {
      title: 'are added to, and so are their holds',
      commands: [addToCart(1), addToCart(2), addToCart(1)],
      outcomes: [
        'done',
        'done',
        {
          code: 'out_of_stock',
          available: 0,
          requested: 1,
        },
      ],
      ledger: ['reserve 0 -1 1 0', 'change_hold 0 -2 2 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 3',
    },
    {
      title: 'hold nothing where that is not asked for, and may be more than there is',
      commands: [addToCart(9, none)],
      outcomes: ['done'],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'are taken off, so far as they go, and their holds so far as those go',
      products: [counters(5, 3, 2, 0)],
      holds: [{ ...inCart, quantity: 2 }],
      items: [{ quantity: 4 }],
      commands: [removeFromCart(5), removeFromCart(1), removeFromCart(null), removeFromCart(1)],
      outcomes: [{ code: 'invalid_transition', inCart: 4, requested: 5 }, 'done', 'done', NO_ITEM],
      ledger: ['change_hold 0 1 -1 0', 'release 0 1 -1 0'],
      after: '5 = 5 + 0 + 0, available, version 3',
    },
    {
      title: 'go, and leave their hold, where that is asked for',
      products: [counters(5, 3, 2, 0)],
      holds: [{ ...inCart, quantity: 2 }],
      items: [{ quantity: 2 }],
      commands: [removeFromCart(null, { release: false })],
      outcomes: ['done'],
      ledger: [],
      after: '5 = 3 + 2 + 0, available, version 1',
      held: ['h: user:ann 2 of 1, reserved'],
    },
    {
      title: 'go without a hold that is due, and are held anew where they are added to',
      products: [counters(5, 3, 2, 0)],
      holds: [{ ...inCart, quantity: 2, expiresAt: NOW }],
      items: [{ quantity: 2 }],
      commands: [removeFromCart(1), addToCart(1, { hold: { lastsMs: 9, reservationId: 'new' } })],
      outcomes: ['done', 'done'],
      ledger: ['expire 0 2 -2 0', 'reserve 0 -1 1 0'],
      after: '5 = 4 + 1 + 0, available, version 3',
      held: ['h: user:ann 2 of 1, expired', 'new: user:ann 1 of 1, reserved'],
    },
    {
      title: "are another's only for who acts for anyone",
      items: [{ quantity: 2 }],
      commands: [
        addToCart(1, { ownerId: 'bob' }),
        removeFromCart(1, { ownerId: 'bob' }),
        removeFromCart(1, { ownerId: 'ann' }),
        removeFromCart(1),
      ],
      outcomes: [{ code: 'forbidden' }, { code: 'forbidden' }, 'done', 'done'],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'are of products that exist, in their store',
      items: [{ quantity: 2 }],
      commands: [
        addToCart(1, { productId: 9 }),
        removeFromCart(1, { productId: 9 }),
        addToCart(1, { storeId: 2 }),
        removeFromCart(1, { storeId: 2 }),
      ],
      outcomes: Array.from({ length: 4 }, () => ({ code: 'product_not_found' })),
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('keep the price that was given last, and their id', () => {
    const { store, outcomes } = run({
      commands: [
        addToCart(1, { itemId: 'i', priceAmount: 500, shippingAmount: 90, ...none }),
        addToCart(2, { itemId: 'j', priceAmount: 400, ...none }),
      ],
    });
    const item = { id: 'i', userId: 'ann', quantity: 3, priceAmount: 400, shippingAmount: 90 };
    expect([...store.cartItems.values()]).toMatchObject([item]);
    expect(outcomes[1]).toMatchObject({
      ok: true,
      value: { item, sku: 'TENT', reservation: null, quantityAvailable: 3 },
    });
  });

  it('have a million units at most', () => {
    const { outcomes, store } = run({
      items: [{ quantity: 999_999 }],
      commands: [addToCart(2), addToCart(1, none)],
    });
    expect(outcomes).toMatchObject([
      { ok: false, refusal: { code: 'validation_failed', errors: [{ field: 'quantity' }] } },
      { ok: true },
    ]);
    expect(store.reservations.size).toBe(0);
  });

  it('can be removed and added again in one batch', () => {
    const { store } = run({
      items: [{ id: 'old', quantity: 2 }],
      commands: [
        removeFromCart(null),
        addToCart(1, { itemId: 'new', ...none }),
        addToCart(1, none),
      ],
    });
    expect([...store.cartItems.values()]).toMatchObject([{ id: 'new', quantity: 2 }]);
  });

  it('share their hold with what was held for the user by itself', () => {
    const { store } = run({
      commands: [
        reserve('add', [line(1, { cartId: 'user:ann', reservationId: 'h' })]),
        addToCart(1),
        removeFromCart(null),
      ],
    });
    expect(store.reservations.get('h')).toMatchObject({ quantity: 1, status: 'reserved' });
  });
});
