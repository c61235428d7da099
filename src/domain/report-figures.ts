import type { Instant } from './instant.js';
import { DAY_MS, type Flow, HOUR_MS, type Level, type Totals } from './ledger-totals.js';
import type { FieldError } from './refusal.js';

/** The figures of reports: rules and arithmetic, no I/O. */

const SHOWN_DAYS = 30;
export const PERIOD_DAYS_MAX = 1_100;

/** A period as somebody asks for it: days since 1970 (UTC), `to` not among them; null: not said. */
export interface AskedPeriod {
  readonly from: number | null;
  readonly to: number | null;
}

/** Whole days in UTC, the last of them cut off where it is not over yet. */
export interface Period {
  readonly fromDay: number;
  /** the day after the last */
  readonly toDay: number;
  readonly from: Instant;
  /** the end of the last day, or just now */
  readonly to: Instant;
}

/** What is meant by a period, or what is wrong with it. Unsaid, it is the last 30 days. */
export function periodOf(asked: AskedPeriod, now: Instant): Period | { errors: FieldError[] } {
  const today = Math.floor(now / DAY_MS);
  const wantedTo = asked.to ?? today + 1;
  const fromDay = asked.from ?? Math.min(wantedTo, today + 1) - SHOWN_DAYS;
  const wrong = (field: string, message: string) => ({ errors: [{ field, message }] });
  if (fromDay > today) return wrong('from', 'must not lie in the future');
  if (wantedTo <= fromDay) return wrong('to', 'must be later than from: the day itself is not in');
  if (wantedTo - fromDay > PERIOD_DAYS_MAX) {
    return wrong('to', `must be at most ${PERIOD_DAYS_MAX} days after from`);
  }
  const toDay = Math.min(wantedTo, today + 1);
  // What is written at this very moment is in.
  return { fromDay, toDay, from: fromDay * DAY_MS, to: Math.min(toDay * DAY_MS, now + 1) };
}

/** A month, where it is not said the one before this: first day, and the first of the next. */
export function monthOf(asked: { year: number; month: number } | null, now: Instant): AskedPeriod {
  const today = new Date(now);
  const year = asked?.year ?? today.getUTCFullYear();
  // Months are counted from 0; the one before this one is -1 in January, and that is understood.
  const month = asked ? asked.month - 1 : today.getUTCMonth() - 1;
  return { from: Date.UTC(year, month) / DAY_MS, to: Date.UTC(year, month + 1) / DAY_MS };
}

/** What happened between two totals of the same store or product. */
export interface Figures {
  /** unit-hours out over unit-hours owned; null where nothing was owned */
  readonly utilisation: number | null;
  /** units rented over the units owned on average; null where nothing was owned */
  readonly turnover: number | null;
  readonly unitHours: Counted;
  /** over the period, from when the ledger began */
  readonly averageLevels: Counted;
  /** at the end */
  readonly levels: Counted;
  /** a product published and without a free unit for an hour counts 1 */
  readonly outOfStockHours: number;
  /** of the hours that products were published; null where none was */
  readonly outOfStockShare: number | null;
  readonly rentals: Readonly<Record<'begun' | 'returned' | 'cancelled', LinesAndUnits>>;
  readonly holds: Readonly<Record<'made' | 'converted' | 'released' | 'expired', LinesAndUnits>> & {
    /** released or expired */
    readonly lost: LinesAndUnits;
    /** units that became rentals over those that are no longer held; null where none are */
    readonly conversion: number | null;
  };
  readonly stock: {
    readonly restocks: LinesAndUnits;
    readonly corrections: number;
    readonly foundUnits: number;
    readonly missingUnits: number;
    readonly repairs: number;
    /** 1 less the units that corrections added and took over those owned on average, 0 at least */
    readonly accuracy: number | null;
  };
}

interface Counted {
  readonly quantity: number;
  readonly quantityAvailable: number;
  readonly quantityReserved: number;
  readonly quantityRented: number;
}

interface LinesAndUnits {
  readonly count: number;
  readonly units: number;
}

export function figuresOf(start: Totals, end: Totals): Figures {
  // A store that was opened in the period owned on average what it did since then.
  const hours = (end.at - Math.max(start.at, end.begunAt)) / HOUR_MS;
  const flow = (name: Flow) => end.flows[name] - start.flows[name];
  const time = (level: Level) => (end.integrals[level] - start.integrals[level]) / HOUR_MS;
  const counted = (of: (level: keyof Counted) => number): Counted => ({
    quantity: rounded(of('quantity')),
    quantityAvailable: rounded(of('quantityAvailable')),
    quantityReserved: rounded(of('quantityReserved')),
    quantityRented: rounded(of('quantityRented')),
  });
  const both = (count: Flow, units: Flow) => ({ count: flow(count), units: flow(units) });
  const averageOwned = over(time('quantity'), hours);
  const released = both('releases', 'releasedUnits');
  const expired = both('expiries', 'expiredUnits');
  const converted = both('conversions', 'convertedUnits');
  const lost = {
    count: released.count + expired.count,
    units: released.units + expired.units,
  };
  const corrected = over(flow('foundUnits') + flow('missingUnits'), averageOwned ?? 0);
  return {
    utilisation: ratio(time('quantityRented'), time('quantity')),
    turnover: ratio(flow('rentedUnits'), averageOwned ?? 0),
    unitHours: counted(time),
    averageLevels: counted((level) => over(time(level), hours) ?? 0),
    levels: counted((level) => end.levels[level]),
    outOfStockHours: rounded(time('outOfStock')),
    outOfStockShare: ratio(time('outOfStock'), time('published')),
    rentals: {
      begun: both('rentals', 'rentedUnits'),
      returned: both('returns', 'returnedUnits'),
      cancelled: both('cancellations', 'cancelledUnits'),
    },
    holds: {
      made: both('holds', 'heldUnits'),
      converted,
      released,
      expired,
      lost,
      conversion: ratio(converted.units, converted.units + lost.units),
    },
    stock: {
      restocks: both('restocks', 'restockedUnits'),
      corrections: flow('corrections'),
      foundUnits: flow('foundUnits'),
      missingUnits: flow('missingUnits'),
      repairs: flow('repairs'),
      accuracy: corrected === null ? null : rounded(Math.max(0, 1 - corrected)),
    },
  };
}

