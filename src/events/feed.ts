import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { type OutboxEntry, readEntries, readLastSequence } from '../persistence/outbox.js';
import { Turnstile } from '../persistence/turnstile.js';
import { Signal } from './signal.js';
import { type EventHead, type ToldEvent, tellEvents } from './told-event.js';

/** Events one after another: those among them that somebody wants, in order. */
export interface Round {
  /** all that comes after this sequence … */
  readonly after: number;
  /** … up to this one was looked at */
  readonly last: number;
  readonly events: readonly ToldEvent[];
}

/** Somebody who is told of events as they come. */
export interface Listener {
  /** Asked before anything of an event is read, so that what nobody wants costs nothing. */
  wants(head: EventHead): boolean;
  /** The next round. What others want is in it as well. */
  take(round: Round): void;
}

const PAGES_AT_ONCE = 10;
const EVENTS_AT_ONCE = 1_000;
/** rounds that wait to be told; whoever is further behind reads the outbox */
const OFFERS_MAX = 100;
const AFTER_A_FAULT_MS = 1_000;
const CATCHING_UP_MAX = 2;
const CATCHING_UP_WAIT_MS = 30_000;

/**
 * Reads the events after a sequence that are wanted, about a thousand at most. null: they are no
 * longer kept. Throws a DatabaseFault.
 */
export async function readRound(
  database: Database,
  after: number,
  wants: (head: EventHead) => boolean,
  /** what is done between reading which events there are and asking for them */
  prepare: () => Promise<void> | undefined = () => undefined,
): Promise<Round | null> {
  const found = await readEntries(database, after, PAGES_AT_ONCE);
  if (!found) return null;
  if (found.entries.length > 0) await prepare();
  const wanted = found.entries.filter(wants);
  const some = wanted.slice(0, EVENTS_AT_ONCE);
  const last = wanted.length > some.length ? (some.at(-1)?.sequence ?? found.last) : found.last;
  return { after, last, events: await tellEvents(database, some) };
}

/**
 * The events as they come, on this copy of the service, for whoever listens. They come from the
 * relay of this copy or, through Redis, from another one's; and where these leave a hole, or there
 * is nobody to bring them, from the outbox. While nobody listens it does nothing.
 */
export class Feed {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #pollMs: () => number;
  /** each with the sequence up to which it was told already */
  readonly #listeners = new Map<Listener, number>();
  readonly #news = new Signal();
  readonly #catchingUp = new Turnstile(CATCHING_UP_MAX, CATCHING_UP_WAIT_MS);
  #offers: Offer[] = [];
  /** sequence up to which the listeners were told; null: it does not run */
  #position: number | null = null;
  #running: Promise<void> = Promise.resolve();
  #isAway = false;
  #stopped = false;

  constructor(parts: { database: Database; log: Logger; pollMs: () => number }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#pollMs = parts.pollMs;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The sequence of the last event that there is. Throws a DatabaseFault. */
  lastSequence(): Promise<number> {
    return readLastSequence(this.#database);
  }

  /**
   * Listens to what comes after a sequence. false where the others were told more than that
   * already: read on from there, and ask again.
   */
  join(listener: Listener, after: number): boolean {
    if (this.#stopped || after < (this.#position ?? 0)) return false;
    this.#listeners.set(listener, after);
    if (this.#position === null) {
      this.#position = after;
      this.#running = this.#run();
    }
    return true;
  }

  /**
   * What a listener missed after a sequence; null where that is no longer kept. Many that come back
   * at once wait for each other. Throws a DatabaseFault.
   */
  read(after: number, wants: (head: EventHead) => boolean): Promise<Round | null> {
    return this.#catchingUp.pass(() => readRound(this.#database, after, wants));
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#news.give();
  }

  /** The relay of this copy has told these. */
  told(offer: { after: number; last: number; entries: readonly OutboxEntry[] }): void {
    this.#offer(offer);
  }

  /** Another copy has sent these; everything that is to be told is among them. */
  received(offer: Round): void {
    this.#offer(offer);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#listeners.clear();
    this.#news.give();
    await this.#running;
  }

  #offer(offer: Offer): void {
    if (this.#position === null) return;
    // What does not fit is read from the outbox.
    if (this.#offers.length < OFFERS_MAX) this.#offers.push(offer);
    this.#news.give();
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#listeners.size > 0) {
      let waitMs = this.#pollMs();
      try {
        const round = await this.#nextRound(this.#position ?? 0);
        this.#isAway = false;
        if (round) {
          this.#position = round.last;
          this.#distribute(round);
          waitMs = 0;
        }
      } catch (error) {
        waitMs = AFTER_A_FAULT_MS;
        if (!this.#isAway) this.#log.warn({ err: error }, 'events can not be read just now');
        this.#isAway = true;
      }
      if (waitMs > 0) await this.#news.wait(waitMs);
    }
    this.#position = null;
    this.#offers = [];
  }

  async #nextRound(after: number): Promise<Round | null> {
    const wants = (head: EventHead) => this.#isWanted(head);
    while (this.#offers[0] && this.#offers[0].last <= after) this.#offers.shift();
    const [offer] = this.#offers;
    if (offer?.after === after) {
      this.#offers.shift();
      if ('events' in offer) return offer;
      const { last, entries } = offer;
      return { after, last, events: await tellEvents(this.#database, entries.filter(wants)) };
    }
    const round = await readRound(this.#database, after, wants);
    if (!round) throw new Error(`events after ${after} are gone while they were waited for`);
    return round.last > after ? round : null;
  }

  #isWanted(head: EventHead): boolean {
    for (const listener of this.#listeners.keys()) if (listener.wants(head)) return true;
    return false;
  }

  #distribute(round: Round): void {
    for (const [listener, after] of this.#listeners) {
      if (after >= round.last) continue;
      const rest =
        after <= round.after
          ? round
          : { ...round, after, events: round.events.filter(({ sequence }) => sequence > after) };
      if (rest.events.length === 0) continue;
      try {
        listener.take(rest);
      } catch (error) {
        // What is wrong with one is no matter of the others.
        this.#log.error({ err: error }, 'a listener could not take an event');
      }
    }
  }
}

type Offer = Round | { after: number; last: number; entries: readonly OutboxEntry[] };
