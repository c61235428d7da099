import type { Counters } from '../../machines/product.js';
import type { Instant } from './instant.js';
import type { MovementKind } from './movement.js';

/**
 * What a ledger adds up to. Every figure of a report is the difference of two Totals, those at the
 * end of a period and those at its start, so a period costs as much as a day does.
 */

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** What holds from one line of a ledger to the next: units, but for the last two. */
export const LEVELS = [
  'quantity',
  'quantityAvailable',
  'quantityReserved',
  'quantityRented',
  /** of a product 1 where it is published, else 0; of a store how many are */
  'published',
  /** the same of those that are published and have no unit free */
  'outOfStock',
] as const;
export type Level = (typeof LEVELS)[number];

/** What lines bring about: lines and units, and of `lowWaitMs` milliseconds. */
export const FLOWS = [
  /** rentals begun, those out of holds among them */
  'rentals',
  'rentedUnits',
  'returns',
  'returnedUnits',
  'cancellations',
  'cancelledUnits',
  'holds',
  /** held at first or later on */
  'heldUnits',
  /** holds that became rentals; one that did so in parts counts with each */
  'conversions',
  'convertedUnits',
  'releases',
  /** given back, also by a hold that goes on with fewer */
  'releasedUnits',
  'expiries',
  'expiredUnits',
  'restocks',
  'restockedUnits',
  /** times that the units owned were set to something else: counted on hand, or by PATCH */
  'corrections',
  'foundUnits',
  'missingUnits',
  /** drift that sync repaired */
  'repairs',
  /** times that free units fell to the threshold of a published product, or below */
  'lowNotices',
  /** restocks after such a notice, and the time from the first notice not answered to them */
  'lowAnswers',
  'lowWaitMs',
] as const;
export type Flow = (typeof FLOWS)[number];

/** What a ledger says from its beginning to `at`. */
export interface Totals {
  readonly at: Instant;
  /** when its first line was written; infinite where it has none yet */
  readonly begunAt: Instant;
  /** as they are at `at` */
  readonly levels: Readonly<Record<Level, number>>;
  /** each level's integral over time: unit-milliseconds */
  readonly integrals: Readonly<Record<Level, number>>;
  readonly flows: Readonly<Record<Flow, number>>;
}

/** Totals of one product. */
export interface ProductTotals extends Totals {
  /** of the last line that is in it; 0 where the ledger had not begun */
  readonly lastMovementId: number;
  /** the fewest units that were free at any time of the last span (a day or an hour) with a line */
  readonly leastFree: number;
  /** when the first low-stock notice came that no restock has followed; null where there is none */
  readonly lowSince: Instant | null;
}

const zeros = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;

/** Before the first line. */
export const NOTHING: ProductTotals = {
  at: 0,
  begunAt: Number.POSITIVE_INFINITY,
  levels: zeros(LEVELS),
  integrals: zeros(LEVELS),
  flows: zeros(FLOWS),
  lastMovementId: 0,
  leastFree: 0,
  lowSince: null,
};

/** The same later on, when nothing has happened meanwhile. */
export function advanced<T extends Totals>(totals: T, at: Instant): T {
  if (at === totals.at) return totals;
  const ms = at - totals.at;
  const { levels, integrals } = totals;
  const grown = combined(LEVELS, (name) => integrals[name] + levels[name] * ms);
  return { ...totals, at, integrals: grown };
}

/** What has to be added to `before`, advanced to the time of `after`, to give `after`. */
export function increment(before: Totals, after: Totals): Totals {
  const from = advanced(before, after.at);
  return { ...added(after, from, -1), at: after.at };
}

/** The sum of two that are of the same time. */
export function added(a: Totals, b: Totals, sign: 1 | -1 = 1): Totals {
  return {
    at: a.at,
    begunAt: Math.min(a.begunAt, b.begunAt),
    levels: combined(LEVELS, (name) => a.levels[name] + sign * b.levels[name]),
    integrals: combined(LEVELS, (name) => a.integrals[name] + sign * b.integrals[name]),
    flows: combined(FLOWS, (name) => a.flows[name] + sign * b.flows[name]),
  };
}

