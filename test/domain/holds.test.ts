import { describe, expect, it } from '@jest/globals';
import type { Refusal } from '../../src/domain/refusal.js';
import type { ToldReservation } from '../../src/domain/reservation.js';
import { type Case, check, heldTexts, productOf, productText, run } from '../helpers/cases.js';
import {
  addToCart,
  end,
  expire,
  extend,
  line,
  publish,
  release,
  rent,
  reserve,
  takeOff,
  update,
} from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ACTIVE_HOLDS_MAX, HOLD_MAX_MS, ModelStore } from '../helpers/model-store.js';

const NOW = new ModelStore().now;
const draft = { availabilityStatus: 'draft' } as const;
const EXPIRED: Refusal = { code: 'reservation_expired' };
const FORBIDDEN: Refusal = { code: 'forbidden' };
const NO_HOLD: Refusal = { code: 'reservation_not_found' };
const hold = (quantity: number, given: Parameters<typeof line>[1] = {}) => [line(quantity, given)];

/** What is due: nobody has written it down yet. */
const due = (id: string, quantity = 1, msAgo = 0) => ({
  id,
  cartId: id,
  quantity,
  expiresAt: NOW - msAgo,
});

/** A refusal of the line at each of these places, for one reason. */
const availableIn = (reason: Refusal) => ('available' in reason ? reason.available : 0);
const short = (reason: Refusal, ...indexes: number[]): Refusal => ({
  ...reason,
  lines: indexes.map((index) => ({ index, reason, available: availableIn(reason) })),
});
const having = (available: number, refusal: Refusal): Refusal => ({
  ...refusal,
  lines: (refusal.lines ?? []).map((line) => ({ ...line, available })),
});
const insufficient = (available: number, requested: number): Refusal =>
  available === 0
    ? { code: 'out_of_stock', available: 0, requested }
    : { code: 'insufficient_stock', available, requested };

