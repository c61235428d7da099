import { describe, expect, it } from '@jest/globals';
import { QUANTITY_MAX } from '../../machines/product.js';
import type { Refusal } from '../../src/domain/refusal.js';
import { type Case, check, run } from '../helpers/cases.js';
import { changeStock } from '../helpers/commands.js';
import { counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';

const NOW = new ModelStore().now;
const restock = (...quantities: number[]) =>
  changeStock(
    'restock',
    quantities.map((quantity) => ({ quantity })),
  );
const adjust = (quantity: number) => changeStock('adjust', [{ quantity }]);
const invalid = (message: string): Refusal => ({
  code: 'validation_failed',
  errors: [{ field: 'quantity', message }],
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
const draft = { availabilityStatus: 'draft' } as const;
const below = (committed: number, requested: number): Refusal => ({
  code: 'quantity_below_committed',
  committed,
  requested,
});

describe('changing what is owned', () => {
  const cases: Case[] = [
    {
      title: 'restocks, several lines of one product each with a line of its own',
      products: [{ ...counters(2, 0, 1, 1), availabilityStatus: 'rented_out' }],
      commands: [restock(1, 2)],
      outcomes: ['done'],
      ledger: ['restock 1 1 0 0', 'restock 2 2 0 0'],
      after: '5 = 3 + 1 + 1, available, version 3',
    },
    {
      title: 'restocks to the most that may be owned, in all lines together, and not beyond',
      products: [counters(QUANTITY_MAX - 3, QUANTITY_MAX - 3, 0, 0)],
      commands: [restock(2, 2), restock(2, 1)],
      outcomes: [
        having(
          QUANTITY_MAX - 3,
          short(
            invalid(
              `must leave the product with at most ${QUANTITY_MAX} units, and it has ${QUANTITY_MAX - 1}`,
            ),
            0,
            1,
          ),
        ),
        'done',
      ],
      ledger: ['restock 2 2 0 0', 'restock 1 1 0 0'],
      after: `${QUANTITY_MAX} = ${QUANTITY_MAX} + 0 + 0, available, version 3`,
    },
    {
      title: 'sets what was counted on hand: what is out stays owned, what is held stays held',
      products: [counters(9, 4, 3, 2)],
      commands: [adjust(3), adjust(10)],
      outcomes: ['done', 'done'],
      ledger: ['adjust -4 -4 0 0', 'adjust 7 7 0 0'],
      after: '12 = 7 + 3 + 2, available, version 3',
    },
    {
      title: 'writes nothing where as many are counted as were known',
      products: [counters(9, 4, 3, 2)],
      commands: [adjust(7)],
      outcomes: ['done'],
      ledger: [],
      after: '9 = 4 + 3 + 2, available, version 1',
    },
    {
      title: 'refuses a count of fewer than are held',
      products: [counters(9, 4, 3, 2)],
      commands: [adjust(2)],
      outcomes: [having(4, short(below(3, 2), 0))],
      ledger: [],
      after: '9 = 4 + 3 + 2, available, version 1',
    },
    {
      title: 'expires what is due where fewer are counted than are held, as many as are needed',
      products: [counters(9, 2, 5, 2)],
      holds: [
        { id: 'a', cartId: 'a', quantity: 2, expiresAt: NOW - 2 },
        { id: 'b', cartId: 'b', quantity: 2, expiresAt: NOW - 1 },
        { id: 'c', cartId: 'c', quantity: 1 },
      ],
      commands: [adjust(0), adjust(4), adjust(1)],
      outcomes: [having(6, short(below(1, 0), 0)), 'done', 'done'],
      ledger: ['expire 0 2 -2 0', 'adjust -3 -3 0 0', 'expire 0 2 -2 0', 'adjust -3 -3 0 0'],
      after: '3 = 0 + 1 + 2, rented_out, version 5',
    },
    {
      title: 'refuses two counts of one product, and names each line',
      commands: [
        changeStock('adjust', [{ quantity: 1 }, { quantity: 2, productId: 9 }, { quantity: 1 }]),
      ],
      outcomes: [
        {
          ...invalid('is counted twice: send one count for each product'),
          lines: [
            {
              index: 0,
              reason: invalid('is counted twice: send one count for each product'),
              available: 3,
            },
            { index: 1, reason: { code: 'product_not_found' }, available: 0 },
            {
              index: 2,
              reason: invalid('is counted twice: send one count for each product'),
              available: 3,
            },
          ],
        },
      ],
      ledger: [],
      after: '3 = 3 + 0 + 0, available, version 1',
    },
    {
      title: 'goes on as a draft, is all or nothing, and does not see another store',
      products: [draft],
      commands: [
        restock(1),
        adjust(2),
        changeStock('restock', [{ quantity: 1 }, { quantity: 1, productId: 9 }]),
        changeStock('restock', [{ quantity: 1 }], { storeId: 2 }),
      ],
      outcomes: [
        'done',
        'done',
        short({ code: 'product_not_found' }, 1),
        short({ code: 'product_not_found' }, 0),
      ],
      ledger: ['restock 1 1 0 0', 'adjust -2 -2 0 0'],
      after: '2 = 2 + 0 + 0, draft, version 3',
    },
  ];
  it.each(cases)('$title', check);

  it('answers each line with its own change, and with the product after all of them', () => {
    const { outcomes, lines } = run({
      products: [counters(5, 1, 3, 1)],
      holds: [{ id: 'd', quantity: 3, expiresAt: NOW }],
      commands: [
        changeStock('restock', [{ quantity: 1, reason: 'bought' }, { quantity: 2 }]),
        adjust(5),
      ],
    });
    const after = { quantity: 8, quantityAvailable: 7, quantityReserved: 0 };
    expect(outcomes).toMatchObject([
      {
        value: {
          lines: [
            { change: 1, product: after },
            { change: 2, product: after },
          ],
        },
      },
      { value: { lines: [{ change: -2, product: { quantity: 6, quantityAvailable: 5 } }] } },
    ]);
    expect(lines.map(({ reason }) => reason)).toEqual(['bought', 'count', 'count']);
  });
});
