import { describe, expect, it } from '@jest/globals';
import type { Command } from '../../src/domain/command.js';
import { rent } from '../helpers/commands.js';
import { breachesOf, counters } from '../helpers/law.js';
import { ModelStore } from '../helpers/model-store.js';
import { type Random, randomOf } from '../helpers/random.js';

const SEEDS = 1000;
const UNITS = 3;
const LASTS_MS = 5;

/**
 * One hold, and all that may happen to it within a few ms of its expiry, in any order and any
 * batches: it is confirmed, extended, changed, released, expired by a cleanup, and its units are
 * wanted by others.
 */
describe('a hold that is confirmed while it is due', () => {
  it(`is either confirmed or over, in ${SEEDS} orders of events`, () => {
    const endings: Record<string, number> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const ending = race(seed);
      endings[ending] = (endings[ending] ?? 0) + 1;
    }
    // It would prove nothing where one side always won.
    expect(endings['confirmed']).toBeGreaterThan(SEEDS / 10);
    expect(endings['expired']).toBeGreaterThan(SEEDS / 10);
    expect(endings['released']).toBeGreaterThan(0);
  });
});

function race(seed: number): string {
  const random = randomOf(seed);
  const store = new ModelStore();
  store.addProduct(counters(UNITS, UNITS, 0, 0));
  const settled = store.run([reserve('hold', 'cart', 2, LASTS_MS)]);
  expect(settled[0]?.outcome.ok).toBe(true);

  store.now += LASTS_MS - 3;
  for (let n = 0; n < 8; n++) {
    store.now += random.below(3);
    const commands = Array.from({ length: 1 + random.below(3) }, (_, i) =>
      anyCommand(random, `${n}-${i}`),
    );
    const before = store.reservations.get('hold');
    const isDue = (before?.expiresAt ?? 0) <= store.now;
    const answers = store.run(commands);
    commands.forEach((command, i) => {
      if (command.kind === 'confirm' && answers[i]?.outcome.ok) {
        // What was due when the batch began was never confirmed in it.
        expect([seed, before?.status === 'reserved' && isDue]).toEqual([seed, false]);
      }
    });
    checkStore(store, seed);
    const after = store.reservations.get('hold');
    if (before?.status !== 'reserved')
      expect([seed, after?.status]).toEqual([seed, before?.status]);
    if (after?.status === 'expired') expect(after.expiresAt).toBeLessThanOrEqual(store.now);
  }

  const hold = store.reservations.get('hold');
  const kinds = store
    .linesOf(1)
    .filter(({ reservationId }) => reservationId === 'hold')
    .map(({ kind }) => kind);
  const ends = kinds.filter((kind) => ['confirm', 'release', 'expire'].includes(kind));
  const expected = { confirmed: ['confirm'], expired: ['expire'], released: ['release'] };
  expect([seed, ends]).toEqual([
    seed,
    hold?.status === 'reserved' || !hold ? [] : expected[hold.status],
  ]);
  return hold?.status ?? '';
}

function anyCommand(random: Random, id: string): Command {
  const header = { id: `command-${id}`, storeId: 1, actor: 'admin', idempotency: null };
  const onHold = { ...header, productId: 1, reservationId: 'hold', ownerId: null };
  const rental = { orderId: 'order', rentalId: `rental-${id}` };
  switch (random.below(8)) {
    case 0:
      return { ...onHold, kind: 'confirm', ...rental };
    case 1:
      return {
        ...header,
        kind: 'confirm_cart',
        cartId: 'cart',
        productIds: [1],
        ownerId: null,
        orderId: 'order',
        rentalIds: [rental.rentalId],
      };
    case 2:
      return { ...onHold, kind: 'extend', byMs: 1 + random.below(3) };
    case 3:
      return { ...header, kind: 'expire', productId: 1, max: 10 };
    case 4:
      return rent(1 + random.below(UNITS), { id: header.id, rentalId: rental.rentalId });
    case 5:
      return reserve(`other-${id}`, `cart-${id}`, 1 + random.below(UNITS), LASTS_MS);
    case 6:
      return reserve(`again-${id}`, 'cart', 1 + random.below(2), LASTS_MS);
    default:
      return random.chance(0.3)
        ? { ...onHold, kind: 'release', reason: 'manual' }
        : { ...header, kind: 'expire', productId: 1, max: 1 };
  }
}

function reserve(
  reservationId: string,
  cartId: string,
  quantity: number,
  lastsMs: number,
): Command {
  return {
    id: `command-${reservationId}`,
    storeId: 1,
    actor: 'admin',
    idempotency: null,
    kind: 'reserve',
    how: 'set',
    ownerId: null,
    reason: null,
    lines: [
      { productId: 1, cartId, quantity, customerId: null, expiry: { lastsMs }, reservationId },
    ],
  };
}

/** Units never double: the counters are what the active holds and rentals have between them. */
function checkStore(store: ModelStore, seed: number): void {
  const row = store.products.get(1);
  if (!row) throw new Error('the product is gone');
  expect([seed, breachesOf(row)]).toEqual([seed, []]);
  expect([seed, row.quantityReserved, row.quantityRented]).toEqual([
    seed,
    store.unitsReserved(1),
    store.unitsRented(1),
  ]);
}
