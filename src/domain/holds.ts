import type { Batch, HoldKey } from './batch.js';
import { CartGrew } from './cart-grew.js';
import { isOfKnownKind, mayTouchCart, mayTouchReservation } from './carts.js';
import {
  type CartReleased,
  type CommandHeader,
  done,
  type ExpireHolds,
  type ExtendHold,
  type HeldLine,
  type HoldLine,
  type HoldsExpired,
  type HoldTakenOff,
  type Outcome,
  type ReleaseCart,
  type ReleaseHold,
  type Reserve,
  refused,
  type TakeOffHold,
} from './command.js';
import { counted } from './counted.js';
import { takeFree, wouldRefuse } from './free-units.js';
import { groupBy } from './group-by.js';
import type { Instant } from './instant.js';
import type { LiveProduct } from './live-product.js';
import { type LineRefusal, type Reason, refusalOfLines } from './refusal.js';
import {
  isHeld,
  isLost,
  nextReservation,
  type Reservation,
  type ToldReservation,
} from './reservation.js';
import { unitsFor } from './stock-questions.js';

/** How long holds may live, and how many a customer may have. */
export interface HoldRules {
  /** ms that a hold lives at most, from when it was made */
  readonly holdMaxMs: number;
  /** holds that a customer may have at once */
  readonly activeHoldsMax: number;
}

/** What is told in the ledger of who changes a hold, and why. */
type Cause = CommandHeader & {
  readonly reason: string | null;
  /** the order that it is for */
  readonly orderId?: string;
};

/** What a command wants a cart to hold of a product, in all its lines. */
interface Wanted extends HoldKey {
  /** the first of its lines */
  readonly line: HoldLine;
  /** the places of its lines in the command */
  readonly indexes: readonly number[];
  /** what is held now and still promised */
  readonly held: Reservation | undefined;
  /** units that are to be held in the end */
  readonly target: number;
}

/** Holds units for carts. All lines, or none: each that falls short is named. */
export function reserve(
  batch: Batch,
  command: Reserve,
  rules: HoldRules,
): Outcome<{ lines: readonly HeldLine[] }> {
  const cartIds = new Set(command.lines.map(({ cartId }) => cartId));
  for (const cartId of cartIds) {
    if (!mayTouch(batch, command, cartId)) return refused({ code: 'forbidden' });
  }
  const errors = expiryErrors(batch, command, rules);
  if (errors.length > 0) return refused({ code: 'validation_failed', errors });
  const wanted = wantedOf(batch, command);
  const short = linesThatFallShort(batch, command, wanted);
  if (short.length > 0) return refused(refusalOfLines(short));
  if (command.ownerId !== null) {
    const customer = { storeId: command.storeId, userId: command.ownerId };
    const made = wanted.filter(({ held }) => !held).length;
    if (made > 0 && batch.activeHolds(customer) + made > rules.activeHoldsMax) {
      return refused({ code: 'hold_limit_reached', limit: rules.activeHoldsMax });
    }
  }

  // Those that give units back come first: others of the same product may need them.
  const grows = (one: Wanted) => Number(growthOf(one) > 0);
  const order = [...wanted].sort((a, b) => grows(a) - grows(b));
  const held = new Map(
    order.map((one) => [one, putHold(batch, command, one, expiryOf(batch, one, rules))]),
  );
  const lines: HeldLine[] = [];
  for (const one of wanted) {
    const reservation = batch.toldReservation(held.get(one) ?? fail(one));
    const quantityAvailable = batch.freeUnits(productOf(batch, one));
    for (const index of one.indexes) {
      lines[index] = { reservation, isNew: !one.held, quantityAvailable };
    }
  }
  return done({ lines });
}

function wantedOf(batch: Batch, { storeId, how, lines }: Reserve): Wanted[] {
  const groups = groupBy(lines.entries(), ([, line]) => `${line.productId}:${line.cartId}`);
  return [...groups.values()].map((group) => {
    const [[, line]] = group;
    const { productId, cartId } = line;
    const held = batch.hold({ storeId, productId, cartId });
    const asked = sum(group.map(([, { quantity }]) => quantity));
    const target = how === 'add' ? asked + (held?.quantity ?? 0) : asked;
    const indexes = group.map(([index]) => index);
    return { storeId, productId, cartId, line, indexes, held, target };
  });
}

