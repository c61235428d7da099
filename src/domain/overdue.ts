import type { Batch } from './batch.js';
import { done, type Outcome, refused, type TellOverdue } from './command.js';
import type { Rental } from './rental.js';

/** Tells that a rental is overdue; the rental remembers, so that it is told once. */
export function tellOverdue(batch: Batch, command: TellOverdue): Outcome<{ told: boolean }> {
  const rental = batch.rental(command);
  if (!rental) return refused({ code: 'rental_not_found' });
  if (!isOverdue(rental, batch.now) || rental.overdueAt !== null) return done({ told: false });
  batch.changeRental({ ...rental, overdueAt: batch.now });
  const { overdueAt: _, ...data } = rental;
  batch.tell(command, {
    type: 'rental.overdue',
    productId: rental.productId,
    userId: rental.userId,
    data,
  });
  return done({ told: true });
}

const isOverdue = ({ status, endsAt }: Rental, now: number) =>
  status === 'active' && endsAt !== null && endsAt < now;