/** The averages of each span between two of these totals, which are in order of time. */
export function averagesOf(totals: readonly Totals[]): (Counted & { readonly at: Instant })[] {
  return totals.slice(1).map((end, i) => {
    const start = totals[i] ?? end;
    const { averageLevels } = figuresOf(start, end);
    return { at: start.at, ...averageLevels };
  });
}

const over = (a: number, b: number) => (b > 0 ? a / b : null);
const ratio = (a: number, b: number) => {
  const value = over(a, b);
  return value === null ? null : rounded(value);
};
/** To four places: what is beyond is noise. */
export const rounded = (value: number) => Math.round(value * 10_000) / 10_000;

/** How many units a product lacked, and how many it never needed. */
export interface StockNeeds {
  /** requests refused for want of units */
  readonly refusedRequests: number;
  /** units that they lacked, added up */
  readonly refusedUnits: number;
  /** units more with which about none of them would have been refused */
  readonly additionalUnits: number;
  /** units that were free all along */
  readonly neverNeeded: number;
}

/**
 * What a product needed. Refused requests would have kept their units for as long as rentals of it
 * last on average (an hour at least): so many more units as were short within any stretch of that
 * length would have sufficed for all of them. Somebody who asks again is counted again, so the
 * figure is rather too high than too low.
 *
 * `hours` are in order; `start` and `end` are the product's totals, `leastFree` the fewest units free.
 */
export function stockNeeds(
  hours: readonly { hour: number; requests: number; unitsShort: number }[],
  product: { start: Totals; end: Totals; leastFree: number },
): StockNeeds {
  const { start, end, leastFree } = product;
  const rented = end.flows.rentedUnits - start.flows.rentedUnits;
  const out = (end.integrals.quantityRented - start.integrals.quantityRented) / HOUR_MS;
  const lasts = Math.max(1, over(out, rented) ?? 1);
  let additionalUnits = 0;
  let short = 0;
  let first = 0;
  for (const { hour, unitsShort } of hours) {
    short += unitsShort;
    while (hour - (hours[first]?.hour ?? hour) >= lasts) short -= hours[first++]?.unitsShort ?? 0;
    additionalUnits = Math.max(additionalUnits, short);
  }
  const sum = (of: 'requests' | 'unitsShort') => hours.reduce((total, one) => total + one[of], 0);
  return {
    refusedRequests: sum('requests'),
    refusedUnits: sum('unitsShort'),
    additionalUnits,
    neverNeeded: leastFree,
  };
}

const HABIT_CHANGES_MAX = 50;
const HABIT_CHANGES_MIN = 5;
/** of a normal distribution, the standard deviation is so many times the median deviation */
const DEVIATIONS = 1.4826;
/** beyond so many of them a value is an outlier (Iglewicz and Hoaglin) */
const OUTLIER = 3.5;

/** What a product's corrections are like: the median of their sizes, and how far they are from it. */
export interface Habit {
  /** units */
  readonly usual: number;
  /** units beyond which a correction is unusual */
  readonly limit: number;
}

/**
 * The corrections of products, one after another, and whether each is far from the product's habit.
 *
 * Its habit are the sizes of its last 50 corrections: their median, and 3.5 times their median
 * deviation from it (scaled to a standard deviation, and 1 unit or 2 % of those owned at least).
 * What is larger is unusual. A product with fewer than five has no habit yet, and then a tenth of
 * the units owned, two at least, is the limit.
 */
export class Habits {
  readonly #sizes = new Map<number, number[]>();

  /** The product's habit before a correction where that is unusual, else null; learns from it. */
  judge(correction: { productId: number; change: number; quantity: number }): Habit | null {
    const { productId, quantity } = correction;
    const size = Math.abs(correction.change);
    const owned = Math.max(0, quantity - correction.change);
    const sizes = this.#sizes.get(productId) ?? [];
    const habit = habitOf(sizes, owned);
    sizes.push(size);
    if (sizes.length > HABIT_CHANGES_MAX) sizes.shift();
    this.#sizes.set(productId, sizes);
    return size > habit.limit ? habit : null;
  }
}

function habitOf(sizes: readonly number[], owned: number): Habit {
  if (sizes.length < HABIT_CHANGES_MIN) return { usual: 0, limit: Math.max(1, owned / 10) };
  const usual = median(sizes);
  const deviation = median(sizes.map((size) => Math.abs(size - usual)));
  const spread = Math.max(1, owned / 50, DEVIATIONS * deviation);
  return { usual, limit: rounded(usual + OUTLIER * spread) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return (low + high) / 2;
}