/** Each product decides on the sum of its lines; where it refuses, all of them are named. */
function linesThatFallShort(
  batch: Batch,
  command: Reserve,
  wanted: readonly Wanted[],
): LineRefusal[] {
  const byProduct = groupBy(wanted, ({ productId }) => productId);
  return [...byProduct].flatMap(([productId, group]) => {
    const product = batch.product({ storeId: command.storeId, productId });
    const reason = product ? refusalFor(batch, product, command, group) : NOT_FOUND;
    if (!reason) return [];
    const available = product ? unitsFor(batch.told(product), ownUnits(command, group)) : 0;
    return group.flatMap(({ indexes }) => indexes.map((index) => ({ index, reason, available })));
  });
}

const NOT_FOUND: Reason = { code: 'product_not_found' };

/** What the carts hold themselves counts for lines that say how many they are to hold in all. */
const ownUnits = ({ how }: Reserve, group: readonly Wanted[]) =>
  how === 'add' ? 0 : sum(group.map(({ held }) => held?.quantity ?? 0));

function refusalFor(
  batch: Batch,
  product: LiveProduct,
  command: Reserve,
  group: readonly Wanted[],
): Reason | null {
  const growths = group.map(growthOf);
  const holds = sum(growths.filter((growth) => growth > 0));
  const releases = -sum(growths.filter((growth) => growth < 0));
  // What takes nothing is an extension, or gives back: even a draft lets it.
  if (holds === 0) return null;
  const refusal = wouldRefuse(batch, product, { releases, holds });
  if (!refusal) return null;
  if (command.how === 'add') return refusal;
  // A cart is told what it could hold in all: what it holds itself does not stand in its way.
  const own = ownUnits(command, group);
  const target = sum(group.map((one) => one.target));
  return wouldRefuse(batch, product, { releases: own, holds: target }) ?? refusal;
}

/** Lets a cart hold what it wants; the machines were asked before. Returns the hold. */
function putHold(batch: Batch, command: Reserve, wanted: Wanted, expiresAt: Instant): Reservation {
  const product = productOf(batch, wanted);
  const { held, line, target } = wanted;
  if (held) return changeHold(batch, product, command, { held, target, expiresAt });

  const stale = batch.holdRow(wanted);
  if (stale) batch.expire(product, [stale], { ...command, actor: 'system' });
  const sent = takeFree(batch, product, command, { type: 'HOLD', units: target }, target);
  if ('refusal' in sent) return fail(wanted);
  const reservation: Reservation = {
    id: line.reservationId,
    storeId: wanted.storeId,
    cartId: wanted.cartId,
    productId: wanted.productId,
    quantity: target,
    status: 'reserved',
    expiresAt,
    confirmedAt: null,
    releasedAt: null,
    orderId: null,
    rentalId: null,
    // A customer's holds are its own: they are what its limit counts.
    customerId: command.ownerId ?? line.customerId,
    createdAt: batch.now,
    updatedAt: batch.now,
  };
  batch.startHold(product, reservation);
  batch.move(product, command, {
    kind: 'reserve',
    sent,
    reservationId: reservation.id,
    reason: command.reason,
    orderId: command.orderId ?? null,
  });
  return reservation;
}

/** Changes the units and the expiry of a hold. What is already so writes nothing. */
function changeHold(
  batch: Batch,
  product: LiveProduct,
  command: Cause,
  to: { held: Reservation; target: number; expiresAt: Instant },
): Reservation {
  const { held, target, expiresAt } = to;
  const growth = target - held.quantity;
  const event = { type: 'CHANGE' as const, now: batch.now, units: target, expiresAt };
  const next = nextReservation(held, event);
  if ('refusal' in next) return fail(held);
  if (next.reservation === held) return held;
  const sent =
    growth > 0
      ? takeFree(batch, product, command, { type: 'HOLD', units: growth }, growth)
      : growth < 0
        ? product.send({ type: 'RELEASE', units: -growth })
        : product.unmoved();
  if ('refusal' in sent) return fail(held);
  batch.changeHold(product, held, next.reservation);
  batch.move(product, command, {
    kind: growth === 0 ? 'extend' : 'change_hold',
    sent,
    reservationId: held.id,
    reason: command.reason,
    orderId: command.orderId ?? null,
  });
  return next.reservation;
}

/** Takes units off a hold; the last one ends it. */
export function takeOffHold(batch: Batch, command: TakeOffHold): Outcome<HoldTakenOff> {
  if (!mayTouch(batch, command, command.cartId)) return refused({ code: 'forbidden' });
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const held = batch.hold(command);
  const { quantity: requested } = command;
  if (!held || held.quantity < requested) {
    return refused({ code: 'invalid_transition', held: held?.quantity ?? 0, requested });
  }
  const left = giveBackUnits(batch, product, command, held, requested);
  return done({ heldQuantity: left, quantityAvailable: batch.freeUnits(product) });
}