describe('reserving', () => {
  const cases: Case[] = [
    {
      title: 'takes free units, the last of which leads to rented_out',
      commands: [reserve('set', hold(3, { reservationId: 'h' }))],
      outcomes: ['done'],
      ledger: ['reserve 0 -3 3 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 2',
      held: ['h: cart 3 of 1, reserved'],
    },
    {
      title: 'sets what a cart holds, up and down, and counts what it holds as its own',
      commands: [2, 3, 1].map((n) => reserve('set', hold(n, { reservationId: `h${n}` }))),
      outcomes: ['done', 'done', 'done'],
      ledger: ['reserve 0 -2 2 0', 'change_hold 0 -1 1 0', 'change_hold 0 2 -2 0'],
      after: '3 = 2 + 1 + 0, available, version 4',
      held: ['h2: cart 1 of 1, reserved'],
    },
    {
      title: 'adds to what a cart holds',
      commands: [1, 2].map((n) => reserve('add', hold(n, { reservationId: `h${n}` }))),
      outcomes: ['done', 'done'],
      ledger: ['reserve 0 -1 1 0', 'change_hold 0 -2 2 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 3',
      held: ['h1: cart 3 of 1, reserved'],
    },
    {
      title: 'tells a cart what it could have in all where it sets, and what is free where it adds',
      products: [counters(3, 1, 2, 0)],
      holds: [{ id: 'h', quantity: 2 }],
      commands: [reserve('set', hold(4)), reserve('add', hold(2)), reserve('set', hold(3))],
      outcomes: [short(insufficient(3, 4), 0), short(insufficient(1, 2), 0), 'done'],
      ledger: ['change_hold 0 -1 1 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 2',
    },
    {
      title: 'says out of stock to who holds nothing, and to a cart what it holds',
      products: [{ ...counters(2, 0, 2, 0), availabilityStatus: 'rented_out' }],
      holds: [{ id: 'h', quantity: 2 }],
      commands: [reserve('set', hold(1, { cartId: 'other' })), reserve('set', hold(3))],
      outcomes: [short(insufficient(0, 1), 0), short(insufficient(2, 3), 0)],
      ledger: [],
      after: '2 = 0 + 2 + 0, rented_out, version 1',
    },
    {
      title: 'takes lines of one product as their sum, and names each of them where it falls short',
      commands: [
        reserve('set', [line(2), line(2)]),
        reserve('set', [line(1), line(2, { cartId: 'other' }), line(1, { cartId: 'other' })]),
        reserve('set', [
          line(1, { reservationId: 'a' }),
          line(1, { cartId: 'other', reservationId: 'b' }),
          line(1),
        ]),
      ],
      outcomes: [short(insufficient(3, 4), 0, 1), short(insufficient(3, 4), 0, 1, 2), 'done'],
      ledger: ['reserve 0 -2 2 0', 'reserve 0 -1 1 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 3',
      held: ['a: cart 2 of 1, reserved', 'b: other 1 of 1, reserved'],
    },
    {
      title: 'names every line that falls short, each for its reason, and leaves nothing behind',
      products: [
        {},
        { id: 2, sku: 'NONE', ...counters(0, 0, 0, 0) },
        { id: 3, sku: 'D', ...draft },
      ],
      commands: [
        reserve(
          'set',
          [1, 2, 9, 3].map((productId) => line(2, { productId })),
        ),
        reserve('set', hold(3, { reservationId: 'h' })),
      ],
      outcomes: [
        {
          ...insufficient(0, 2),
          lines: [
            { index: 1, reason: insufficient(0, 2), available: 0 },
            { index: 2, reason: { code: 'product_not_found' }, available: 0 },
            { index: 3, reason: { code: 'not_available', requested: 2 }, available: 0 },
          ],
        },
        'done',
      ],
      ledger: ['reserve 0 -3 3 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 2',
      held: ['h: cart 3 of 1, reserved'],
    },
    {
      title: 'lets one cart take what another gives back in the same command',
      products: [{ ...counters(3, 0, 3, 0), availabilityStatus: 'rented_out' }],
      holds: [{ id: 'h', quantity: 3 }],
      commands: [reserve('set', [line(2, { cartId: 'other', reservationId: 'o' }), line(1)])],
      outcomes: ['done'],
      ledger: ['change_hold 0 2 -2 0', 'reserve 0 -2 2 0'],
      after: '3 = 0 + 3 + 0, rented_out, version 3',
      held: ['h: cart 1 of 1, reserved', 'o: other 2 of 1, reserved'],
    },
    {
      title: 'writes a line where only the expiry moves, and none where nothing does',
      commands: [
        reserve('set', hold(1)),
        reserve('set', hold(1, { expiry: { lastsMs: 2000 } })),
        reserve('set', hold(1, { expiry: { at: NOW + 2000, field: 'expiresAt' } })),
      ],
      outcomes: ['done', 'done', 'done'],
      ledger: ['reserve 0 -1 1 0', 'extend 0 0 0 0'],
      after: '3 = 2 + 1 + 0, available, version 3',
    },
    {
      title: 'makes no hold on a draft and lets none grow, while shrinking and renewing go on',
      products: [{ ...counters(3, 1, 2, 0), ...draft }],
      holds: [{ id: 'h', quantity: 2 }],
      commands: [
        reserve('set', hold(1, { cartId: 'other' })),
        reserve('set', hold(3)),
        reserve('add', hold(1)),
        reserve('set', hold(2, { expiry: { lastsMs: 2000 } })),
        reserve('set', hold(1, { expiry: { lastsMs: 2000 } })),
      ],
      outcomes: [
        short({ code: 'not_available', requested: 1 }, 0),
        having(2, short({ code: 'not_available', requested: 3 }, 0)),
        short({ code: 'not_available', requested: 1 }, 0),
        'done',
        'done',
      ],
      ledger: ['extend 0 0 0 0', 'change_hold 0 1 -1 0'],
      after: '3 = 2 + 1 + 0, draft, version 3',
    },
    {
      title: 'refuses an instant that is past or too far ahead, by its field',
      commands: [NOW, NOW + HOLD_MAX_MS + 1].map((at, n) =>
        reserve('set', hold(1, { expiry: { at, field: `field ${n}` } })),
      ),
      outcomes: [
        'must lie in the future',
        `must lie at most ${HOLD_MAX_MS / 60_000} minutes ahead`,
      ].map((message, n) => ({
        code: 'validation_failed',
        errors: [{ field: `field ${n}`, message }],
      })),
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'does not see another store',
      commands: [reserve('set', hold(1), { storeId: 2 })],
      outcomes: [short({ code: 'product_not_found' }, 0)],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('answers each line with its hold and with what is free after all of them', () => {
    const { outcomes } = run({
      holds: [{ id: 'h' }],
      products: [counters(5, 4, 1, 0)],
      commands: [reserve('set', [line(2), line(1, { cartId: 'other' }), line(1)])],
    });
    expect(outcomes).toMatchObject([
      {
        ok: true,
        value: {
          lines: [
            {
              reservation: { id: 'h', quantity: 3, sku: 'TENT' },
              isNew: false,
              quantityAvailable: 1,
            },
            { reservation: { cartId: 'other', quantity: 1 }, isNew: true, quantityAvailable: 1 },
            { reservation: { id: 'h' }, isNew: false, quantityAvailable: 1 },
          ],
        },
      },
    ]);
  });

  it('caps the expiry at the longest that a hold may live, from when it was made', () => {
    const createdAt = NOW - HOLD_MAX_MS + 300;
    const { store } = run({
      products: [counters(3, 2, 1, 0)],
      holds: [{ id: 'h', createdAt, expiresAt: NOW + 100 }],
      commands: [
        reserve('add', hold(1)),
        reserve('set', hold(1, { cartId: 'new', reservationId: 'n', expiry: { lastsMs: 1e9 } })),
      ],
    });
    expect(store.reservations.get('h')?.expiresAt).toBe(NOW + 300);
    expect(store.reservations.get('n')?.expiresAt).toBe(NOW + HOLD_MAX_MS);
  });

  it('keeps the hold, and its line in the ledger, as the command said', () => {
    const command = reserve('set', hold(2, { reservationId: 'h', customerId: 'ann' }), {
      reason: 'phone',
    });
    const { store } = run({ commands: [command] });
    expect(store.reservations.get('h')).toEqual({
      id: 'h',
      storeId: 1,
      cartId: 'cart',
      productId: 1,
      quantity: 2,
      status: 'reserved',
      expiresAt: NOW + 1000,
      confirmedAt: null,
      releasedAt: null,
      orderId: null,
      rentalId: null,
      customerId: 'ann',
      createdAt: NOW,
      updatedAt: NOW,
    });
    expect(store.ledger.at(-1)).toMatchObject({
      commandId: command.id,
      kind: 'reserve',
      reservationId: 'h',
      rentalId: null,
      reason: 'phone',
      actor: 'admin',
    });
    expect(productOf(store).nextHoldDueAt).toBe(NOW + 1000);
  });
});

describe('what is due', () => {
  const dueThree = [due('a', 1, 30), due('b', 2, 20), due('c', 1, 10)];
  const full = { ...counters(5, 0, 5, 0), availabilityStatus: 'rented_out' } as const;
  const kept = { id: 'k', cartId: 'k' };
  const cases: Case[] = [
    {
      title: 'makes room for a rental: those due longest first, and only as many as are needed',
      products: [full],
      holds: [...dueThree, kept],
      commands: [rent(2)],
      outcomes: ['done'],
      ledger: ['expire 0 1 -1 0', 'expire 0 2 -2 0', 'rent 0 -2 0 2'],
      after: '5 = 1 + 2 + 2, available, version 4',
      held: [
        'a: a 1 of 1, expired',
        'b: b 2 of 1, expired',
        'c: c 1 of 1, reserved',
        'k: k 1 of 1, reserved',
      ],
    },
    {
      title: 'stays as it is where units are free all the same',
      products: [counters(6, 1, 5, 0)],
      holds: [...dueThree, kept],
      commands: [rent(1)],
      outcomes: ['done'],
      ledger: ['rent 0 -1 0 1'],
      after: '6 = 0 + 5 + 1, rented_out, version 2',
    },
    {
      title: 'stays as it is where even all of it does not suffice, and is told as available',
      products: [full],
      holds: [...dueThree, kept],
      commands: [
        rent(5),
        reserve('set', hold(5)),
        reserve('set', hold(6, { cartId: 'k' })),
        rent(4),
      ],
      outcomes: [
        insufficient(4, 5),
        short(insufficient(4, 5), 0),
        short(insufficient(5, 6), 0),
        'done',
      ],
      ledger: ['expire 0 1 -1 0', 'expire 0 2 -2 0', 'expire 0 1 -1 0', 'rent 0 -4 0 4'],
      after: '5 = 0 + 1 + 4, rented_out, version 5',
    },
    {
      title: 'makes room for holds and for carts, for each command what those before it left',
      products: [full],
      holds: [...dueThree, kept],
      commands: [
        reserve('set', hold(1, { reservationId: 'x', cartId: 'x' })),
        reserve('set', hold(2, { reservationId: 'y', cartId: 'k' })),
        addToCart(1, { hold: { lastsMs: 500, reservationId: 'z' } }),
        rent(1),
      ],
      outcomes: ['done', 'done', 'done', 'done'],
      ledger: [
        'expire 0 1 -1 0',
        'reserve 0 -1 1 0',
        'expire 0 2 -2 0',
        'change_hold 0 -1 1 0',
        'reserve 0 -1 1 0',
        'expire 0 1 -1 0',
        'rent 0 -1 0 1',
      ],
      after: '5 = 0 + 4 + 1, rented_out, version 8',
    },
    {
      title: 'makes room for giving up units, and for none of it on a draft that takes no hold',
      products: [{ ...full, ...draft }],
      holds: [...dueThree, kept],
      commands: [
        rent(1),
        reserve('set', hold(1)),
        update({ quantity: 3 }),
        update({ quantity: 0 }),
      ],
      outcomes: [
        { code: 'not_available', requested: 1 },
        short({ code: 'not_available', requested: 1 }, 0),
        'done',
        { code: 'quantity_below_committed', committed: 1, requested: 0 },
      ],
      ledger: ['expire 0 1 -1 0', 'expire 0 2 -2 0', 'update -2 -2 0 0'],
      after: '3 = 1 + 2 + 0, draft, version 4',
    },
    {
      title: "is none of its own cart's any more: a new hold is made beside it",
      products: [counters(3, 1, 2, 0)],
      holds: [{ ...due('a', 2), cartId: 'cart' }],
      commands: [
        extend('a', 100),
        takeOff(1),
        reserve('add', hold(1, { reservationId: 'b' })),
        release('a'),
      ],
      outcomes: [EXPIRED, { code: 'invalid_transition', held: 0, requested: 1 }, 'done', 'done'],
      ledger: ['expire 0 2 -2 0', 'reserve 0 -1 1 0'],
      after: '3 = 2 + 1 + 0, available, version 3',
      held: ['a: cart 2 of 1, expired', 'b: cart 1 of 1, reserved'],
    },
    {
      title: 'is written down on demand, those due longest first, so many at a time',
      products: [full],
      holds: [...dueThree, kept],
      commands: [expire(2), expire(2), expire(2)],
      outcomes: ['done', 'done', 'done'],
      ledger: ['expire 0 1 -1 0', 'expire 0 2 -2 0', 'expire 0 1 -1 0'],
      after: '5 = 4 + 1 + 0, available, version 4',
    },
  ];
  it.each(cases)('$title', check);

  it('counts as free in every answer', () => {
    const { outcomes } = run({
      products: [counters(6, 1, 4, 1)],
      holds: [...dueThree],
      rentals: [{ id: 'r' }],
      commands: [
        rent(1),
        update({ name: 'New' }),
        publish('unpublish'),
        reserve('set', hold(1)),
        end('cancel', 'r'),
        takeOff(1),
      ],
    });
    expect(outcomes).toMatchObject([
      { value: { quantityAvailable: 4, availabilityStatus: 'available' } },
      { value: { quantityAvailable: 4, quantityReserved: 0, availabilityStatus: 'available' } },
      { value: { quantityAvailable: 4, availabilityStatus: 'draft' } },
      { ok: false },
      { ok: true },
      { ok: false },
    ]);
  });

  it('is the doing of the system where somebody else needs the units, and of who asks for it', () => {
    const { lines } = run({
      products: [full],
      holds: [...dueThree, kept],
      commands: [rent(1, { id: 'renter' }), expire(1, { actor: 'cleanup' })],
    });
    expect(lines).toMatchObject([
      {
        kind: 'expire',
        actor: 'system',
        commandId: 'renter',
        reservationId: 'a',
        reason: 'expired',
      },
      { kind: 'rent', actor: 'admin', reservationId: null },
      { kind: 'expire', actor: 'cleanup', reservationId: 'b', reason: 'expired' },
    ]);
  });

  it('says how many were written down, and whether more are due', () => {
    const { outcomes } = run({
      products: [full],
      holds: [...dueThree, kept],
      commands: [expire(2), expire(5), expire(5), expire(1, { productId: 9 })],
    });
    expect(outcomes).toEqual([
      { ok: true, value: { expired: 2, released: 3, areMoreDue: true } },
      { ok: true, value: { expired: 1, released: 1, areMoreDue: false } },
      { ok: true, value: { expired: 0, released: 0, areMoreDue: false } },
      { ok: false, refusal: { code: 'product_not_found' } },
    ]);
  });

  it.each([
    ['what is due next', [{ id: 'k', cartId: 'k', expiresAt: NOW + 70 }], NOW + 70],
    ['nothing, where nothing is held', [], null],
  ])(
    'is no longer looked for once it is written down: the hint moves on to %s',
    (_, others, next) => {
      const store = new ModelStore();
      const units = 1 + others.length;
      store.addProduct(counters(3, 3 - units, units, 0));
      for (const one of [due('a'), ...others]) store.addHold(one);
      store.run([expire(9)]);
      expect(productOf(store).nextHoldDueAt).toBe(next);
      expect(productOf(store).version).toBe(2);
    },
  );

  it('is no longer looked for where its hold was released before: reading the product moves on', () => {
    const store = new ModelStore();
    store.addProduct({ nextHoldDueAt: NOW - 5 });
    store.run([rent(9)]);
    expect(productOf(store)).toMatchObject({ nextHoldDueAt: null, version: 1 });
  });

  it('keeps the hint while some of it is left, and lowers it for a hold that is due sooner', () => {
    const store = new ModelStore();
    store.addProduct(counters(5, 2, 3, 0));
    for (const one of [due('a', 1, 30), due('b', 2, 20)]) store.addHold(one);
    store.run([expire(1), reserve('set', hold(1))]);
    expect(productOf(store).nextHoldDueAt).toBe(NOW - 30);
    store.run([expire(1), reserve('set', hold(1, { expiry: { lastsMs: 200 } }))]);
    expect(productOf(store).nextHoldDueAt).toBe(NOW + 200);
  });
});

describe('taking units off a hold, extending and releasing it', () => {
  const held = { products: [counters(5, 2, 3, 0)], holds: [{ id: 'h', quantity: 3 }] };
  const cases: Case[] = [
    {
      title: 'takes units off, and ends it with the last',
      ...held,
      commands: [takeOff(2), takeOff(2), takeOff(1), takeOff(1)],
      outcomes: [
        'done',
        { code: 'invalid_transition', held: 1, requested: 2 },
        'done',
        { code: 'invalid_transition', held: 0, requested: 1 },
      ],
      ledger: ['change_hold 0 2 -2 0', 'release 0 1 -1 0'],
      after: '5 = 5 + 0 + 0, available, version 3',
      held: ['h: cart 1 of 1, released'],
    },
    {
      title: 'is released once; again it is answered as it stands',
      ...held,
      commands: [release('h'), release('h'), extend('h', 1)],
      outcomes: [
        'done',
        'done',
        { code: 'invalid_transition', reservationStatus: 'released', action: 'extend' },
      ],
      ledger: ['release 0 3 -3 0'],
      after: '5 = 5 + 0 + 0, available, version 2',
    },
    {
      title: 'goes on as a draft',
      ...held,
      products: [{ ...counters(5, 2, 3, 0), ...draft }],
      commands: [extend('h', 100), takeOff(1), release('h')],
      outcomes: ['done', 'done', 'done'],
      ledger: ['extend 0 0 0 0', 'change_hold 0 1 -1 0', 'release 0 2 -2 0'],
      after: '5 = 5 + 0 + 0, draft, version 4',
    },
    {
      title: 'is extended to the longest that it may live, and not beyond',
      ...held,
      holds: [{ id: 'h', quantity: 3, createdAt: NOW - 500 }],
      commands: [extend('h', HOLD_MAX_MS - 1500), extend('h', 1)],
      outcomes: ['done', { code: 'extension_limit_reached', limitAt: NOW - 500 + HOLD_MAX_MS }],
      ledger: ['extend 0 0 0 0'],
      after: '5 = 2 + 3 + 0, available, version 2',
    },
    {
      title: 'is not there by another id, product or store',
      ...held,
      products: [counters(5, 2, 3, 0), { id: 2, sku: 'OTHER' }],
      commands: [
        release('x'),
        release('h', { productId: 2 }),
        release('h', { storeId: 2 }),
        extend('h', 1, { storeId: 2 }),
        takeOff(1, { storeId: 2 }),
      ],
      outcomes: [NO_HOLD, NO_HOLD, NO_HOLD, NO_HOLD, { code: 'product_not_found' }],
      ledger: [],
      after: '5 = 2 + 3 + 0, available, version 1',
    },
    {
      title: 'can be made, released and made again in one batch',
      commands: [
        reserve('set', hold(2, { reservationId: 'z' })),
        release('z'),
        reserve('set', hold(1, { reservationId: 'a' })),
        takeOff(1),
        reserve('add', hold(3, { reservationId: 'm' })),
      ],
      outcomes: ['done', 'done', 'done', 'done', 'done'],
      ledger: [
        'reserve 0 -2 2 0',
        'release 0 2 -2 0',
        'reserve 0 -1 1 0',
        'release 0 1 -1 0',
        'reserve 0 -3 3 0',
      ],
      after: '3 = 0 + 3 + 0, rented_out, version 6',
      held: ['a: cart 1 of 1, released', 'm: cart 3 of 1, reserved', 'z: cart 2 of 1, released'],
    },
  ];
  it.each(cases)('$title', check);

  it('answers what is still held and what is free', () => {
    const { outcomes } = run({ ...held, commands: [takeOff(2), takeOff(1)] });
    expect(outcomes).toEqual([
      { ok: true, value: { heldQuantity: 1, quantityAvailable: 4 } },
      { ok: true, value: { heldQuantity: 0, quantityAvailable: 5 } },
    ]);
  });

  it('tells of one that is due that it expired, though nobody has written it down', () => {
    const { outcomes, store } = run({
      products: [counters(5, 4, 1, 0)],
      holds: [due('a')],
      commands: [release('a')],
    });
    expect(outcomes).toMatchObject([{ ok: true, value: { status: 'expired', releasedAt: null } }]);
    expect(store.reservations.get('a')?.status).toBe('reserved');
  });
});

describe('a customer', () => {
  const ann = { ownerId: 'ann' };
  const ofCustomer = (customerId: string | null) => ({
    products: [counters(5, 4, 1, 0)],
    holds: [{ id: 'h', cartId: 'c', customerId }],
  });
  const one = (cartId: string) => reserve('set', hold(1, { cartId }), ann);

  it.each([
    ['its own', 'user:ann', 'done'],
    ["another user's", 'user:bob', FORBIDDEN],
    ["another user's, by other letters", 'user:Ann', FORBIDDEN],
    ['a checkout', 'checkout:c', FORBIDDEN],
    ['any other that holds nothing', 'new', 'done'],
  ] as const)('may touch a cart by its name: %s', (_, cartId, expected) => {
    const { outcomes } = run({ commands: [one(cartId), takeOff(1, { ...ann, cartId })] });
    const brief = outcomes.map((outcome) => (outcome.ok ? 'done' : outcome.refusal));
    expect(brief).toEqual([expected, expected]);
  });

  it.each([
    ['of nobody', null, true],
    ['of its own', 'ann', true],
    ["of another's", 'bob', false],
  ])('may touch any other cart by what is held in it: %s', (_, customerId, isAllowed) => {
    const { outcomes } = run({
      ...ofCustomer(customerId),
      commands: [
        one('c'),
        takeOff(1, { ...ann, cartId: 'c' }),
        extend('h', 1, ann),
        release('h', ann),
      ],
    });
    expect(outcomes.map(({ ok }) => ok)).toEqual(
      isAllowed ? [true, true, false, true] : [false, false, false, false],
    );
    const codes = outcomes.map((outcome) => (outcome.ok ? null : outcome.refusal.code));
    if (!isAllowed) {
      expect(codes).toEqual([
        'forbidden',
        'forbidden',
        'reservation_not_found',
        'reservation_not_found',
      ]);
    }
  });

  it("may touch a hold of nobody only while the cart has none of another's, whatever else a batch reads", () => {
    const given = {
      products: [counters(5, 3, 2, 0)],
      holds: [
        { id: 'h', cartId: 'c' },
        { id: 'bobs', cartId: 'c', productId: 2, customerId: 'bob' },
        { id: 'anns', cartId: 'c', productId: 3, customerId: 'ann' },
      ],
    };
    const products = [
      ...given.products,
      { id: 2, sku: 'B', ...counters(1, 0, 1, 0), availabilityStatus: 'rented_out' as const },
      { id: 3, sku: 'C', ...counters(1, 0, 1, 0), availabilityStatus: 'rented_out' as const },
    ];
    const mine = extend('anns', 1, { ...ann, productId: 3 });
    const { outcomes } = run({ ...given, products, commands: [extend('h', 1, ann), mine] });
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true]);
  });

  it('may touch a cart again once what another held there is due', () => {
    const { outcomes } = run({
      products: [counters(5, 4, 1, 0)],
      holds: [{ ...due('h'), cartId: 'c', customerId: 'bob' }],
      commands: [one('c')],
    });
    expect(outcomes).toMatchObject([{ ok: true }]);
  });

  it('has its holds as its own, whatever the line says', () => {
    const { store } = run({ commands: [reserve('set', hold(1, { reservationId: 'h' }), ann)] });
    expect(store.reservations.get('h')?.customerId).toBe('ann');
  });
});

describe('the limit of holds for a customer', () => {
  const LIMIT: Refusal = { code: 'hold_limit_reached', limit: ACTIVE_HOLDS_MAX };
  const ann = { ownerId: 'ann' };
  const into = (...carts: string[]) =>
    reserve(
      'add',
      carts.map((cartId) => line(1, { cartId })),
      ann,
    );
  const open = () => {
    const store = new ModelStore();
    store.addProduct(counters(20, 20, 0, 0));
    return store;
  };
  const each = (store: ModelStore, commands: ReturnType<typeof into>[], isOneBatch: boolean) =>
    (isOneBatch ? [commands] : commands.map((command) => [command]))
      .flatMap((batch) => store.run(batch))
      .map(({ outcome }) => (outcome.ok ? 'done' : outcome.refusal));

  it.each([
    ['in one batch', true],
    ['over batches', false],
  ])('is kept %s, and renewing what is held is no new hold', (_, isOneBatch) => {
    const store = open();
    const commands = [into('a', 'b'), into('c', 'd'), into('c'), into('d'), into('a', 'c', 'b')];
    expect(each(store, commands, isOneBatch)).toEqual(['done', LIMIT, 'done', LIMIT, 'done']);
    expect(heldTexts(store)).toHaveLength(ACTIVE_HOLDS_MAX);
  });

  it.each([
    ['in one batch', true],
    ['over batches', false],
  ])('has room again for each that ends, %s', (_, isOneBatch) => {
    const store = open();
    store.run([into('a', 'b', 'c')]);
    const commands = [into('d'), { ...takeOff(1, { cartId: 'a' }) }, into('d'), into('e')];
    const batches = isOneBatch ? [commands] : commands.map((command) => [command]);
    const outcomes = batches
      .flatMap((batch) => store.run(batch))
      .map(({ outcome }) => (outcome.ok ? 'done' : outcome.refusal));
    expect(outcomes).toEqual([LIMIT, 'done', 'done', LIMIT]);
  });

  it('does not count what is due', () => {
    const store = open();
    store.run([into('a', 'b', 'c')]);
    store.now += 1000;
    expect(each(store, [into('a', 'd', 'e'), into('f')], true)).toEqual(['done', LIMIT]);
  });

  it('counts holds in the cart of the shop front too, and none of who acts for anyone', () => {
    const store = open();
    store.run([into('a', 'b', 'c')]);
    store.run([addToCart(1, { ...ann, productId: 1 })]).forEach(({ outcome }) => {
      expect(outcome).toEqual({ ok: false, refusal: LIMIT });
    });
    expect(store.cartItems.size).toBe(0);
    const staff = [addToCart(1), reserve('set', hold(1, { cartId: 'd', customerId: 'ann' }))];
    expect(store.run(staff).map(({ outcome }) => outcome.ok)).toEqual([true, true]);
  });
});

it('keeps what a hold had in the end, and not what it was changed to meanwhile', () => {
  const { store, outcomes } = run({
    products: [counters(5, 2, 3, 0)],
    holds: [{ id: 'h', quantity: 3 }],
    commands: [takeOff(1), extend('h', 500), release('h')],
  });
  const told = outcomes[2]?.ok ? (outcomes[2].value as ToldReservation) : undefined;
  expect(told).toMatchObject({ quantity: 2, expiresAt: NOW + 1500, status: 'released' });
  expect(store.reservations.get('h')).toMatchObject({ quantity: 2, expiresAt: NOW + 1500 });
  expect(productText(productOf(store))).toBe('5 = 5 + 0 + 0, available, version 4');
});
