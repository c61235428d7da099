import type { Role } from './api-key.js';
import type { Batch } from './batch.js';
import { type CreateEventTicket, done, type Outcome } from './command.js';
import type { Instant } from './instant.js';

/** A ticket that is asked for. The ticket itself is known to the caller alone. */
export interface NewEventTicket {
  /** SHA-256, hex */
  readonly ticketHash: string;
  /** whose it is */
  readonly sub: string;
  readonly role: Role;
  /** when the token ends that it was asked for with; null: it was a key */
  readonly signedInUntil: Instant | null;
}

/** Lets somebody in without a header, once. */
export interface EventTicket extends NewEventTicket {
  readonly storeId: number;
  readonly expiresAt: Instant;
}

const TICKET_MS = 30_000;

/** Keeps a new ticket's hash. */
export function createEventTicket(
  batch: Batch,
  command: CreateEventTicket,
): Outcome<{ expiresAt: Instant }> {
  const expiresAt = batch.now + TICKET_MS;
  const { storeId } = command;
  batch.changes.newEventTickets.push({ ...command.ticket, storeId, expiresAt });
  return done({ expiresAt });
}
