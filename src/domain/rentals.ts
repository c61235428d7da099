import type { RentalStatus } from '../../machines/rental.js';
import type { Batch } from './batch.js';
import { userCart } from './carts.js';
import {
  type CommandHeader,
  done,
  type EndRental,
  type Outcome,
  type ReleaseUnits,
  type RentalTaken,
  type RentUnits,
  refused,
  type UnitsReleased,
} from './command.js';
import { takeFree } from './free-units.js';
import type { Instant } from './instant.js';
import type { LiveProduct } from './live-product.js';
import { nextStatus, type Rental } from './rental.js';
import { sell } from './sales.js';

/** Hands free units to a customer, and where these are short, those that its own cart holds. */
export function rent(batch: Batch, command: RentUnits): Outcome<RentalTaken> {
  if (command.startsAt !== null && command.startsAt > batch.now) {
    return refused({
      code: 'validation_failed',
      errors: [
        {
          field: 'starts_at',
          message:
            'must not lie in the future: units are taken now, and bookings ahead are not supported yet',
        },
      ],
    });
  }
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const { quantity } = command;
  const taken = takeFree(batch, product, command, { type: 'RENT', units: quantity }, quantity);
  if ('refusal' in taken) {
    const isShort = taken.refusal.code !== 'not_available';
    return (isShort && rentOwnHold(batch, product, command)) || refused(taken.refusal);
  }

  const rental: Rental = {
    id: command.rentalId,
    storeId: command.storeId,
    productId: command.productId,
    userId: command.userId,
    quantity: command.quantity,
    status: 'active',
    startsAt: command.startsAt,
    endsAt: command.endsAt,
    orderId: command.orderId,
    reservationId: null,
    createdAt: batch.now,
    completedAt: null,
    cancelledAt: null,
    cancelReason: null,
    overdueAt: null,
  };
  batch.startRental(rental);
  batch.move(product, command, {
    kind: 'rent',
    sent: taken,
    rentalId: rental.id,
    orderId: rental.orderId,
  });
  return done({ rental, ...leftOf(batch, product) });
}

/** Nobody is blocked by its own hold: what the user's cart holds is rented. null: it holds nothing. */
function rentOwnHold(
  batch: Batch,
  product: LiveProduct,
  command: RentUnits,
): Outcome<RentalTaken> | null {
  const { userId, productId, quantity, rentalId, startsAt, endsAt } = command;
  if (userId === null) return null;
  const cartId = userCart(userId);
  if (!batch.hold({ ...command, cartId })) return null;
  const units = { productId, quantity, cartId, holdMustExist: false };
  const line = { ...units, userId, reason: null, rentalId, startsAt, endsAt };
  const sold = sell(batch, {
    ...command,
    kind: 'sell',
    ownerId: null,
    lines: [line],
    boughtBy: null,
  });
  if (!sold.ok) {
    const { lines: _, ...reason } = sold.refusal;
    return refused(reason);
  }
  const [{ rental } = { rental: null }] = sold.value.lines;
  if (!rental) throw new Error(`product ${productId} was sold without a rental`);
  return done({ rental, ...leftOf(batch, product) });
}

/** What a product has left, with what is due counted as free. */
const leftOf = (batch: Batch, product: LiveProduct) => ({
  quantityAvailable: batch.freeUnits(product),
  availabilityStatus: batch.toldStatus(product),
});

/** Cancels or completes a rental, and gives its units back. */
export function endRental(batch: Batch, command: EndRental): Outcome<Rental> {
  const rental = batch.rental(command);
  const product = batch.product(command);
  if (!rental || !product || rental.productId !== product.row.id) {
    return refused({ code: 'rental_not_found' });
  }
  if (command.ownerId !== null && rental.userId !== command.ownerId) {
    return refused({ code: 'rental_not_found' });
  }
  const next = nextStatus(rental.status, { type: EVENTS[command.kind] });
  if ('refusal' in next) return refused(next.refusal);
  const ended = endedAs(rental, next.status, { now: batch.now, reason: command.reason });
  giveBack(batch, product, command, {
    how: command.kind,
    rental: ended,
    units: rental.quantity,
    reason: command.reason,
  });
  batch.changeRental(ended);
  return done(ended);
}

/** Gives units back that no rental was named for; see ReleaseUnits. */
export function releaseUnits(batch: Batch, command: ReleaseUnits): Outcome<UnitsReleased> {
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const rentals = batch.activeRentalsOfNobody(product.row.id);
  const rented = rentals.reduce((total, rental) => total + rental.quantity, 0);
  if (rented < command.quantity) {
    const { quantity: requested } = command;
    return refused({ code: 'invalid_transition', action: 'release', rented, requested });
  }

  let left = command.quantity;
  for (const rental of rentals) {
    if (left === 0) break;
    const units = Math.min(left, rental.quantity);
    left -= units;
    const next = nextStatus(rental.status, { type: EVENTS[command.as] });
    if ('refusal' in next) throw new Error(`rental ${rental.id} is active and can not be ended`);
    const { reason } = command;
    giveBack(batch, product, command, { how: command.as, rental, units, reason });
    const ended = endedAs(rental, next.status, { now: batch.now, reason });
    if (units === rental.quantity) {
      batch.changeRental(ended);
    } else {
      // The line names the rental that goes on: what the ledger says of it stays what it has.
      batch.changeRental({ ...rental, quantity: rental.quantity - units });
      batch.startRental({ ...ended, id: command.splitRentalId, quantity: units });
    }
  }
  return done(leftOf(batch, product));
}

const EVENTS = { cancel: 'CANCEL', complete: 'COMPLETE' } as const;

function giveBack(
  batch: Batch,
  product: LiveProduct,
  command: CommandHeader,
  given: { how: 'cancel' | 'complete'; rental: Rental; units: number; reason: string | null },
): void {
  const sent = product.send({ type: EVENTS[given.how], units: given.units });
  if ('refusal' in sent) throw new Error(`units of rental ${given.rental.id} can not come back`);
  batch.move(product, command, {
    kind: given.how,
    sent,
    rentalId: given.rental.id,
    orderId: given.rental.orderId,
    reason: given.reason,
  });
}

function endedAs(
  rental: Rental,
  status: RentalStatus,
  { now, reason }: { now: Instant; reason: string | null },
): Rental {
  return {
    ...rental,
    status,
    completedAt: status === 'completed' ? now : null,
    cancelledAt: status === 'cancelled' ? now : null,
    cancelReason: status === 'cancelled' ? reason : null,
  };
}
