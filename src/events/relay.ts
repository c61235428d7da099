import type { Clock } from '../clock.js';
import { eventsOfLines } from '../domain/events-of-lines.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { DatabaseFault } from '../persistence/faults.js';
import { leases } from '../persistence/leases.js';
import {
  entriesOf,
  insertPage,
  type OutboxEntry,
  type OutboxPage,
  readIdStride,
  readPosition,
  readUntold,
  type ToldSource,
  type UntoldEvent,
  type UntoldLine,
} from '../persistence/outbox.js';
import { IdGaps } from './id-gaps.js';
import { Signal } from './signal.js';

export interface RelayOptions {
  /** free units at or below which a product without a threshold of its own is low */
  readonly lowStockThreshold: number;
  /** s after which no transaction can be open any more: what is missing then was rolled back */
  readonly transactionMaxSeconds: number;
  /** rows of each table that a round reads */
  readonly rowsMax: number;
  /** ms between rounds while there is something to tell: more share a page */
  readonly paceMs: number;
  /** ms between looks for what other copies have committed */
  readonly pollMs: number;
  /** s for which the lease lasts: as long as others wait when this process dies */
  readonly leaseSeconds: number;
}

export const RELAY: Omit<RelayOptions, 'lowStockThreshold' | 'transactionMaxSeconds'> = {
  rowsMax: 2_000,
  paceMs: 100,
  pollMs: 200,
  leaseSeconds: 5,
};

/** What a round told: all events after `after`, up to `last`. */
export interface Told {
  readonly after: number;
  readonly last: number;
  readonly entries: readonly OutboxEntry[];
}

export interface RelayObserver {
  /** after the page is committed */
  told(told: Told): void;
}

/**
 * Gives committed events their sequence: dense, and for each product in the order of its commits.
 * All copies of the service have one; the one that holds the lease is at it. The lease only spares
 * the others the work: whoever would write a page that is there already writes nothing.
 */
export interface Relay {
  /** whether this copy is the one that is at it */
  readonly isAtWork: boolean;
  /** Something was committed by this copy. Cheap. */
  nudge(): void;
  /** Ends it, and gives the lease back. */
  stop(): Promise<void>;
}

/** Held by one of the copies that run, from their start to their stop. */
export const RELAY_LEASE = 'outbox';
const AFTER_A_FAULT_MS = 1_000;

/** Lets what is committed from now on be told. To be called before the first command. */
export async function prepareOutbox(database: Database): Promise<void> {
  const position = await readPosition(database);
  if (position.page > 0) return;
  try {
    await insertPage(database, { ...position, page: 1, told: [] });
  } catch (error) {
    if (!isClash(error)) throw error;
  }
}

export function startRelay(
  options: RelayOptions,
  parts: { database: Database; clock: Clock; log: Logger; observer: RelayObserver },
): Relay {
  const { database, clock, log, observer } = parts;
  const ours = leases(database, newId());
  const news = new Signal();
  let stopped = false;
  let round: Round | null = null;
  let renewAtMs = 0;
  let isAway = false;

  const holdsLease = async () => {
    const nowMs = clock.monotonicMs();
    if (round && nowMs < renewAtMs) return true;
    const isOurs = await ours.hold(RELAY_LEASE, options.leaseSeconds);
    renewAtMs = nowMs + (options.leaseSeconds * 1000) / 3;
    return isOurs;
  };

  /** One turn; returns how long to wait for news before the next. */
  const turn = async (): Promise<number> => {
    if (!(await holdsLease())) {
      round = null;
      return (options.leaseSeconds * 1000) / 3;
    }
    round ??= await openRound(database, options, clock);
    const told = await round.run();
    isAway = false;
    if (!told) return options.pollMs;
    if (told.last > told.after) observer.told(told);
    await clock.sleep(options.paceMs);
    return 0;
  };

  const run = async () => {
    while (!stopped) {
      let waitMs: number;
      try {
        waitMs = await turn();
      } catch (error) {
        // Another relay is at it, or whether the page was written is not known: it says itself.
        round = null;
        renewAtMs = 0;
        waitMs = AFTER_A_FAULT_MS;
        if (!isClash(error) && !isAway) {
          isAway = true;
          log.warn({ err: error }, 'events can not be told just now; they are as soon as they can');
        }
      }
      if (waitMs > 0 && !stopped) await news.wait(waitMs);
    }
  };
  const running = run();

  return {
    get isAtWork() {
      return round !== null;
    },
    // A copy whose turn it is not has nothing to do with what is committed.
    nudge() {
      if (round) news.give();
    },
    async stop() {
      stopped = true;
      news.give();
      await running;
      // Where the database is away the lease runs out by itself.
      await ours.release(RELAY_LEASE).catch(() => undefined);
    },
  };
}

