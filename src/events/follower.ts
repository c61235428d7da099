import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Connection, Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { openCursor, readLastSequence, saveCursor } from '../persistence/outbox.js';
import { readRound } from './feed.js';
import { Signal } from './signal.js';
import type { EventHead, ToldEvent } from './told-event.js';

/**
 * Somebody who must miss no event, also when every process has died meanwhile: webhooks, mail. One
 * copy of the service runs it, under a lease, and how far it has come is kept in the database.
 */
export interface Follower {
  /** what its position is kept under; a new one begins with what comes next */
  readonly name: string;
  /** Called once the next events are known, before `wants` is asked of them. */
  prepare?(): Promise<void>;
  /** Asked before anything of an event is read, so that what nobody wants costs nothing. */
  wants(head: EventHead): boolean;
  /**
   * The next events, in order. What it writes on `connection` is committed together with its
   * position: once for each event. Where it rejects they come again, after a pause. What takes long
   * (a receiver that hangs) is to be written down here and done elsewhere.
   */
  take(events: readonly ToldEvent[], connection: Connection): Promise<void>;
  /** Called once what it has taken is committed. */
  taken?(): void;
}

const LEASE_SECONDS = 6;
/** between looks where nobody says that there is something */
const POLL_MS = 250;
const AFTER_A_FAULT_MS = 1_000;
/** how often it is written down that nothing of what went by was wanted */
const IDLE_SAVE_MS = 2_000;

export interface Following {
  /** There may be something new. Cheap. */
  nudge(): void;
  stop(): Promise<void>;
}

export function startFollower(
  follower: Follower,
  parts: { database: Database; log: Logger },
): Following {
  const { database, log } = parts;
  const lease = `follow:${follower.name}`;
  const ours = leases(database, newId());
  const news = new Signal();
  let stopped = false;
  /** null: it is not this copy's turn */
  let position: number | null = null;
  let savedPosition = 0;
  let savedAtMs = 0;
  let renewAtMs = 0;
  let isAway = false;

  const holdsLease = async () => {
    const nowMs = performance.now();
    if (position !== null && nowMs < renewAtMs) return true;
    const isOurs = await ours.hold(lease, LEASE_SECONDS);
    renewAtMs = nowMs + (LEASE_SECONDS * 1000) / 3;
    return isOurs;
  };

  const save = async (sequence: number) => {
    await saveCursor(database, follower.name, sequence);
    savedPosition = sequence;
    savedAtMs = performance.now();
  };

  const takeAndSave = async (events: readonly ToldEvent[], sequence: number) => {
    const session = await database.begin();
    try {
      await follower.take(events, session);
      await saveCursor(session, follower.name, sequence);
      await session.commit();
    } catch (error) {
      await session.rollback();
      throw error;
    }
    savedPosition = sequence;
    savedAtMs = performance.now();
    follower.taken?.();
  };

  /** One turn; returns how long to wait for news before the next. */
  const turn = async (): Promise<number> => {
    if (!(await holdsLease())) {
      position = null;
      return (LEASE_SECONDS * 1000) / 3;
    }
    if (position === null) {
      position = await openCursor(database, follower.name);
      savedPosition = position;
    }
    const round = await readRound(
      database,
      position,
      (head) => follower.wants(head),
      () => follower.prepare?.(),
    );
    if (!round) {
      const last = await readLastSequence(database);
      log.error(
        { follower: follower.name, after: position, resumes_at: last },
        'events were not told to a follower in time, and are no longer kept',
      );
      position = last;
      await save(last);
      return 0;
    }
    if (round.events.length > 0) await takeAndSave(round.events, round.last);
    position = round.last;
    const isDue = performance.now() - savedAtMs > IDLE_SAVE_MS;
    if (isDue && position > savedPosition) await save(position);
    isAway = false;
    return round.last > round.after ? 0 : POLL_MS;
  };

  const run = async () => {
    while (!stopped) {
      let waitMs: number;
      try {
        waitMs = await turn();
      } catch (error) {
        position = null;
        waitMs = AFTER_A_FAULT_MS;
        if (!isAway) log.warn({ err: error, follower: follower.name }, 'events could not be taken');
        isAway = true;
      }
      if (waitMs > 0 && !stopped) await news.wait(waitMs);
    }
  };
  const running = run();

  return {
    // A copy whose turn it is not has nothing to do with what there is.
    nudge() {
      if (position !== null) news.give();
    },
    async stop() {
      stopped = true;
      news.give();
      await running;
      // Where the database is away the lease runs out by itself.
      await ours.release(lease).catch(() => undefined);
    },
  };
}
