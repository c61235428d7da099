import type { Batch, HoldKey } from './batch.js';
import {
  type CartConfirmed,
  type CommandHeader,
  type ConfirmCart,
  type ConfirmHold,
  done,
  type HoldConfirmed,
  type Outcome,
  refused,
  type SaleLine,
  type Sell,
  type SoldLine,
} from './command.js';
import { takeFree, wouldRefuse } from './free-units.js';
import { groupBy } from './group-by.js';
import {
  findReservation,
  type HoldRules,
  heldAndLocked,
  isRecent,
  latestOfEachProduct,
  mayTouch,
  mustBeLocked,
  ownOfCart,
} from './holds.js';
import type { Instant } from './instant.js';
import type { LiveProduct } from './live-product.js';
import { type LineRefusal, type Reason, refusalOfLines } from './refusal.js';
import type { Rental } from './rental.js';
import { isLost, nextReservation, type Reservation } from './reservation.js';
import { unitsFor } from './stock-questions.js';

/** Turns a hold into a rental. Again for the same order it is the same answer. */
export function confirmHold(batch: Batch, command: ConfirmHold): Outcome<HoldConfirmed> {
  const found = findReservation(batch, command);
  if (!found) return refused({ code: 'reservation_not_found' });
  const { product, reservation } = found;
  const { orderId, rentalId } = command;
  const event = { type: 'CONFIRM' as const, now: batch.now, orderId };
  const next = nextReservation(reservation, event);
  if ('refusal' in next) return refused(next.refusal);
  const isRepeat = next.reservation === reservation;
  const rental = isRepeat
    ? rentalOf(batch, reservation)
    : turnIntoRental(batch, product, command, { reservation, orderId, rentalId });
  const confirmed = batch.reservation(command) ?? next.reservation;
  return done({ reservation: batch.toldReservation(confirmed), rental });
}

/** Turns all holds of a cart into rentals, or none. Again for the same order it is the same answer. */
export function confirmCart(
  batch: Batch,
  command: ConfirmCart,
  rules: HoldRules,
): Outcome<CartConfirmed> {
  if (!mayTouch(batch, command, command.cartId)) return refused({ code: 'forbidden' });
  const rows = ownOfCart(batch, command);
  const earlier = rows.filter(
    (row) => row.status === 'confirmed' && row.orderId === command.orderId,
  );
  const recent = rows.filter((row) => isRecent(row, batch.now, rules));
  const latest = latestOfEachProduct(recent).filter((row) => isOpenFor(row, earlier));
  const expired = latest.filter((row) => isLost(row, batch.now));
  if (expired.length > 0) {
    return refused({
      code: 'reservation_expired',
      expired: expired.map(({ id: reservationId, productId, expiresAt: expiredAt }) => ({
        reservationId,
        productId,
        expiredAt,
      })),
    });
  }
  mustBeLocked(command, earlier);
  const held = heldAndLocked(batch, command, latest);
  if (held.length + earlier.length === 0) return refused({ code: 'reservation_not_found' });

  const { orderId } = command;
  const confirmed = held.map(({ product, reservation }) => {
    const rentalId = command.rentalIds[command.productIds.indexOf(reservation.productId)];
    if (rentalId === undefined) throw new Error(`no id was made for ${reservation.id}'s rental`);
    turnIntoRental(batch, product, command, { reservation, orderId, rentalId });
    return batch.reservation({ ...command, reservationId: reservation.id }) ?? reservation;
  });
  return done(confirmedCart(batch, [...earlier, ...confirmed]));
}

/**
 * Whether the order has yet to confirm a hold. What came into the cart after an earlier
 * confirmation is another order's; what was there and was left out then, was confirmed hold by hold.
 */
function isOpenFor(row: Reservation, earlier: readonly Reservation[]): boolean {
  return earlier.every(({ confirmedAt }) => confirmedAt === null || row.createdAt < confirmedAt);
}

/** Oldest first, so that a repeat tells them in the order of the first answer. */
function confirmedCart(batch: Batch, confirmed: readonly Reservation[]): CartConfirmed {
  const rows = [...confirmed].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return {
    reservations: rows.map((row) => batch.toldReservation(row)),
    rentals: rows.map((row) => rentalOf(batch, row)),
  };
}

function rentalOf(batch: Batch, reservation: Reservation): Rental {
  const { storeId, rentalId } = reservation;
  const rental = rentalId === null ? undefined : batch.rental({ storeId, rentalId });
  if (!rental) throw new Error(`reservation ${reservation.id} is confirmed and has no rental`);
  return rental;
}

