import { describe, expect, it } from '@jest/globals';
import type { Refusal } from '../../src/domain/refusal.js';
import { type Case, check, heldTexts, productOf, productText, run } from '../helpers/cases.js';
import {
  confirm,
  confirmCart,
  end,
  extend,
  line,
  releaseCart,
  rent,
  reserve,
  saleLine,
  sell,
} from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { HOLD_MAX_MS, ModelStore } from '../helpers/model-store.js';

const NOW = new ModelStore().now;
const EXPIRED: Refusal = { code: 'reservation_expired' };
const NO_HOLD: Refusal = { code: 'reservation_not_found' };
const over = (reservationStatus: 'confirmed' | 'released'): Refusal => ({
  code: 'invalid_transition',
  reservationStatus,
  action: 'confirm',
});
const availableIn = (reason: Refusal) => ('available' in reason ? reason.available : 0);
const short = (reason: Refusal, ...indexes: number[]): Refusal => ({
  ...reason,
  lines: indexes.map((index) => ({ index, reason, available: availableIn(reason) })),
});
const having = (available: number, refusal: Refusal): Refusal => ({
  ...refusal,
  lines: (refusal.lines ?? []).map((line) => ({ ...line, available })),
});
const two = [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER', ...counters(4, 2, 2, 0) }];
const ofTwo = [
  { id: 'h', quantity: 3, customerId: 'ann' },
  { id: 'i', quantity: 2, productId: 2 },
];
const both = { productIds: [1, 2] };
const draft = { availabilityStatus: 'draft' } as const;

describe("renting what a user's own cart holds", () => {
  const own = { id: 'h', cartId: 'user:ann', customerId: 'ann' };
  const cases: Case[] = [
    {
      title: 'takes the hold where free units are short, and free ones beside it',
      products: [counters(3, 1, 2, 0)],
      holds: [{ ...own, quantity: 2 }],
      commands: [rent(3)],
      outcomes: ['done'],
      ledger: ['confirm 0 0 -2 2', 'rent 0 -1 0 1'],
      after: '3 = 0 + 0 + 3, rented_out, version 3',
      held: ['h: user:ann 2 of 1, confirmed'],
    },
    {
      title: 'leaves the hold alone where enough is free',
      products: [counters(3, 1, 2, 0)],
      holds: [{ ...own, quantity: 2 }],
      commands: [rent(1)],
      outcomes: ['done'],
      ledger: ['rent 0 -1 0 1'],
      after: '3 = 0 + 2 + 1, rented_out, version 2',
      held: ['h: user:ann 2 of 1, reserved'],
    },
    {
      title: 'is not for another user, nor for nobody',
      products: [{ ...counters(2, 0, 2, 0), availabilityStatus: 'rented_out' }],
      holds: [{ ...own, quantity: 2 }],
      commands: [rent(1, { userId: 'bob' }), rent(1, { userId: null })],
      outcomes: [
        { code: 'out_of_stock', available: 0, requested: 1 },
        { code: 'out_of_stock', available: 0, requested: 1 },
      ],
      ledger: [],
      after: '2 = 0 + 2 + 0, rented_out, version 1',
      held: ['h: user:ann 2 of 1, reserved'],
    },
    {
      title: 'is refused as a whole where both do not suffice, and is told of both',
      products: [counters(3, 1, 2, 0)],
      holds: [{ ...own, quantity: 2 }],
      commands: [rent(4)],
      outcomes: [{ code: 'insufficient_stock', available: 3, requested: 4 }],
      ledger: [],
      after: '3 = 1 + 2 + 0, available, version 1',
      held: ['h: user:ann 2 of 1, reserved'],
    },
  ];
  it.each(cases)('$title', check);
});

describe('confirming a hold', () => {
  const held = { products: [counters(5, 2, 3, 0)], holds: [{ id: 'h', quantity: 3 }] };
  const cases: Case[] = [
    {
      title: 'is one line, reserved down and rented up; again for its order it is answered so',
      ...held,
      commands: [confirm('h', 'o'), confirm('h', 'o'), confirm('h', 'other')],
      outcomes: ['done', 'done', over('confirmed')],
      ledger: ['confirm 0 0 -3 3'],
      after: '5 = 2 + 0 + 3, available, version 2',
      held: ['h: cart 3 of 1, confirmed'],
    },
    {
      title: 'goes on as a draft',
      ...held,
      products: [{ ...counters(5, 2, 3, 0), ...draft }],
      commands: [confirm('h')],
      outcomes: ['done'],
      ledger: ['confirm 0 0 -3 3'],
      after: '5 = 2 + 0 + 3, draft, version 2',
    },
    {
      title: 'is refused from when it is due, and for one that is over or unknown',
      products: [counters(5, 4, 1, 0)],
      holds: [
        { id: 'due', cartId: 'a', expiresAt: NOW },
        { id: 'gone', cartId: 'b', status: 'expired', expiresAt: NOW - 1 },
        { id: 'back', cartId: 'c', status: 'released' },
      ],
      commands: ['due', 'gone', 'back', 'none'].map((id) => confirm(id)),
      outcomes: [EXPIRED, EXPIRED, over('released'), NO_HOLD],
      ledger: [],
      after: '5 = 4 + 1 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('tells of the hold and of its rental, the same again though the rental is over meanwhile', () => {
    const { outcomes, store, lines } = run({
      ...held,
      holds: [{ id: 'h', quantity: 3, customerId: 'ann' }],
      commands: [confirm('h', 'o', { rentalId: 'r' }), confirm('h', 'o', { rentalId: 's' })],
    });
    expect(outcomes[0]).toMatchObject({
      ok: true,
      value: {
        reservation: {
          id: 'h',
          status: 'confirmed',
          confirmedAt: NOW,
          orderId: 'o',
          rentalId: 'r',
        },
        rental: { id: 'r', userId: 'ann', quantity: 3, orderId: 'o', reservationId: 'h' },
      },
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(lines).toMatchObject([{ reservationId: 'h', rentalId: 'r', orderId: 'o' }]);
    store.run([end('complete', 'r')]);
    const [again] = store.run([confirm('h', 'o')]);
    expect(again?.outcome).toMatchObject({ ok: true, value: { rental: { status: 'completed' } } });
  });
});

describe('confirming a cart', () => {
  it('makes a rental of each of its holds; again for its order it is answered so', () => {
    const { store, outcomes } = run({
      products: two,
      holds: ofTwo,
      commands: [confirmCart('o', both), confirmCart('o', both), confirmCart('other', both)],
    });
    expect(outcomes[0]).toMatchObject({
      ok: true,
      value: {
        reservations: [
          { id: 'h', status: 'confirmed' },
          { id: 'i', sku: 'OTHER' },
        ],
        rentals: [
          { productId: 1, quantity: 3, userId: 'ann', orderId: 'o' },
          { productId: 2, quantity: 2, userId: null, reservationId: 'i' },
        ],
      },
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual({ ok: false, refusal: NO_HOLD });
    expect(heldTexts(store)).toEqual(['h: cart 3 of 1, confirmed', 'i: cart 2 of 2, confirmed']);
    expect(store.rentals.size).toBe(2);
  });

  it('does not confirm what came into the cart after its order was confirmed', () => {
    const { store } = run({ products: two, holds: [ofTwo[0] ?? { id: '' }], commands: [] });
    const [first] = store.run([confirmCart('o')]);
    store.now += 10;
    store.run([reserve('set', [line(1, { productId: 2, reservationId: 'late' })])]);
    const [again] = store.run([confirmCart('o', both)]);
    expect(again?.outcome).toEqual(first?.outcome);
    expect(store.reservations.get('late')?.status).toBe('reserved');
  });

  it('confirms the rest of a cart of which one hold was confirmed for the order by itself', () => {
    const { store } = run({ products: two, holds: ofTwo, commands: [] });
    store.now += 10;
    store.run([confirm('h', 'o')]);
    const [rest] = store.run([confirmCart('o', both)]);
    expect(rest?.outcome).toMatchObject({
      ok: true,
      value: {
        reservations: [{ id: 'h' }, { id: 'i' }],
        rentals: [{ quantity: 3 }, { quantity: 2 }],
      },
    });
    const [again] = store.run([confirmCart('o', both)]);
    expect(again?.outcome).toEqual(rest?.outcome);
  });

  it.each([
    ['due', { status: 'reserved' as const, expiresAt: NOW }],
    ['expired', { status: 'expired' as const, expiresAt: NOW - 5 }],
  ])('confirms nothing where one of it is %s, and names it', (_, row) => {
    const { outcomes, store } = run({
      products: two,
      holds: [
        { id: 'h', quantity: 3 },
        { id: 'i', quantity: 2, productId: 2, ...row },
      ],
      commands: [confirmCart('o', both)],
    });
    const expired = [{ reservationId: 'i', productId: 2, expiredAt: row.expiresAt }];
    expect(outcomes).toEqual([{ ok: false, refusal: { code: 'reservation_expired', expired } }]);
    expect(store.rentals.size).toBe(0);
  });

  it.each([
    ['a newer hold on that product', { id: 'z', productId: 2, createdAt: NOW - 1 }, true],
    [
      'a newer one that was given back',
      { id: 'z', productId: 2, createdAt: NOW - 1, status: 'released' as const },
      true,
    ],
    ['nothing newer', { id: 'z', productId: 2, cartId: 'other' }, false],
  ])('looks past what expired where there is %s', (_, newer, isDone) => {
    const gone = {
      id: 'i',
      productId: 2,
      status: 'expired',
      createdAt: NOW - 9,
      expiresAt: NOW - 5,
    } as const;
    const { outcomes } = run({
      products: [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER', ...counters(4, 3, 1, 0) }],
      holds: [{ id: 'h', quantity: 3 }, gone, newer],
      commands: [confirmCart('o', both)],
    });
    expect(outcomes.map(({ ok }) => ok)).toEqual([isDone]);
  });

  it.each(['expired', 'reserved'] as const)(
    'has forgotten what expired longer ago than a hold may live, and is written down as %s',
    (status) => {
      const gone = { id: 'i', productId: 2, status, createdAt: NOW - 2 * HOLD_MAX_MS };
      const confirmed = ([0, 1] as const).map((ms) => {
        const { outcomes } = run({
          products: [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER', ...counters(4, 3, 1, 0) }],
          holds: [
            { id: 'h', quantity: 3 },
            { ...gone, expiresAt: NOW - HOLD_MAX_MS - ms },
          ],
          commands: [confirmCart('o', both)],
        });
        return outcomes.map(({ ok }) => ok);
      });
      expect(confirmed).toEqual([[false], [true]]);
    },
  );

  it('is not told of what a neighbour in its batch reads of the cart', () => {
    const gone = { id: 'i', productId: 2, status: 'expired', createdAt: 0 } as const;
    const { outcomes } = run({
      products: [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER' }],
      holds: [
        { id: 'h', quantity: 3 },
        { ...gone, expiresAt: NOW - HOLD_MAX_MS - 1 },
      ],
      commands: [extend('i', 1, { productId: 2 }), confirmCart('o', both)],
    });
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true]);
  });

  it('confirms the hold that was made last, where others of its batch are over', () => {
    const store = new ModelStore();
    store.addProduct({});
    const made = (reservationId: string) => reserve('set', [line(1, { reservationId })]);
    store.run([made('z'), releaseCart(), made('a')]);
    const [confirmed] = store.run([confirmCart()]);
    expect(confirmed?.outcome).toMatchObject({ ok: true, value: { reservations: [{ id: 'a' }] } });
  });

  it.each([
    ['that nobody locked', [confirmCart('o'), releaseCart({ cartId: 'x' })]],
    [
      'that only another command of the batch locked',
      [confirmCart('o'), reserve('set', [line(1, { productId: 2, cartId: 'x' })])],
    ],
  ])('is sent again with a product %s, and has left nothing behind', (_, commands) => {
    const { store, outcomes } = run({ products: two, holds: ofTwo, commands });
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    const held = ['h: cart 3 of 1, confirmed', 'i: cart 2 of 2, confirmed'];
    expect(heldTexts(store)).toEqual(expect.arrayContaining(held));
    expect(store.rentals.size).toBe(2);
    expect(store.ledger.filter(({ kind }) => kind === 'confirm')).toHaveLength(2);
  });
});

describe('releasing a cart', () => {
  it('gives back what it holds, once, and leaves what is due or over as it stands', () => {
    const { outcomes, store } = run({
      products: [counters(9, 3, 6, 0), { id: 2, sku: 'OTHER', ...counters(4, 2, 2, 0) }],
      holds: [
        { id: 'h', quantity: 3 },
        { id: 'i', productId: 2, quantity: 2, expiresAt: NOW },
        { id: 'j', cartId: 'other', quantity: 3 },
      ],
      commands: [releaseCart(both), releaseCart({ ...both, mustBeKnown: true })],
    });
    expect(outcomes).toMatchObject([
      { ok: true, value: { reservations: [{ id: 'h', status: 'released', releasedAt: NOW }] } },
      { ok: true, value: { reservations: [] } },
    ]);
    expect(heldTexts(store)).toEqual([
      'h: cart 3 of 1, released',
      'i: cart 2 of 2, reserved',
      'j: other 3 of 1, reserved',
    ]);
  });

  it('is refused for one that never held anything, where that is asked for', () => {
    const { outcomes } = run({ commands: [releaseCart(), releaseCart({ mustBeKnown: true })] });
    expect(outcomes).toEqual([
      { ok: true, value: { reservations: [] } },
      { ok: false, refusal: NO_HOLD },
    ]);
  });

  it('is sent again where the cart holds a product that was not locked', () => {
    const { outcomes } = run({ products: two, holds: ofTwo, commands: [releaseCart()] });
    expect(outcomes).toMatchObject([{ ok: true, value: { reservations: [{}, {}] } }]);
  });
});

describe('selling', () => {
  const held = { products: [counters(5, 2, 3, 0)], holds: [{ id: 'h', quantity: 3 }] };
  const cases: Case[] = [
    {
      title: 'uses up part of a hold, the rest of which stays',
      ...held,
      commands: [sell([saleLine(2)])],
      outcomes: ['done'],
      ledger: ['confirm 0 0 -2 2'],
      after: '5 = 2 + 1 + 2, available, version 2',
      held: ['h: cart 1 of 1, reserved'],
    },
    {
      title: 'confirms a hold with its last unit, and takes what it lacks from free units',
      ...held,
      commands: [sell([saleLine(4)])],
      outcomes: ['done'],
      ledger: ['confirm 0 0 -3 3', 'rent 0 -1 0 1'],
      after: '5 = 1 + 0 + 4, available, version 3',
      held: ['h: cart 3 of 1, confirmed'],
    },
    {
      title: 'takes free units where it names no cart, or one that holds nothing',
      ...held,
      commands: [sell([saleLine(1, { cartId: null })]), sell([saleLine(1, { cartId: 'new' })])],
      outcomes: ['done', 'done'],
      ledger: ['rent 0 -1 0 1', 'rent 0 -1 0 1'],
      after: '5 = 0 + 3 + 2, rented_out, version 3',
    },
    {
      title: 'takes lines of one product as their sum, names all that fall short, leaves nothing',
      products: [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER' }],
      holds: [{ id: 'h', quantity: 3 }],
      commands: [
        sell([
          saleLine(4),
          saleLine(1, { productId: 2 }),
          saleLine(1),
          saleLine(1, { cartId: null }),
        ]),
        sell([saleLine(3), saleLine(2, { cartId: null })]),
      ],
      outcomes: [
        short({ code: 'insufficient_stock', available: 5, requested: 6 }, 0, 2, 3),
        'done',
      ],
      ledger: ['confirm 0 0 -3 3', 'rent 0 -2 0 2'],
      after: '5 = 0 + 0 + 5, rented_out, version 3',
    },
    {
      title: 'makes room out of what is due, and none out of its own that is due',
      products: [{ ...counters(3, 0, 3, 0), availabilityStatus: 'rented_out' }],
      holds: [
        { id: 'h', quantity: 1 },
        { id: 'd', cartId: 'd', quantity: 2, expiresAt: NOW },
      ],
      commands: [sell([saleLine(2, { cartId: 'd' })])],
      outcomes: ['done'],
      ledger: ['expire 0 2 -2 0', 'rent 0 -2 0 2'],
      after: '3 = 0 + 1 + 2, rented_out, version 3',
    },
    {
      title: 'sells what a draft holds, and nothing beyond',
      ...held,
      products: [{ ...counters(5, 2, 3, 0), ...draft }],
      commands: [sell([saleLine(4)]), sell([saleLine(3)])],
      outcomes: [having(3, short({ code: 'not_available', requested: 4 }, 0)), 'done'],
      ledger: ['confirm 0 0 -3 3'],
      after: '5 = 2 + 0 + 3, draft, version 2',
    },
    {
      title: 'is refused, where the hold must be there, for each that is not, by its own reason',
      products: [counters(5, 4, 1, 0), { id: 2, sku: 'B' }],
      holds: [
        { id: 'due', cartId: 'a', expiresAt: NOW },
        { id: 'gone', cartId: 'b', status: 'expired', expiresAt: NOW - 1 },
        { id: 'back', cartId: 'c', status: 'released' },
        { id: 'sold', cartId: 'd', status: 'confirmed' },
      ],
      commands: [
        sell(
          ['a', 'b', 'c', 'd', 'none'].map((cartId) =>
            saleLine(1, { cartId, holdMustExist: true }),
          ),
        ),
        sell([saleLine(1, { productId: 9, holdMustExist: true })]),
      ],
      outcomes: [
        {
          ...EXPIRED,
          lines: [EXPIRED, EXPIRED, over('released'), over('confirmed'), NO_HOLD].map(
            (reason, index) => ({ index, reason, available: 5 }),
          ),
        },
        short({ code: 'product_not_found' }, 0),
      ],
      ledger: [],
      after: '5 = 4 + 1 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('makes one rental of lines of one product and cart, and answers each with what is left', () => {
    const { outcomes, store } = run({
      ...held,
      commands: [
        sell([
          saleLine(1, { rentalId: 'r' }),
          saleLine(1, { cartId: null, rentalId: 's' }),
          saleLine(2),
        ]),
      ],
    });
    const product = { quantityAvailable: 1, quantityReserved: 0, quantityRented: 4 };
    expect(outcomes).toMatchObject([
      {
        ok: true,
        value: {
          lines: [
            { rental: { id: 'r', quantity: 3, reservationId: 'h' }, product },
            { rental: { id: 's', quantity: 1, reservationId: null }, product },
            { rental: { id: 'r' }, product },
          ],
        },
      },
    ]);
    expect([...store.rentals.keys()]).toEqual(['r', 's']);
  });

  it('takes what was bought out of the cart of who bought it', () => {
    const { store } = run({
      products: [counters(9, 9, 0, 0), { id: 2, sku: 'B' }],
      items: [
        { id: 'a', quantity: 3 },
        { id: 'b', productId: 2, quantity: 1 },
        { id: 'c', userId: 'bob', quantity: 3 },
      ],
      commands: [sell([saleLine(2), saleLine(2, { productId: 2 })], { boughtBy: 'ann' })],
    });
    expect([...store.cartItems.values()]).toMatchObject([
      { id: 'a', quantity: 1 },
      { id: 'c', quantity: 3 },
    ]);
  });

  it('is refused on the cart of another', () => {
    const { outcomes, store } = run({
      ...held,
      holds: [{ id: 'h', quantity: 3, customerId: 'bob' }],
      commands: [
        sell([saleLine(1)], { ownerId: 'ann' }),
        sell([saleLine(1, { cartId: 'user:bob' })], { ownerId: 'ann' }),
        sell([saleLine(1, { cartId: 'user:ann' })], { ownerId: 'ann' }),
      ],
    });
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, false, true]);
    expect(productText(productOf(store))).toBe('5 = 1 + 3 + 1, available, version 2');
  });
});
