import { transition } from 'xstate';
import {
  type RentalEvent,
  type RentalRefusal,
  type RentalStatus,
  rentalMachine,
} from '../../machines/rental.js';
import type { Instant } from './instant.js';

/** Units handed to a customer. */
export interface Rental {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly productId: number;
  readonly userId: string | null;
  /** units */
  readonly quantity: number;
  readonly status: RentalStatus;
  readonly startsAt: Instant | null;
  /** due */
  readonly endsAt: Instant | null;
  readonly orderId: string | null;
  readonly reservationId: string | null;
  readonly createdAt: Instant;
  readonly completedAt: Instant | null;
  readonly cancelledAt: Instant | null;
  readonly cancelReason: string | null;
  /** when it was told that it is overdue; null: it was not */
  readonly overdueAt: Instant | null;
}

const snapshots = {
  active: rentalMachine.resolveState({ value: 'active', context: { refusal: null } }),
  completed: rentalMachine.resolveState({ value: 'completed', context: { refusal: null } }),
  cancelled: rentalMachine.resolveState({ value: 'cancelled', context: { refusal: null } }),
} as const;

/** Asks the rental's machine what an event makes of it; a refusal is the machine's own. */
export function nextStatus(
  status: RentalStatus,
  event: RentalEvent,
): { status: RentalStatus } | { refusal: RentalRefusal } {
  const [next] = transition(rentalMachine, snapshots[status], event);
  if (next.context.refusal) return { refusal: next.context.refusal };
  return { status: next.value };
}
