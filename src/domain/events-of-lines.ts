import { statusOf } from '../../machines/product.js';
import type { LineEventType } from './event.js';
import type { Instant } from './instant.js';
import type { MovementKind } from './movement.js';

/** A line of the ledger, with what decides which events it is. */
export interface TellingLine {
  readonly productId: number;
  readonly kind: MovementKind;
  /** one for all lines of a commit */
  readonly createdAt: Instant;
  /** free units after it */
  readonly quantityAvailable: number;
  /** what it did to the free units */
  readonly availableDelta: number;
  readonly rentalId: string | null;
  /** of a `confirm`: whether the hold is confirmed with it, and not only used in part */
  readonly endsHold: boolean;
  /** whether the product is a draft now, after all the lines */
  readonly isDraftNow: boolean;
  /** free units at or below which the product is low */
  readonly lowStockThreshold: number;
}

/** What a line tells. */
export interface LineEvents {
  /** in order */
  readonly types: readonly LineEventType[];
  /** whether the product was a draft after the line */
  readonly isDraft: boolean;
}

/** What a line of each kind is about its rental and its reservation. */
const OF_KIND: Readonly<Record<MovementKind, readonly LineEventType[]>> = {
  open: [],
  publish: [],
  unpublish: [],
  update: [],
  restock: [],
  adjust: [],
  sync: [],
  rent: ['rental.created'],
  cancel: ['rental.cancelled'],
  complete: ['rental.completed'],
  reserve: ['reservation.created'],
  change_hold: ['reservation.updated'],
  extend: ['reservation.updated'],
  confirm: ['reservation.confirmed', 'rental.created'],
  release: ['reservation.released'],
  expire: ['reservation.expired'],
};
/** A sale that leaves something of the hold. */
const OF_PART_OF_A_HOLD: readonly LineEventType[] = ['reservation.updated', 'rental.created'];

/**
 * The events that lines of the ledger are, each line's in its place. The lines are in the order of
 * the ledger and every commit is there as a whole: what became of a product's free units is told
 * once for each commit, by its last line.
 */
export function eventsOfLines(lines: readonly TellingLine[]): LineEvents[] {
  const drafts = draftAfterEach(lines);
  const commits = new Map<number, Commit>();
  const events = lines.map((line, at) => {
    const known = commits.get(line.productId);
    const commit = known?.createdAt === line.createdAt ? known : openCommit(line, drafts[at]);
    commits.set(line.productId, commit);
    commit.lastAt = at;
    const types = [...ofLine(line, commit)];
    if (line.kind === 'confirm' && line.rentalId !== null) commit.rentalIds.add(line.rentalId);
    return { types, isDraft: drafts[at] ?? line.isDraftNow, commit };
  });
  return events.map(({ types, isDraft, commit }, at) => {
    const line = lines[at];
    if (line && commit.lastAt === at) types.push(...ofCommit(commit, line, isDraft));
    return { types, isDraft };
  });
}

/** The lines of one commit on one product. */
interface Commit {
  readonly createdAt: Instant;
  /** free units before it; null: there was no such product yet */
  readonly availableBefore: number | null;
  readonly wasDraft: boolean;
  /** of its `confirm` lines so far */
  readonly rentalIds: Set<string>;
  /** the place of its last line */
  lastAt: number;
}

function openCommit(line: TellingLine, isDraft: boolean | undefined): Commit {
  return {
    createdAt: line.createdAt,
    availableBefore: line.kind === 'open' ? null : line.quantityAvailable - line.availableDelta,
    wasDraft: draftBefore(line, isDraft ?? line.isDraftNow),
    rentalIds: new Set(),
    lastAt: 0,
  };
}

function ofLine(line: TellingLine, commit: Commit): readonly LineEventType[] {
  if (line.kind === 'confirm' && !line.endsHold) return OF_PART_OF_A_HOLD;
  // What the hold lacked of a rental that was told of already.
  const isRest = line.kind === 'rent' && commit.rentalIds.has(line.rentalId ?? '');
  return isRest ? [] : OF_KIND[line.kind];
}

function ofCommit(commit: Commit, last: TellingLine, isDraft: boolean): LineEventType[] {
  const { quantityAvailable: after, lowStockThreshold: threshold } = last;
  const before = commit.availableBefore;
  if (before === null) return after > 0 || !isDraft ? ['product.availability_changed'] : [];
  const types: LineEventType[] = [];
  const fell = (to: number) => !isDraft && before > to && after <= to;
  if (fell(threshold)) types.push('product.low_stock');
  if (fell(0)) types.push('product.out_of_stock');
  if (!isDraft && before === 0 && after > 0) types.push('product.back_in_stock');
  const statusChanged = statusOf(commit.wasDraft, before) !== statusOf(isDraft, after);
  if (before !== after || statusChanged) types.push('product.availability_changed');
  return types;
}

/** Whether the product was a draft after each line, found from what it is now backwards. */
function draftAfterEach(lines: readonly TellingLine[]): boolean[] {
  const drafts: boolean[] = new Array(lines.length);
  const states = new Map<number, boolean>();
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at];
    if (!line) continue;
    const isDraft = states.get(line.productId) ?? line.isDraftNow;
    drafts[at] = isDraft;
    states.set(line.productId, draftBefore(line, isDraft));
  }
  return drafts;
}

function draftBefore({ kind }: TellingLine, isDraft: boolean): boolean {
  if (kind === 'publish') return true;
  if (kind === 'unpublish') return false;
  return isDraft;
}
