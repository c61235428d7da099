import { describe, expect, it } from '@jest/globals';
import type { Command, Outcome } from '../../src/domain/command.js';
import type { Product } from '../../src/domain/product.js';
import type { Refusal } from '../../src/domain/refusal.js';
import {
  brief,
  type Case,
  check,
  lineText,
  productOf,
  productText,
  run,
} from '../helpers/cases.js';
import {
  create,
  createKey,
  end,
  publish,
  rent,
  revokeKey,
  sync,
  update,
} from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';

const NOT_FOUND: Refusal = { code: 'product_not_found' };
const NO_RENTAL: Refusal = { code: 'rental_not_found' };
const OUT_OF_STOCK: Refusal = { code: 'out_of_stock', available: 0, requested: 1 };

const oneOut = { ...counters(3, 2, 0, 1) };
const allOut = { ...counters(2, 0, 0, 2), availabilityStatus: 'rented_out' } as const;
const draft = { availabilityStatus: 'draft' } as const;
const NOW = new ModelStore().now;

describe('renting', () => {
  const cases: Case[] = [
    {
      title: 'takes free units',
      commands: [rent(2)],
      outcomes: ['done'],
      ledger: ['rent 0 -2 0 2'],
      after: '3 = 1 + 0 + 2, available, version 2',
    },
    {
      title: 'takes the last free unit',
      commands: [rent(3)],
      outcomes: ['done'],
      ledger: ['rent 0 -3 0 3'],
      after: '3 = 0 + 0 + 3, rented_out, version 2',
    },
    {
      title: 'gives the last unit to exactly one of two in a batch',
      products: [counters(1, 1, 0, 0)],
      commands: [rent(1), rent(1)],
      outcomes: ['done', OUT_OF_STOCK],
      ledger: ['rent 0 -1 0 1'],
      after: '1 = 0 + 0 + 1, rented_out, version 2',
    },
    {
      title: 'lets no refused command stand in the way of those behind it',
      commands: [rent(1), rent(5), rent(2)],
      outcomes: ['done', { code: 'insufficient_stock', available: 2, requested: 5 }, 'done'],
      ledger: ['rent 0 -1 0 1', 'rent 0 -2 0 2'],
      after: '3 = 0 + 0 + 3, rented_out, version 3',
    },
    {
      title: 'leaves held units alone',
      products: [counters(3, 1, 2, 0)],
      commands: [rent(2), rent(1)],
      outcomes: [{ code: 'insufficient_stock', available: 1, requested: 2 }, 'done'],
      ledger: ['rent 0 -1 0 1'],
      after: '3 = 0 + 2 + 1, rented_out, version 2',
    },
    {
      title: 'refuses where nothing is free',
      products: [allOut],
      commands: [rent(1)],
      outcomes: [OUT_OF_STOCK],
      ledger: [],
      after: '2 = 0 + 0 + 2, rented_out, version 1',
    },
    {
      title: 'refuses a draft',
      products: [draft],
      commands: [rent(1)],
      outcomes: [{ code: 'not_available', requested: 1 }],
      ledger: [],
      after: '3 = 3 + 0 + 0, draft, version 1',
    },
    {
      title: 'refuses a product that is not there, and one of another store',
      products: [{}, { id: 2, storeId: 2, sku: 'THEIRS' }],
      commands: [rent(1, { productId: 9 }), rent(1, { productId: 2 })],
      outcomes: [NOT_FOUND, NOT_FOUND],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'takes a start that is past or just now',
      commands: [rent(1, { startsAt: NOW - 1 }), rent(1, { startsAt: NOW, endsAt: NOW + 1 })],
      outcomes: ['done', 'done'],
      ledger: ['rent 0 -1 0 1', 'rent 0 -1 0 1'],
      after: '3 = 1 + 0 + 2, available, version 3',
    },
    {
      title: 'refuses a start in the future',
      commands: [rent(1, { startsAt: NOW + 1 })],
      outcomes: [
        {
          code: 'validation_failed',
          errors: [
            {
              field: 'starts_at',
              message:
                'must not lie in the future: units are taken now, and bookings ahead are not supported yet',
            },
          ],
        },
      ],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'reads a row by its counters where its status was edited',
      products: [{ ...counters(2, 0, 0, 2), availabilityStatus: 'available' }],
      commands: [rent(1)],
      outcomes: [OUT_OF_STOCK],
      ledger: [],
      after: '2 = 0 + 0 + 2, available, version 1',
    },
    {
      title: 'finds a product rented out that was published empty, and available once it owns one',
      products: [{ ...counters(0, 0, 0, 0), ...draft }],
      commands: [publish('publish'), rent(1), update({ quantity: 1 }), rent(1)],
      outcomes: ['done', OUT_OF_STOCK, 'done', 'done'],
      ledger: ['publish 0 0 0 0', 'update 1 1 0 0', 'rent 0 -1 0 1'],
      after: '1 = 0 + 0 + 1, rented_out, version 4',
    },
  ];
  it.each(cases)('$title', check);

  it('answers what is left right after it, not after the batch', () => {
    const { outcomes } = run({ commands: [rent(1), rent(2), publish('unpublish')] });
    expect(outcomes[0]).toMatchObject({
      ok: true,
      value: { quantityAvailable: 2, availabilityStatus: 'available' },
    });
    expect(outcomes[1]).toMatchObject({
      ok: true,
      value: { quantityAvailable: 0, availabilityStatus: 'rented_out' },
    });
  });

  it('keeps the rental, and its line in the ledger, as the command said', () => {
    const command = rent(2, { rentalId: 'r', orderId: 'o', startsAt: NOW - 5, endsAt: NOW + 5 });
    const { store } = run({ commands: [command] });
    expect(store.rentals.get('r')).toEqual({
      id: 'r',
      storeId: 1,
      productId: 1,
      userId: 'ann',
      quantity: 2,
      status: 'active',
      startsAt: NOW - 5,
      endsAt: NOW + 5,
      orderId: 'o',
      reservationId: null,
      createdAt: NOW,
      completedAt: null,
      cancelledAt: null,
      cancelReason: null,
      overdueAt: null,
    });
    expect(store.ledger.at(-1)).toEqual({
      storeId: 1,
      productId: 1,
      commandId: command.id,
      kind: 'rent',
      delta: counters(0, -2, 0, 2),
      after: counters(3, 1, 0, 2),
      rentalId: 'r',
      reservationId: null,
      orderId: 'o',
      reason: null,
      actor: 'admin',
      createdAt: NOW,
    });
  });
});

