import type { RentalStatus } from '../../../machines/rental.js';
import type { ReservationStatus } from '../../../machines/reservation.js';
import { MOVEMENT_KINDS, type MovementKind } from '../../domain/movement.js';
import type { AuditLine } from '../../persistence/reads/movements.js';

export const AUDIT_ACTIONS = [
  'RESERVATION_CREATED',
  'RESERVATION_UPDATED',
  'RESERVATION_EXTENDED',
  'RESERVATION_CONFIRMED',
  'RESERVATION_RELEASED',
  'RENTAL_CREATED',
  'RENTAL_CANCELLED',
  'RENTAL_COMPLETED',
  'PRODUCT_CREATED',
  'PRODUCT_PUBLISHED',
  'PRODUCT_UNPUBLISHED',
  'PRODUCT_UPDATED',
  'STOCK_RESTOCKED',
  'STOCK_ADJUSTED',
  'STOCK_SYNCED',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

type Status = ReservationStatus | RentalStatus;

/** What a line of the ledger is to an auditor. */
export interface Audited {
  readonly action: AuditAction;
  /** the units that it is about */
  quantity(line: AuditLine): number;
  /** the status of its reservation, or of its rental, before and after it */
  readonly before: Status | null;
  after(line: AuditLine): Status | null;
}

const owned = (line: AuditLine) => line.delta.quantity;
const held = (line: AuditLine) => line.delta.quantityReserved;
const givenBack = (line: AuditLine) => -line.delta.quantityReserved;
const rented = (line: AuditLine) => line.delta.quantityRented;
const returned = (line: AuditLine) => -line.delta.quantityRented;

const OF_PRODUCT = { quantity: owned, before: null, after: () => null } as const;

/** Every kind of line. */
export const AUDITED: Readonly<Record<MovementKind, Audited>> = {
  open: { action: 'PRODUCT_CREATED', ...OF_PRODUCT },
  publish: { action: 'PRODUCT_PUBLISHED', ...OF_PRODUCT },
  unpublish: { action: 'PRODUCT_UNPUBLISHED', ...OF_PRODUCT },
  update: { action: 'PRODUCT_UPDATED', ...OF_PRODUCT },
  restock: { action: 'STOCK_RESTOCKED', ...OF_PRODUCT },
  adjust: { action: 'STOCK_ADJUSTED', ...OF_PRODUCT },
  sync: { action: 'STOCK_SYNCED', ...OF_PRODUCT },
  rent: { action: 'RENTAL_CREATED', quantity: rented, before: null, after: () => 'active' },
  cancel: {
    action: 'RENTAL_CANCELLED',
    quantity: returned,
    before: 'active',
    after: () => 'cancelled',
  },
  complete: {
    action: 'RENTAL_COMPLETED',
    quantity: returned,
    before: 'active',
    after: () => 'completed',
  },
  reserve: { action: 'RESERVATION_CREATED', quantity: held, before: null, after: () => 'reserved' },
  change_hold: {
    action: 'RESERVATION_UPDATED',
    quantity: held,
    before: 'reserved',
    after: () => 'reserved',
  },
  extend: {
    action: 'RESERVATION_EXTENDED',
    quantity: held,
    before: 'reserved',
    after: () => 'reserved',
  },
  confirm: {
    action: 'RESERVATION_CONFIRMED',
    quantity: rented,
    before: 'reserved',
    after: ({ confirmedAll }) => (confirmedAll ? 'confirmed' : 'reserved'),
  },
  release: {
    action: 'RESERVATION_RELEASED',
    quantity: givenBack,
    before: 'reserved',
    after: () => 'released',
  },
  expire: {
    action: 'RESERVATION_RELEASED',
    quantity: givenBack,
    before: 'reserved',
    after: () => 'expired',
  },
};

/** The kinds of lines that an action stands for. */
export function kindsOf(action: AuditAction | undefined): MovementKind[] {
  return MOVEMENT_KINDS.filter((kind) => action === undefined || AUDITED[kind].action === action);
}