/** Adds what products of a store brought about in spans up to the store's totals. */
export class StoreSum {
  readonly #bySpan = new Map<Instant, Totals>();

  /** A product's increment, which bears the end of its span. */
  add(one: Totals): void {
    const known = this.#bySpan.get(one.at);
    this.#bySpan.set(one.at, known ? added(known, one) : one);
  }

  /** The store's totals at the end of each span in which one of its products moved. */
  rows(opening: Totals): Totals[] {
    let last = opening;
    return [...this.#bySpan.values()]
      .sort((a, b) => a.at - b.at)
      .map((sum) => {
        last = added(advanced(last, sum.at), sum);
        return last;
      });
  }
}

/** Totals at a time, from what is known at the ends of spans, in order; it must not lie inside one. */
export function totalsAt<T extends Totals>(opening: T, rows: readonly T[], at: Instant): T {
  const last = rows.findLast((row) => row.at <= at) ?? opening;
  return advanced(last, at);
}

/** What a report needs of a line of the ledger. */
export interface ReportedLine {
  readonly id: number;
  readonly storeId: number;
  readonly productId: number;
  readonly kind: MovementKind;
  readonly delta: Counters;
  readonly after: Counters;
  readonly rentalId: string | null;
  readonly createdAt: Instant;
}

export interface FoldRules {
  /** how long a span is: a day or an hour */
  readonly spanMs: number;
  /** only lines before it count; the last span ends there */
  readonly cut: Instant;
  /** free units at or below which the product is low */
  readonly lowAt: number;
  /** whether it was published when it was made: its opening line does not say */
  readonly openedPublished: boolean;
}

/**
 * Adds the lines of one product up, in order of id, and gives its totals at the end of each span in
 * which it has a line. What a counter is after a line it stays until the next one. A line that
 * bears an earlier time than the one before it counts from that one's time on.
 */
export class ProductFold {
  readonly #rules: FoldRules;
  readonly #opening: ProductTotals;
  readonly #rows: ProductTotals[] = [];
  #at: Instant;
  #begunAt: Instant;
  #levels: Record<Level, number>;
  readonly #integrals: Record<Level, number>;
  readonly #flows: Record<Flow, number>;
  #lastMovementId: number;
  #lowSince: Instant | null;
  #leastFree = Number.POSITIVE_INFINITY;
  #spanEnd: Instant | null = null;
  #lastRentalId: string | null = null;
  #isCut = false;

  constructor(opening: ProductTotals, rules: FoldRules) {
    this.#opening = opening;
    this.#rules = rules;
    this.#at = opening.at;
    this.#begunAt = opening.begunAt;
    this.#levels = { ...opening.levels };
    this.#integrals = { ...opening.integrals };
    this.#flows = { ...opening.flows };
    this.#lastMovementId = opening.lastMovementId;
    this.#lowSince = opening.lowSince;
  }