describe('ending a rental', () => {
  const rentals = [{ id: 'r' }];
  const over = (status: 'completed' | 'cancelled', action: 'complete' | 'cancel'): Refusal => ({
    code: 'invalid_transition',
    status,
    action,
  });
  const cases: Case[] = [
    {
      title: 'completes',
      products: [oneOut],
      rentals,
      commands: [end('complete', 'r')],
      outcomes: ['done'],
      ledger: ['complete 0 1 0 -1'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'cancels, and leads out of rented_out',
      products: [allOut],
      rentals: [{ id: 'r', quantity: 2 }],
      commands: [end('cancel', 'r')],
      outcomes: ['done'],
      ledger: ['cancel 0 2 0 -2'],
      after: '2 = 2 + 0 + 0, available, version 2',
    },
    {
      title: 'frees a unit for the next command of the batch',
      products: [{ ...counters(1, 0, 0, 1), availabilityStatus: 'rented_out' }],
      rentals,
      commands: [rent(1), end('complete', 'r'), rent(1)],
      outcomes: [OUT_OF_STOCK, 'done', 'done'],
      ledger: ['complete 0 1 0 -1', 'rent 0 -1 0 1'],
      after: '1 = 0 + 0 + 1, rented_out, version 3',
    },
    {
      title: 'goes on while the product is a draft, and leaves it one',
      products: [{ ...counters(2, 0, 0, 2), ...draft }],
      rentals: [{ id: 'r' }, { id: 's' }],
      commands: [end('complete', 'r'), end('cancel', 's')],
      outcomes: ['done', 'done'],
      ledger: ['complete 0 1 0 -1', 'cancel 0 1 0 -1'],
      after: '2 = 2 + 0 + 0, draft, version 3',
    },
    {
      title: 'is done once: the second in a batch is refused',
      products: [oneOut],
      rentals,
      commands: [end('cancel', 'r'), end('complete', 'r'), end('cancel', 'r')],
      outcomes: ['done', over('cancelled', 'complete'), over('cancelled', 'cancel')],
      ledger: ['cancel 0 1 0 -1'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'is refused for one that was over before',
      rentals: [
        { id: 'r', status: 'completed' },
        { id: 's', status: 'cancelled' },
      ],
      commands: [end('complete', 'r'), end('cancel', 's')],
      outcomes: [over('completed', 'complete'), over('cancelled', 'cancel')],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'is refused for one that is not there, of another store, product or user',
      products: [oneOut, { id: 2, sku: 'OTHER' }, { id: 3, storeId: 2, sku: 'THEIRS' }],
      rentals: [{ id: 'r' }, { id: 'theirs', storeId: 2, productId: 3, quantity: 1 }],
      commands: [
        end('cancel', 'none'),
        end('cancel', 'r', { storeId: 2 }),
        end('cancel', 'r', { productId: 2 }),
        end('cancel', 'r', { ownerId: 'bob' }),
        end('cancel', 'theirs'),
      ],
      outcomes: [NO_RENTAL, NO_RENTAL, NO_RENTAL, NO_RENTAL, NO_RENTAL],
      ledger: [],
      after: '3 = 2 + 0 + 1, available, version 1',
    },
    {
      title: 'is for its own user too',
      products: [oneOut],
      rentals,
      commands: [end('cancel', 'r', { ownerId: 'ann' })],
      outcomes: ['done'],
      ledger: ['cancel 0 1 0 -1'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'finds a rental that the same batch began',
      commands: [rent(2, { rentalId: 'new' }), end('complete', 'new'), end('complete', 'new')],
      outcomes: ['done', 'done', over('completed', 'complete')],
      ledger: ['rent 0 -2 0 2', 'complete 0 2 0 -2'],
      after: '3 = 3 + 0 + 0, available, version 3',
    },
    {
      title: 'does not find a rental that the same batch refused',
      commands: [rent(9, { rentalId: 'new' }), end('complete', 'new')],
      outcomes: [{ code: 'insufficient_stock', available: 3, requested: 9 }, NO_RENTAL],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('keeps when it ended and why', () => {
    const { store } = run({
      products: [counters(3, 1, 0, 2)],
      rentals: [{ id: 'r', orderId: 'o' }, { id: 's' }],
      commands: [
        end('cancel', 'r', { reason: 'rain' }),
        end('complete', 's', { reason: 'back early' }),
      ],
    });
    expect(store.rentals.get('r')).toMatchObject({
      status: 'cancelled',
      cancelledAt: NOW,
      cancelReason: 'rain',
      completedAt: null,
    });
    expect(store.rentals.get('s')).toMatchObject({
      status: 'completed',
      completedAt: NOW,
      cancelledAt: null,
      cancelReason: null,
    });
    expect(store.ledger.slice(-2)).toMatchObject([
      { rentalId: 'r', orderId: 'o', reason: 'rain' },
      { rentalId: 's', orderId: null, reason: 'back early' },
    ]);
  });
});

describe('publishing', () => {
  const cases: Case[] = [
    {
      title: 'publishes what has free units',
      products: [draft],
      commands: [publish('publish')],
      outcomes: ['done'],
      ledger: ['publish 0 0 0 0'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'publishes what has none',
      products: [{ ...counters(1, 0, 0, 1), ...draft }],
      commands: [publish('publish')],
      outcomes: ['done'],
      ledger: ['publish 0 0 0 0'],
      after: '1 = 0 + 0 + 1, rented_out, version 2',
    },
    {
      title: 'unpublishes, after which nothing is rented',
      commands: [publish('unpublish'), rent(1)],
      outcomes: ['done', { code: 'not_available', requested: 1 }],
      ledger: ['unpublish 0 0 0 0'],
      after: '3 = 3 + 0 + 0, draft, version 2',
    },
    {
      title: 'answers the second time as things stand',
      products: [draft],
      commands: [publish('publish'), publish('publish')],
      outcomes: ['done', 'done'],
      ledger: ['publish 0 0 0 0'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'answers the second unpublishing as things stand',
      products: [draft],
      commands: [publish('unpublish')],
      outcomes: ['done'],
      ledger: [],
      after: '3 = 3 + 0 + 0, draft, version 1',
    },
    {
      title: 'goes by If-Match, which sees what the batch did before it',
      products: [{ ...draft, version: 7 }],
      commands: [
        publish('publish', { ifMatch: [6] }),
        publish('publish', { ifMatch: [6, 7] }),
        publish('unpublish', { ifMatch: [7] }),
        publish('unpublish', { ifMatch: [8] }),
      ],
      outcomes: [
        { code: 'version_mismatch', version: 7 },
        'done',
        { code: 'version_mismatch', version: 8 },
        'done',
      ],
      ledger: ['publish 0 0 0 0', 'unpublish 0 0 0 0'],
      after: '3 = 3 + 0 + 0, draft, version 9',
    },
    {
      title: 'does not see another store',
      commands: [publish('unpublish', { storeId: 2 }), publish('publish', { productId: 9 })],
      outcomes: [NOT_FOUND, NOT_FOUND],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);
});

describe('changing a product', () => {
  const priced = { priceAmount: 1500, priceCurrency: 'EUR' };
  const missing = (field: string, other: string): Refusal => ({
    code: 'validation_failed',
    errors: [{ field, message: `is missing: ${other} was given without it` }],
  });
  const cases: Case[] = [
    {
      title: 'buys units',
      products: [allOut],
      commands: [update({ quantity: 5 }), rent(3)],
      outcomes: ['done', 'done'],
      ledger: ['update 3 3 0 0', 'rent 0 -3 0 3'],
      after: '5 = 0 + 0 + 5, rented_out, version 3',
    },
    {
      title: 'gives up units that are free, to the last',
      products: [counters(5, 3, 1, 1)],
      commands: [update({ quantity: 2 })],
      outcomes: ['done'],
      ledger: ['update -3 -3 0 0'],
      after: '2 = 0 + 1 + 1, rented_out, version 2',
    },
    {
      title: 'keeps what is held and out, and then changes no other field either',
      products: [{ ...counters(5, 3, 1, 1), name: 'Old' }],
      commands: [update({ quantity: 1, name: 'New' }), update({ name: 'Old' })],
      outcomes: [{ code: 'quantity_below_committed', committed: 2, requested: 1 }, 'done'],
      ledger: [],
      after: '5 = 3 + 1 + 1, available, version 1',
    },
    {
      title: 'writes a line where only fields change, and none where nothing does',
      products: [{ ...priced, name: 'Old' }],
      commands: [
        update({ name: 'New' }),
        update({ name: 'New', quantity: 3, priceAmount: 1500 }),
        update({}),
        update({ name: undefined }),
      ],
      outcomes: ['done', 'done', 'done', 'done'],
      ledger: ['update 0 0 0 0'],
      after: '3 = 3 + 0 + 0, available, version 2',
    },
    {
      title: 'wants a price to be whole',
      commands: [
        update({ priceAmount: 5 }),
        update({ priceCurrency: 'EUR' }),
        update({ priceAmount: 5, priceCurrency: 'EUR' }),
        update({ priceAmount: null }),
        update({ priceAmount: 6 }),
      ],
      outcomes: [
        missing('price_currency', 'price_amount'),
        missing('price_amount', 'price_currency'),
        'done',
        missing('price_amount', 'price_currency'),
        'done',
      ],
      ledger: ['update 0 0 0 0', 'update 0 0 0 0'],
      after: '3 = 3 + 0 + 0, available, version 3',
    },
    {
      title: 'goes by If-Match before anything else',
      products: [{ version: 4 }],
      commands: [
        update({ quantity: 0, priceAmount: 5 }, { ifMatch: [3] }),
        update({ quantity: 4 }, { ifMatch: [4] }),
      ],
      outcomes: [{ code: 'version_mismatch', version: 4 }, 'done'],
      ledger: ['update 1 1 0 0'],
      after: '4 = 4 + 0 + 0, available, version 5',
    },
    {
      title: 'goes on as a draft',
      products: [{ ...counters(0, 0, 0, 0), ...draft }],
      commands: [update({ quantity: 2 })],
      outcomes: ['done'],
      ledger: ['update 2 2 0 0'],
      after: '2 = 2 + 0 + 0, draft, version 2',
    },
    {
      title: 'does not see another store',
      commands: [update({ quantity: 9 }, { storeId: 2 })],
      outcomes: [NOT_FOUND],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
  ];
  it.each(cases)('$title', check);

  it('clears what is set to null, and leaves what is not named', () => {
    const { store } = run({
      products: [{ ...priced, lowStockThreshold: 2, supplierEmail: 'a@b.example' }],
      commands: [update({ lowStockThreshold: null, priceAmount: null, priceCurrency: null })],
    });
    expect(store.products.get(1)).toMatchObject({
      lowStockThreshold: null,
      priceAmount: null,
      priceCurrency: null,
      supplierEmail: 'a@b.example',
    });
  });
});

describe('making products', () => {
  const made = (...rows: [string, number, boolean][]) =>
    rows.map(([sku, quantity, isPublished]) => ({ sku, quantity, publish: isPublished }));

  it.each([
    ['a draft', 2, false, 'draft'],
    ['published', 2, true, 'available'],
    ['published with nothing to rent', 0, true, 'rented_out'],
  ] as const)('makes one: %s', (_, quantity, isPublished, status) => {
    const { outcomes, store } = run({ commands: [create(made(['A', quantity, isPublished]))] });
    const expected = {
      id: 2,
      sku: 'A',
      ...counters(quantity, quantity, 0, 0),
      availabilityStatus: status,
      version: 1,
      createdAt: NOW,
    };
    expect(store.products.get(2)).toMatchObject(expected);
    expect(outcomes).toMatchObject([{ ok: true, value: [{ ok: true, value: expected }] }]);
    expect(store.linesOf(2).map(lineText)).toEqual([`open ${quantity} ${quantity} 0 0`]);
  });

  it.each([
    ['that exists', [create(made(['TENT', 1, false]))], ['taken']],
    [
      'twice in one request',
      [create(made(['A', 1, false], ['A', 2, false], ['B', 1, false]))],
      ['made', 'taken', 'made'],
    ],
    [
      'twice in one batch',
      [create(made(['A', 1, false])), create(made(['A', 2, false]))],
      ['made', 'taken'],
    ],
    ['of another store', [create(made(['TENT', 1, false]), { storeId: 2 })], ['made']],
    ['in other letters', [create(made(['tent', 1, false]))], ['made']],
  ])('looks at a SKU %s', (_, commands, expected) => {
    const { outcomes, store } = run({ commands });
    const each = outcomes.flatMap((outcome) =>
      outcome.ok ? (outcome.value as readonly Outcome<Product>[]) : [],
    );
    expect(each.map((outcome) => (outcome.ok ? 'made' : 'taken'))).toEqual(expected);
    for (const outcome of each.filter(({ ok }) => !ok)) {
      expect(outcome).toMatchObject({ refusal: { code: 'sku_taken' } });
    }
    expect(store.products.size).toBe(1 + expected.filter((word) => word === 'made').length);
  });
});

describe('API keys', () => {
  const NO_KEY: Refusal = { code: 'not_found' };

  it.each([
    ['makes one', [createKey('k')], ['done'], ['k']],
    ['ends one', [createKey('k'), createKey('l'), revokeKey('k')], ['done', 'done', 'done'], ['l']],
    [
      'ends one once',
      [createKey('k'), revokeKey('k'), revokeKey('k')],
      ['done', 'done', NO_KEY],
      [],
    ],
    ['knows no other', [revokeKey('k')], [NO_KEY], []],
    [
      'knows none of another store',
      [createKey('k'), revokeKey('k', { storeId: 2 })],
      ['done', NO_KEY],
      ['k'],
    ],
  ] as [string, Command[], ('done' | Refusal)[], string[]][])(
    '%s, in one batch or several',
    (_, commands, expected, left) => {
      for (const batches of [[commands], commands.map((command) => [command])]) {
        const store = new ModelStore();
        const settlements = batches.flatMap((batch) => store.run(batch));
        expect(settlements.map(({ outcome }) => brief(outcome))).toEqual(expected);
        expect([...store.apiKeys.keys()]).toEqual(left);
      }
    },
  );

  it('never shows the hash', () => {
    const { outcomes } = run({ commands: [createKey('k', { role: 'reseller' })] });
    expect(outcomes).toEqual([
      {
        ok: true,
        value: { id: 'k', storeId: 1, name: 'till', role: 'reseller', createdAt: NOW },
      },
    ]);
  });
});

describe('mending a product that was edited from outside', () => {
  const edited = (row: Partial<Product>, rentals: Case['rentals'] = [{ id: 'r' }]) => {
    const store = new ModelStore();
    store.addProduct(counters(3, 2, 0, 1));
    store.products.set(1, { ...productOf(store), ...row });
    for (const rental of rentals) store.addRental(rental);
    return store;
  };

  type Row = [string, Partial<Product>, Command[], string[], string];
  const cases: Row[] = [
    [
      'gives a unit back that the counters had forgotten',
      counters(3, 3, 0, 0),
      [end('complete', 'r')],
      ['sync 0 0 0 0', 'complete 0 1 0 -1'],
      '3 = 3 + 0 + 0, available, version 3',
    ],
    [
      'owns what is out, where less was said to be owned',
      { ...counters(0, 0, 0, 0), availabilityStatus: 'rented_out' },
      [end('cancel', 'r')],
      ['sync -2 -2 0 0', 'cancel 0 1 0 -1'],
      '1 = 1 + 0 + 0, available, version 3',
    ],
    [
      'keeps a draft one',
      { ...counters(3, 3, 0, 0), ...draft },
      [end('cancel', 'r')],
      ['sync 0 0 0 0', 'cancel 0 1 0 -1'],
      '3 = 3 + 0 + 0, draft, version 3',
    ],
    [
      'happens before every command of the batch',
      counters(3, 3, 0, 0),
      [rent(3), end('cancel', 'r')],
      ['sync 0 0 0 0', 'cancel 0 1 0 -1'],
      '3 = 3 + 0 + 0, available, version 3',
    ],
    [
      'does not happen where the counters cover the rental',
      counters(4, 3, 0, 1),
      [end('cancel', 'r')],
      ['cancel 0 1 0 -1'],
      '4 = 4 + 0 + 0, available, version 2',
    ],
    [
      'does not happen for a rental alone',
      counters(3, 3, 0, 0),
      [rent(1)],
      ['rent 0 -1 0 1'],
      '3 = 2 + 0 + 1, available, version 2',
    ],
    [
      'happens on demand',
      counters(3, 3, 0, 0),
      [sync(), sync()],
      ['sync 0 0 0 0'],
      '3 = 2 + 0 + 1, available, version 2',
    ],
    [
      'only looks in a dry run',
      counters(3, 3, 0, 0),
      [sync({ dryRun: true })],
      [],
      '3 = 3 + 0 + 0, available, version 1',
    ],
  ];
  it.each(cases)('%s', (_, row, commands, ledger, after) => {
    const store = edited(row);
    store.run(commands);
    expect(store.linesOf(1).slice(1).map(lineText)).toEqual(ledger);
    expect(productText(productOf(store))).toBe(after);
  });

  it('is written in the ledger as the doing of the system, with what the ledger lacked', () => {
    const store = edited(counters(5, 5, 0, 0));
    const command = end('complete', 'r');
    store.run([command]);
    const [, mended] = store.linesOf(1);
    expect(mended).toMatchObject({
      kind: 'sync',
      actor: 'system',
      commandId: command.id,
      delta: counters(2, 2, 0, 0),
      after: counters(5, 4, 0, 1),
      rentalId: null,
    });
  });

  it('counts all rentals that the batch ends, not each alone', () => {
    const store = edited(counters(3, 2, 0, 1), [{ id: 'r' }, { id: 's' }]);
    const settlements = store.run([end('complete', 'r'), end('complete', 's')]);
    expect(settlements.map(({ outcome }) => outcome.ok)).toEqual([true, true]);
    expect(productText(productOf(store))).toBe('3 = 3 + 0 + 0, available, version 4');
  });
});
