import type { Batch } from './batch.js';
import {
  done,
  type EndRental,
  type Outcome,
  type RentalTaken,
  type RentUnits,
  refused,
} from './command.js';
import { nextStatus, type Rental } from './rental.js';

/** Hands free units to a customer. */
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
  const taken = product.send({ type: 'RENT', units: command.quantity });
  if ('refusal' in taken) return refused(taken.refusal);

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
  };
  batch.startRental(rental);
  batch.move(product, command, {
    kind: 'rent',
    delta: taken.delta,
    rentalId: rental.id,
    orderId: rental.orderId,
  });
  const { quantityAvailable, availabilityStatus } = product.row;
  return done({ rental, quantityAvailable, availabilityStatus });
}

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
  const type = command.kind === 'cancel' ? 'CANCEL' : 'COMPLETE';
  const next = nextStatus(rental.status, { type });
  if ('refusal' in next) return refused(next.refusal);
  const given = product.send({ type, units: rental.quantity });
  if ('refusal' in given) return refused(given.refusal);

  const ended: Rental = {
    ...rental,
    status: next.status,
    completedAt: next.status === 'completed' ? batch.now : null,
    cancelledAt: next.status === 'cancelled' ? batch.now : null,
    cancelReason: next.status === 'cancelled' ? command.reason : null,
  };
  batch.endRental(ended);
  batch.move(product, command, {
    kind: command.kind,
    delta: given.delta,
    rentalId: ended.id,
    orderId: ended.orderId,
    reason: command.reason,
  });
  return done(ended);
}
