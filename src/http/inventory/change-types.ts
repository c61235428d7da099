import { type LedgerLine, MOVEMENT_KINDS, type MovementKind } from '../../domain/movement.js';

/** What a warehouse calls the lines of the ledger. */
export const CHANGE_TYPES = [
  'SALE',
  'RETURN',
  'RESTOCK',
  'ADJUSTMENT',
  'RESERVATION',
  'RELEASE',
  'EXPIRY',
  'SYNC',
] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** null: a line of this kind never moves a unit, and so is not shown. */
const CHANGE_TYPE_OF: Readonly<Record<MovementKind, ChangeType | null>> = {
  open: 'RESTOCK',
  publish: null,
  unpublish: null,
  update: 'ADJUSTMENT',
  restock: 'RESTOCK',
  adjust: 'ADJUSTMENT',
  rent: 'SALE',
  cancel: 'RETURN',
  complete: 'RETURN',
  reserve: 'RESERVATION',
  change_hold: 'RESERVATION',
  extend: null,
  confirm: 'SALE',
  release: 'RELEASE',
  expire: 'EXPIRY',
  sync: 'SYNC',
};

/** The kinds of lines that are shown under a type; without one, under any. */
export function kindsOf(changeType: ChangeType | undefined): MovementKind[] {
  return MOVEMENT_KINDS.filter((kind) => {
    const type = CHANGE_TYPE_OF[kind];
    return changeType === undefined ? type !== null : type === changeType;
  });
}

export function changeTypeOf({ id, kind }: LedgerLine): ChangeType {
  const type = CHANGE_TYPE_OF[kind];
  if (type === null) throw new Error(`line ${id} of the ledger moves units and is a ${kind}`);
  return type;
}

/** The units that a line is about: what it takes out of the shop's hands is negative. */
export function quantityChangeOf({ kind, delta }: LedgerLine): number {
  // Held units that are sold were not free before either.
  return kind === 'confirm' ? -delta.quantityRented : delta.quantityAvailable;
}