/** All of a hold becomes a rental: one line, reserved down and rented up. */
function turnIntoRental(
  batch: Batch,
  product: LiveProduct,
  command: CommandHeader,
  into: { reservation: Reservation; orderId: string; rentalId: string },
): Rental {
  const { reservation, orderId, rentalId } = into;
  const rental = newRental(batch, {
    id: rentalId,
    product,
    quantity: reservation.quantity,
    userId: reservation.customerId,
    orderId,
    reservationId: reservation.id,
  });
  useHold(batch, product, command, { hold: reservation, units: rental.quantity, rental, orderId });
  return rental;
}

/** What a command sells of a product and from one cart, in all its lines. */
interface Sale extends HoldKey {
  /** the first of its lines */
  readonly line: SaleLine;
  /** the places of its lines in the command */
  readonly indexes: readonly number[];
  /** units */
  readonly quantity: number;
  /** what is held for it and still promised */
  readonly hold: Reservation | undefined;
  /** units of the hold that it uses up */
  readonly fromHold: number;
}

/** Makes rentals of held units, and of free ones where those do not suffice. All lines, or none. */
export function sell(batch: Batch, command: Sell): Outcome<{ lines: readonly SoldLine[] }> {
  const cartIds = new Set(command.lines.map(({ cartId }) => cartId));
  for (const cartId of cartIds) {
    if (cartId !== null && !mayTouch(batch, command, cartId)) return refused({ code: 'forbidden' });
  }
  const sales = salesOf(batch, command);
  const short = linesThatFallShort(batch, command, sales);
  if (short.length > 0) return refused(refusalOfLines(short));

  const rentals = new Map(sales.map((sale) => [sale, carryOut(batch, command, sale)]));
  const lines = sales.flatMap((sale) => {
    const product = batch.product(sale);
    const rental = rentals.get(sale);
    if (!product || !rental) throw new Error(`nothing is known of product ${sale.productId}`);
    return sale.indexes.map((index) => ({ index, line: { rental, product: batch.told(product) } }));
  });
  lines.sort((a, b) => a.index - b.index);
  return done({ lines: lines.map(({ line }) => line) });
}

function salesOf(batch: Batch, { storeId, lines }: Sell): Sale[] {
  const groups = groupBy(lines.entries(), ([, line]) => `${line.productId}:${line.cartId ?? ''}`);
  return [...groups.values()].map((group) => {
    const [[, line]] = group;
    const key = { storeId, productId: line.productId, cartId: line.cartId ?? '' };
    const quantity = group.reduce((total, [, one]) => total + one.quantity, 0);
    const hold = line.cartId === null ? undefined : usableHold(batch.hold(key), line);
    const fromHold = Math.min(hold?.quantity ?? 0, quantity);
    return { ...key, line, indexes: group.map(([index]) => index), quantity, hold, fromHold };
  });
}

function usableHold(hold: Reservation | undefined, { onlyHold }: SaleLine) {
  return onlyHold === undefined || hold?.id === onlyHold ? hold : undefined;
}

function linesThatFallShort(batch: Batch, command: Sell, sales: readonly Sale[]): LineRefusal[] {
  const lost = sales.flatMap((sale) => {
    const reason = lostHold(batch, sale);
    return reason ? linesOf([sale], reason, availableFor(batch, sale, [sale])) : [];
  });
  const byProduct = groupBy(sales, ({ productId }) => productId);
  const short = [...byProduct].flatMap(([productId, group]) => {
    const reason = refusalFor(batch, { ...command, productId }, group);
    return reason ? linesOf(group, reason, availableFor(batch, group[0], group)) : [];
  });
  const isLost = new Set(lost.map(({ index }) => index));
  return [...lost, ...short.filter(({ index }) => !isLost.has(index))];
}

function linesOf(group: readonly Sale[], reason: Reason, available: number): LineRefusal[] {
  return group.flatMap(({ indexes }) => indexes.map((index) => ({ index, reason, available })));
}

/** Units that these sales of a product could have: those of their holds, and free ones. */
function availableFor(batch: Batch, key: HoldKey, group: readonly Sale[]): number {
  const product = batch.product(key);
  return product ? unitsFor(batch.told(product), unitsOfHolds(group)) : 0;
}

const unitsOfHolds = (group: readonly Sale[]) =>
  group.reduce((total, { fromHold }) => total + fromHold, 0);

