import type { Instant } from './instant.js';

/**
 * What the world is told. Most are lines of the ledger, and are not written a second time; those
 * that have no line are rows of their own, written in the transaction of their cause.
 */
export const LINE_EVENT_TYPES = [
  'product.availability_changed',
  'product.low_stock',
  'product.out_of_stock',
  'product.back_in_stock',
  'rental.created',
  'rental.cancelled',
  'rental.completed',
  'reservation.created',
  'reservation.updated',
  'reservation.confirmed',
  'reservation.released',
  'reservation.expired',
] as const;
/** An event that a line of the ledger is. */
export type LineEventType = (typeof LINE_EVENT_TYPES)[number];

export const LINELESS_EVENT_TYPES = [
  'order.confirmed',
  'order.failed',
  'order.cancelled',
  'order.expired',
  'order.refund_required',
  'rental.overdue',
  'drift.found',
  'webhook_endpoint.disabled',
] as const;
export type LinelessEventType = (typeof LINELESS_EVENT_TYPES)[number];

export const EVENT_TYPES = [...LINE_EVENT_TYPES, ...LINELESS_EVENT_TYPES] as const;
export type EventType = LineEventType | LinelessEventType;

/** An event that has no line in the ledger. */
export interface LinelessEvent {
  readonly storeId: number;
  readonly type: LinelessEventType;
  /** the product that it is about, where it is about one */
  readonly productId: number | null;
  /** the user whose own it is, who may be told; null: nobody but the back office */
  readonly userId: string | null;
  /** what is told, as plain data with names in camelCase and instants in ms */
  readonly data: Readonly<Record<string, unknown>>;
  readonly commandId: string;
  readonly createdAt: Instant;
}