interface Round {
  /** Tells what there is; null where there was nothing. */
  run(): Promise<Told | null>;
}

/** Takes up the work where the last page says that it stands. */
async function openRound(database: Database, options: RelayOptions, clock: Clock): Promise<Round> {
  const position = await readPosition(database);
  const stride = await readIdStride(database);
  const nowMs = clock.monotonicMs();
  const how = { nowMs, keptMs: options.transactionMaxSeconds * 1000, stride };
  const movements = new IdGaps(position.movements, how);
  const events = new IdGaps(position.events, how);
  let { page, sequence } = position;

  const read = async () => {
    const from = { movements: movements.reading, events: events.reading };
    for (let limit = options.rowsMax; ; limit *= 2) {
      const { lowStockThreshold } = options;
      const found = await readUntold(database, from, { limit, lowStockThreshold });
      const lines = wholeCommits(found.lines, { seen: from.movements.seen, limit });
      if (lines || found.lines.length === 0) return { lines: lines ?? [], events: found.events };
    }
  };

  return {
    async run() {
      const found = await read();
      const atMs = clock.monotonicMs();
      movements.forget(atMs);
      events.forget(atMs);
      if (found.lines.length + found.events.length === 0) return null;
      movements.saw(idsOf(found.lines), atMs);
      events.saw(idsOf(found.events), atMs);
      const told = inOrder(found.lines, found.events);
      const after = sequence;
      const last = after + told.reduce((total, { types }) => total + types.length, 0);
      const next: OutboxPage = {
        page: page + 1,
        sequence: last,
        movements: movements.reading,
        events: events.reading,
        told,
      };
      await insertPage(database, next);
      page = next.page;
      sequence = last;
      return { after, last, entries: entriesOf(told, last) };
    },
  };
}

/**
 * Leaves out the lines of a commit that may go on behind the limit; null where all of them are of
 * one, so that more have to be read.
 */
function wholeCommits(
  lines: readonly UntoldLine[],
  { seen, limit }: { seen: number; limit: number },
): readonly UntoldLine[] | null {
  const fresh = lines.filter(({ id }) => id > seen);
  const last = fresh.at(-1);
  if (!last || fresh.length < limit) return lines;
  const whole = lines.filter(({ id, createdAt }) => id <= seen || createdAt !== last.createdAt);
  // Ids below those of a commit that is left out must not count as missing, so neither is read.
  const firstLeftOut = fresh.find(({ createdAt }) => createdAt === last.createdAt)?.id ?? 0;
  const before = whole.filter(({ id }) => id < firstLeftOut);
  return before.length > 0 ? before : null;
}

/** What each line and event tells, in the order of its commits. */
function inOrder(lines: readonly UntoldLine[], events: readonly UntoldEvent[]): ToldSource[] {
  const told: ToldSource[] = [];
  const waiting = [...events].reverse();
  const ofLines = eventsOfLines(lines);
  lines.forEach((line, at) => {
    // What a commit tells besides comes before what became of the free units.
    for (let next = waiting.at(-1); next && next.createdAt <= line.createdAt; ) {
      told.push(sourceOfEvent(next));
      waiting.pop();
      next = waiting.at(-1);
    }
    const { types, isDraft } = ofLines[at] ?? { types: [], isDraft: line.isDraftNow };
    const { id, storeId, productId, quantityAvailable, lowStockThreshold } = line;
    const isLow = !isDraft && quantityAvailable <= lowStockThreshold;
    const threshold = isLow && types.some((type) => type.startsWith('product.'));
    told.push({
      from: 'movements',
      id,
      storeId,
      productId,
      types,
      isDraft,
      lowStockThreshold: threshold ? lowStockThreshold : null,
    });
  });
  return [...told, ...waiting.reverse().map(sourceOfEvent)];
}

function sourceOfEvent({ id, storeId, productId, type }: UntoldEvent): ToldSource {
  return {
    from: 'events',
    id,
    storeId,
    productId,
    types: [type],
    isDraft: false,
    lowStockThreshold: null,
  };
}

const idsOf = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => id);

function isClash(error: unknown): boolean {
  return error instanceof DatabaseFault && error.kind === 'clash';
}