/** Gives units of a hold back, and ends it with the last. Returns how many it still has. */
export function giveBackUnits(
  batch: Batch,
  product: LiveProduct,
  command: Cause,
  held: Reservation,
  units: number,
): number {
  const left = held.quantity - units;
  if (left === 0) end(batch, product, command, held);
  else changeHold(batch, product, command, { held, target: left, expiresAt: held.expiresAt });
  return left;
}

/** Lets a hold last longer. */
export function extendHold(
  batch: Batch,
  command: ExtendHold,
  rules: HoldRules,
): Outcome<ToldReservation> {
  const found = findReservation(batch, command);
  if (!found) return refused({ code: 'reservation_not_found' });
  const { product, reservation } = found;
  const next = nextReservation(reservation, {
    type: 'EXTEND',
    now: batch.now,
    expiresAt: reservation.expiresAt + command.byMs,
    limitAt: reservation.createdAt + rules.holdMaxMs,
  });
  if ('refusal' in next) return refused(next.refusal);
  batch.changeHold(product, reservation, next.reservation);
  batch.move(product, command, {
    kind: 'extend',
    sent: product.unmoved(),
    reservationId: reservation.id,
  });
  return done(batch.toldReservation(next.reservation));
}

/** Gives the units of a hold back; what is over without having been confirmed stays as it is. */
export function releaseHold(batch: Batch, command: ReleaseHold): Outcome<ToldReservation> {
  const found = findReservation(batch, command);
  if (!found) return refused({ code: 'reservation_not_found' });
  const { product, reservation } = found;
  const next = nextReservation(reservation, { type: 'RELEASE', now: batch.now });
  if ('refusal' in next) return refused(next.refusal);
  if (isHeld(reservation, batch.now)) end(batch, product, command, reservation);
  else letGo(batch, [reservation]);
  return done(batch.toldReservation(next.reservation));
}

/** Gives the units of all holds of a cart back. */
export function releaseCart(
  batch: Batch,
  command: ReleaseCart,
  rules: HoldRules,
): Outcome<CartReleased> {
  if (!mayTouch(batch, command, command.cartId)) return refused({ code: 'forbidden' });
  const isKnown = batch.reservationsOfCart(command).length > 0;
  if (!isKnown && command.mustBeKnown) return refused({ code: 'reservation_not_found' });
  const rows = ownOfCart(batch, command).filter((row) => isRecent(row, batch.now, rules));
  const held = heldAndLocked(batch, command, rows);
  const lost = latestOfEachProduct(rows).filter((row) => isLost(row, batch.now));
  mustBeLocked(command, lost);
  const last = rows.at(-1);
  if (held.length === 0 && last && command.refuseConfirmed) {
    const next = nextReservation(last, { type: 'RELEASE', now: batch.now });
    if ('refusal' in next) return refused(next.refusal);
  }
  letGo(batch, lost);
  const released = held.map(({ product, reservation }) =>
    batch.toldReservation(end(batch, product, command, reservation)),
  );
  return done({ reservations: released });
}

/**
 * A cart lets go of holds that it lost, so that they do not stand in the way when all of it is
 * confirmed. They stay expired; what was not lost is let be. Their products are locked.
 */
export function letGo(batch: Batch, rows: readonly Reservation[]): void {
  for (const row of rows) {
    if (!isLost(row, batch.now)) continue;
    const next = nextReservation(row, { type: 'RELEASE', now: batch.now });
    if ('refusal' in next) fail(row);
    else batch.letGo(next.reservation);
  }
}

/**
 * Of a cart's reservations in order, those that are the caller's to touch: once nothing is held any
 * more anybody may touch the cart, but what another held there is neither told nor in the way.
 */
export function ownOfCart(
  batch: Batch,
  cart: { storeId: number; cartId: string; ownerId: string | null },
): Reservation[] {
  return batch.reservationsOfCart(cart).filter((row) => mayTouchReservation(cart.ownerId, row, []));
}

/**
 * Whether a cart still answers for a reservation: what ended longer ago is read or not, as it
 * happens to be written down and asked for by others.
 */
export function isRecent({ expiresAt }: Reservation, now: Instant, rules: HoldRules): boolean {
  return expiresAt >= now - rules.holdMaxMs;
}

/** Of reservations in order, the latest of each product: the older ones were replaced by it. */
export function latestOfEachProduct(rows: readonly Reservation[]): Reservation[] {
  return [...groupBy(rows, ({ productId }) => productId).values()].flatMap((ofProduct) =>
    ofProduct.slice(-1),
  );
}

/**
 * What a cart holds, with its products. Throws CartGrew where the command knew nothing of one of
 * them, though another command of the batch may have locked it.
 */