  /** Adds a line; false where it is too late for this fold, as all that follow it are then. */
  add(line: ReportedLine): boolean {
    if (line.id <= this.#lastMovementId) return true;
    if (this.#isCut || line.createdAt >= this.#rules.cut) {
      this.#isCut = true;
      return false;
    }
    const at = Math.max(line.createdAt, this.#at);
    this.#openSpan(at);
    this.#advance(at);
    this.#begunAt = Math.min(this.#begunAt, at);
    this.#count(line);
    this.#setLevels(line);
    this.#lastMovementId = line.id;
    return true;
  }

  /** The totals at the end of each span that had a line. */
  rows(): ProductTotals[] {
    this.#closeSpan();
    return this.#rows;
  }

  /** What each span with a line added, for the totals of the store. */
  increments(): Totals[] {
    const rows = this.rows();
    return rows.map((row, i) => increment(rows[i - 1] ?? this.#opening, row));
  }

  #openSpan(at: Instant): void {
    const { spanMs, cut } = this.#rules;
    const end = Math.min((Math.floor(at / spanMs) + 1) * spanMs, cut);
    if (this.#spanEnd === end) return;
    this.#closeSpan();
    this.#spanEnd = end;
    this.#leastFree =
      this.#lastMovementId === 0 ? Number.POSITIVE_INFINITY : this.#levels.quantityAvailable;
  }

  #closeSpan(): void {
    if (this.#spanEnd === null) return;
    this.#advance(this.#spanEnd);
    this.#spanEnd = null;
    this.#rows.push({
      at: this.#at,
      begunAt: this.#begunAt,
      levels: this.#levels,
      integrals: { ...this.#integrals },
      flows: { ...this.#flows },
      lastMovementId: this.#lastMovementId,
      leastFree: this.#leastFree,
      lowSince: this.#lowSince,
    });
  }

  #advance(at: Instant): void {
    const ms = at - this.#at;
    if (ms > 0) for (const name of LEVELS) this.#integrals[name] += this.#levels[name] * ms;
    this.#at = at;
  }

  #setLevels({ kind, after }: ReportedLine): void {
    const wasLow = this.#isLow();
    const isFirst = this.#lastMovementId === 0;
    let { published } = this.#levels;
    if (isFirst) published = this.#rules.openedPublished ? 1 : 0;
    if (kind === 'publish') published = 1;
    if (kind === 'unpublish') published = 0;
    this.#levels = {
      quantity: after.quantity,
      quantityAvailable: after.quantityAvailable,
      quantityReserved: after.quantityReserved,
      quantityRented: after.quantityRented,
      published,
      outOfStock: published === 1 && after.quantityAvailable === 0 ? 1 : 0,
    };
    this.#leastFree = Math.min(this.#leastFree, after.quantityAvailable);
    if (this.#isLow() && (isFirst || !wasLow)) {
      this.#flows.lowNotices++;
      this.#lowSince ??= this.#at;
    }
  }

  #isLow(): boolean {
    const { published, quantityAvailable } = this.#levels;
    return published === 1 && quantityAvailable <= this.#rules.lowAt;
  }

  #count({ kind, delta, rentalId }: ReportedLine): void {
    const flows = this.#flows;
    const held = delta.quantityReserved;
    switch (kind) {
      case 'rent':
        this.#countRental(rentalId, delta.quantityRented);
        break;
      case 'confirm':
        this.#countRental(rentalId, delta.quantityRented);
        flows.conversions++;
        flows.convertedUnits -= held;
        break;
      case 'complete':
        flows.returns++;
        flows.returnedUnits -= delta.quantityRented;
        break;
      case 'cancel':
        flows.cancellations++;
        flows.cancelledUnits -= delta.quantityRented;
        break;
      case 'reserve':
        flows.holds++;
        flows.heldUnits += held;
        break;
      case 'change_hold':
        if (held > 0) flows.heldUnits += held;
        else flows.releasedUnits -= held;
        break;
      case 'release':
        flows.releases++;
        flows.releasedUnits -= held;
        break;
      case 'expire':
        flows.expiries++;
        flows.expiredUnits -= held;
        break;
      case 'restock':
        flows.restocks++;
        flows.restockedUnits += delta.quantity;
        this.#answerNotice();
        break;
      case 'adjust':
      case 'update':
        if (delta.quantity === 0) break;
        flows.corrections++;
        if (delta.quantity > 0) flows.foundUnits += delta.quantity;
        else flows.missingUnits -= delta.quantity;
        break;
      case 'sync':
        flows.repairs++;
        break;
      case 'open':
      case 'publish':
      case 'unpublish':
      case 'extend':
        break;
    }
  }

  /** A rental of held units and of free ones is two lines. */
  #countRental(rentalId: string | null, units: number): void {
    if (rentalId === null || rentalId !== this.#lastRentalId) this.#flows.rentals++;
    this.#lastRentalId = rentalId;
    this.#flows.rentedUnits += units;
  }

  #answerNotice(): void {
    if (this.#lowSince === null) return;
    this.#flows.lowAnswers++;
    this.#flows.lowWaitMs += this.#at - this.#lowSince;
    this.#lowSince = null;
  }
}

function combined<Name extends string>(names: readonly Name[], of: (name: Name) => number) {
  const values = {} as Record<Name, number>;
  for (const name of names) values[name] = of(name);
  return values;
}
