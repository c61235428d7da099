import { type ProductEvent, takesRental } from '../../machines/product.js';
import type { Batch } from './batch.js';
import type { CommandHeader } from './command.js';
import type { LiveProduct, Sent } from './live-product.js';
import type { Reason } from './refusal.js';
import type { Reservation } from './reservation.js';

/** What a command is about to do to one product: units that come free, and units that it takes. */
export interface Taking {
  /** held units that it gives back first */
  readonly releases?: number;
  /** held units that it rents */
  readonly confirms?: number;
  /** free units that it holds */
  readonly holds?: number;
  /** free units that it rents */
  readonly rents?: number;
}

/**
 * Asks the product's machine, on a snapshot, whether it would take all of this, with as many due
 * holds expired first as it needs. Returns its refusal, or null. Nothing changes.
 */
export function wouldRefuse(batch: Batch, product: LiveProduct, taking: Taking): Reason | null {
  const { releases = 0, confirms = 0, holds = 0, rents = 0 } = taking;
  // A snapshot costs more than all the rest of a hold: it is for saying why not.
  if (releases + confirms === 0 && takesRental(product.row, holds + rents)) return null;
  const short = holds + rents - releases - product.row.quantityAvailable;
  const due = unitsOf(batch.dueFor(product, short));
  const events: ProductEvent[] = [];
  if (due > 0) events.push({ type: 'EXPIRE', units: due });
  if (releases > 0) events.push({ type: 'RELEASE', units: releases });
  if (confirms > 0) events.push({ type: 'CONFIRM', units: confirms });
  if (holds > 0) events.push({ type: 'HOLD', units: holds });
  if (rents > 0) events.push({ type: 'RENT', units: rents });
  return product.trial(events);
}

/**
 * Sends an event that takes `units` free units. Where they are short, what is due is expired
 * first, each hold with its own line: as many as are needed, and none where even all do not suffice.
 */
export function takeFree(
  batch: Batch,
  product: LiveProduct,
  command: CommandHeader,
  event: ProductEvent,
  units: number,
): Sent | { refusal: Reason } {
  const short = units - product.row.quantityAvailable;
  const due = short > 0 ? batch.dueFor(product, short) : [];
  if (due.length > 0) {
    const refusal = product.trial([{ type: 'EXPIRE', units: unitsOf(due) }, event]);
    if (refusal) return { refusal };
    batch.expire(product, due, { ...command, actor: 'system' });
  }
  return product.send(event);
}

const unitsOf = (reservations: readonly Reservation[]) =>
  reservations.reduce((total, { quantity }) => total + quantity, 0);