/** Why a hold that must be there is not; null where it is, or need not be. */
function lostHold(batch: Batch, sale: Sale): Reason | null {
  if (!sale.line.holdMustExist || sale.hold || !batch.product(sale)) return null;
  const latest = batch
    .reservationsOfCart(sale)
    .filter(({ productId }) => productId === sale.productId)
    .at(-1);
  if (!latest) return { code: 'reservation_not_found' };
  const event = { type: 'USE' as const, now: batch.now, units: sale.quantity };
  const next = nextReservation(latest, event);
  if ('refusal' in next) return next.refusal;
  throw new Error(`reservation ${latest.id} is held and was not found`);
}

function refusalFor(
  batch: Batch,
  command: Sell & { productId: number },
  group: readonly Sale[],
): Reason | null {
  const product = batch.product(command);
  if (!product) return { code: 'product_not_found' };
  const confirms = unitsOfHolds(group);
  const rents = group.reduce((total, { quantity }) => total + quantity, 0) - confirms;
  const refusal = wouldRefuse(batch, product, { confirms, rents });
  if (!refusal || confirms === 0) return refusal;
  // A cart is told what it could have in all: what it holds itself does not stand in its way.
  return wouldRefuse(batch, product, { releases: confirms, rents: confirms + rents }) ?? refusal;
}

/** Makes the rental; the machines were asked before. */
function carryOut(batch: Batch, command: Sell, sale: Sale): Rental {
  const { line, quantity, hold, fromHold } = sale;
  const { orderId, boughtBy } = command;
  const product = batch.product(sale);
  if (!product) throw new Error(`product ${sale.productId} is gone`);
  const rental = newRental(batch, {
    id: line.rentalId,
    product,
    quantity,
    userId: line.userId,
    orderId,
    reservationId: hold?.id ?? null,
    startsAt: line.startsAt ?? null,
    endsAt: line.endsAt ?? null,
  });
  const { reason } = line;
  if (hold) useHold(batch, product, command, { hold, units: fromHold, rental, orderId, reason });
  const units = quantity - fromHold;
  if (units > 0) {
    const sent = takeFree(batch, product, command, { type: 'RENT', units }, units);
    if ('refusal' in sent)
      throw new Error(`product ${sale.productId} refused what it had accepted`);
    batch.move(product, command, { kind: 'rent', sent, rentalId: rental.id, orderId, reason });
  }
  if (boughtBy !== null) takeOutOfCart(batch, { ...sale, userId: boughtBy }, quantity);
  return rental;
}

/** Units of a hold are rented; the hold is confirmed with the last of them. */
function useHold(
  batch: Batch,
  product: LiveProduct,
  command: CommandHeader,
  used: {
    hold: Reservation;
    units: number;
    rental: Rental;
    orderId: string | null;
    reason?: string | null;
  },
): void {
  const { hold, units, rental, orderId, reason = null } = used;
  const isAll = units === hold.quantity;
  const { now } = batch;
  const next = nextReservation(
    hold,
    isAll ? { type: 'CONFIRM', now, orderId } : { type: 'USE', now, units },
  );
  const sent = product.send({ type: 'CONFIRM', units });
  if ('refusal' in next || 'refusal' in sent) {
    throw new Error(`reservation ${hold.id} can not be confirmed`);
  }
  const after = isAll ? { ...next.reservation, rentalId: rental.id } : next.reservation;
  batch.changeHold(product, hold, after);
  batch.move(product, command, {
    kind: 'confirm',
    sent,
    rentalId: rental.id,
    reservationId: hold.id,
    orderId,
    reason,
  });
}

function newRental(
  batch: Batch,
  made: {
    id: string;
    product: LiveProduct;
    quantity: number;
    userId: string | null;
    orderId: string | null;
    reservationId: string | null;
    startsAt?: Instant | null;
    endsAt?: Instant | null;
  },
): Rental {
  const { product, startsAt = null, endsAt = null, ...rest } = made;
  const rental: Rental = {
    ...rest,
    storeId: product.row.storeId,
    productId: product.row.id,
    status: 'active',
    startsAt,
    endsAt,
    createdAt: batch.now,
    completedAt: null,
    cancelledAt: null,
    cancelReason: null,
    overdueAt: null,
  };
  batch.startRental(rental);
  return rental;
}

/** What was bought is no longer wanted. */
function takeOutOfCart(
  batch: Batch,
  key: { storeId: number; productId: number; userId: string },
  units: number,
): void {
  const item = batch.cartItem(key);
  if (!item) return;
  if (item.quantity > units) {
    batch.saveCartItem({ ...item, quantity: item.quantity - units, updatedAt: batch.now });
  } else batch.removeCartItem(item);
}