export function heldAndLocked(
  batch: Batch,
  command: { readonly productIds: readonly number[] },
  rows: readonly Reservation[],
): { product: LiveProduct; reservation: Reservation }[] {
  const held = rows.filter((row) => isHeld(row, batch.now));
  mustBeLocked(command, held);
  return held.map((reservation) => ({ product: productOf(batch, reservation), reservation }));
}

/** Throws CartGrew where a command knew nothing of a product of these. Nothing may be decided yet. */
export function mustBeLocked(
  { productIds }: { readonly productIds: readonly number[] },
  rows: readonly Reservation[],
): void {
  const unlocked = rows.filter(({ productId }) => !productIds.includes(productId));
  if (unlocked.length > 0) throw new CartGrew(unlocked.map(({ productId }) => productId));
}

/** Ends a hold that is not due. */
function end(batch: Batch, product: LiveProduct, command: Cause, held: Reservation): Reservation {
  const next = nextReservation(held, { type: 'RELEASE', now: batch.now });
  const sent = product.send({ type: 'RELEASE', units: held.quantity });
  if ('refusal' in next || 'refusal' in sent) return fail(held);
  batch.changeHold(product, held, next.reservation);
  batch.move(product, command, {
    kind: 'release',
    sent,
    reservationId: held.id,
    reason: command.reason,
    orderId: command.orderId ?? null,
  });
  return next.reservation;
}

/** Writes down that holds on a product are over. */
export function expireHolds(batch: Batch, command: ExpireHolds): Outcome<HoldsExpired> {
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  // Each hold has a unit at least, so as many units are more than enough holds.
  const due = batch.dueFor(product, Number.POSITIVE_INFINITY).slice(0, command.max);
  batch.expire(product, due, command);
  return done({
    expired: due.length,
    released: sum(due.map(({ quantity }) => quantity)),
    areMoreDue: batch.areMoreDue(product),
  });
}

/** The reservation that a command names, where the caller may touch it, and its product. */
export function findReservation(
  batch: Batch,
  command: CommandHeader & {
    readonly productId: number;
    readonly reservationId: string;
    readonly ownerId: string | null;
  },
): { product: LiveProduct; reservation: Reservation } | null {
  const reservation = batch.reservation(command);
  const product = batch.product(command);
  if (!reservation || reservation.productId !== product?.row.id) return null;
  const held = heldBy(batch, reservation);
  return mayTouchReservation(command.ownerId, reservation, held) ? { product, reservation } : null;
}

/** Whether the caller may touch a cart; for a customer, what it holds must have been loaded. */
export function mayTouch(
  batch: Batch,
  { storeId, ownerId }: { storeId: number; ownerId: string | null },
  cartId: string,
): boolean {
  if (ownerId === null || isOfKnownKind(cartId)) return mayTouchCart(ownerId, cartId, []);
  return mayTouchCart(ownerId, cartId, heldBy(batch, { storeId, cartId }));
}

function heldBy(batch: Batch, cart: { storeId: number; cartId: string }): Reservation[] {
  return batch.reservationsOfCart(cart).filter((row) => isHeld(row, batch.now));
}

function expiryErrors(batch: Batch, { storeId, lines }: Reserve, rules: HoldRules) {
  return lines.flatMap(({ productId, cartId, expiry }) => {
    if (!('at' in expiry)) return [];
    const { at, field } = expiry;
    if (at <= batch.now) return [{ field, message: 'must lie in the future' }];
    const held = batch.hold({ storeId, productId, cartId });
    if (at > (held?.createdAt ?? batch.now) + rules.holdMaxMs) {
      const minutes = counted(rules.holdMaxMs / 60_000, 'minute');
      const from = held ? `after the hold was made, at ${isoOf(held.createdAt)}` : 'ahead';
      return [{ field, message: `must lie at most ${minutes} ${from}` }];
    }
    return [];
  });
}

const isoOf = (ms: Instant) => new Date(ms).toISOString();

/** When a hold will expire; renewed as often as may be, it lives no longer than it may in all. */
function expiryOf(batch: Batch, { line, held }: Wanted, rules: HoldRules): Instant {
  const { expiry } = line;
  const wanted = 'at' in expiry ? expiry.at : batch.now + expiry.lastsMs;
  return Math.min(wanted, (held?.createdAt ?? batch.now) + rules.holdMaxMs);
}

const growthOf = ({ target, held }: Wanted) => target - (held?.quantity ?? 0);

function productOf(batch: Batch, key: HoldKey): LiveProduct {
  return batch.product(key) ?? fail(key);
}

/** What the machines were asked before can not be refused. */
function fail(what: object): never {
  throw new Error(`refused after it had been accepted: ${JSON.stringify(what)}`);
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
