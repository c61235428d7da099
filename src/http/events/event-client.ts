import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { EventType } from '../../domain/event.js';
import type { Listener, Round } from '../../events/feed.js';
import type { EventHead, ToldEvent } from '../../events/told-event.js';
import { type Caller, ownerOf } from '../caller.js';

/** Which events a client gets. Those with the same key get the same. */
export interface EventFilter {
  readonly key: string;
  /** what can be said before an event is read */
  wants(head: EventHead): boolean;
  matches(event: ToldEvent): boolean;
}

export function eventFilter(
  caller: Pick<Caller, 'role' | 'sub' | 'storeId'>,
  narrowed: { types: ReadonlySet<EventType> | null; productId: number | null },
): EventFilter {
  const { storeId } = caller;
  const { types, productId } = narrowed;
  const owner = ownerOf({ ...caller, signedInUntilMs: null });
  const wants = (head: EventHead) =>
    head.storeId === storeId &&
    (types === null || types.has(head.type)) &&
    (productId === null || head.productId === productId);
  return {
    key: JSON.stringify([storeId, types && [...types].sort(), productId, owner]),
    wants,
    matches: (event) =>
      wants(event) &&
      (owner === null || event.type.startsWith('product.') || event.userId === owner),
  };
}

/** Texts as they go over the wire, made once for all clients that get them. */
export class Frames {
  readonly #rounds = new WeakMap<Round, Map<string, Framed>>();
  readonly #events = new WeakMap<ToldEvent, Buffer>();

  /** What a filter leaves of a round, in one piece. */
  of(round: Round, filter: EventFilter): Framed {
    const known = this.#rounds.get(round) ?? new Map<string, Framed>();
    this.#rounds.set(round, known);
    const framed = known.get(filter.key) ?? this.#frame(round, filter);
    known.set(filter.key, framed);
    return framed;
  }

  #frame({ events }: Round, filter: EventFilter): Framed {
    const frames = events.filter((event) => filter.matches(event)).map((e) => this.#frameOf(e));
    return { bytes: Buffer.concat(frames), count: frames.length };
  }

  #frameOf(event: ToldEvent): Buffer {
    const known = this.#events.get(event) ?? textFrame(JSON.stringify(event.message));
    this.#events.set(event, known);
    return known;
  }
}

interface Framed {
  readonly bytes: Buffer;
  /** events */
  readonly count: number;
}

/** A whole text message from a server (RFC 6455, 5.2): not masked, not compressed, in one frame. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.from([0x81, length])
      : length < 65_536
        ? Buffer.from([0x81, 126, length >> 8, length & 0xff])
        : Buffer.alloc(10);
  if (length >= 65_536) {
    header.writeUInt16BE(0x817f);
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, payload]);
}

/** What a client may leave unread, in bytes, before it is closed. */
const UNREAD_MAX = 256 * 1024;
/** While it catches up, it is given more once it has read this far. */
const UNREAD_WHILE_CATCHING_UP = 64 * 1024;
const CATCHING_UP_WAIT_MS = 20_000;
/** for the answer to a close, and for what is unread before it */
const CLOSE_WITHIN_MS = 5_000;

export const TOO_SLOW = 1013;
export const GOING_AWAY = 1001;
export const NOT_UNDERSTOOD = 1008;
export const SIGNED_OUT = 4001;

export interface ClientParts {
  readonly ws: WebSocket;
  /** the connection of `ws`: what goes to many clients is written to it as it is */
  readonly socket: Duplex;
  readonly filter: EventFilter;
  readonly frames: Frames;
  sent(events: number): void;
  tooSlow(): void;
}

/** A client of the stream of events. */
export class EventClient implements Listener {
  readonly #parts: ClientParts;
  #closing = false;
  /** it has answered the last ping */
  isAlive = true;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    parts.ws.on('pong', () => {
      this.isAlive = true;
    });
    parts.ws.on('message', () => this.close(NOT_UNDERSTOOD, 'Nothing is to be sent here.'));
    // Its close comes next, and is what is acted on.
    parts.ws.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return !this.#closing && this.#parts.ws.readyState === this.#parts.ws.OPEN;
  }

  /** bytes that wait for it */
  get unread(): number {
    return this.#parts.socket.writableLength;
  }

  wants(head: EventHead): boolean {
    return this.#parts.filter.wants(head);
  }

  take(round: Round): void {
    const { frames, filter, socket } = this.#parts;
    if (!this.isOpen) return;
    const { bytes, count } = frames.of(round, filter);
    if (count === 0) return;
    if (this.unread > UNREAD_MAX) {
      this.#parts.tooSlow();
      this.close(TOO_SLOW, 'Too slow: events were not read. Come back with ?since=.');
      return;
    }
    socket.write(bytes);
    this.#parts.sent(count);
  }

  /** Tells it something that is no event. */
  tell(message: object): void {
    if (this.isOpen) this.#parts.socket.write(textFrame(JSON.stringify(message)));
  }

  /** Waits, while it catches up, until it has read most of what it was given. */
  async hasRead(): Promise<void> {
    const { socket } = this.#parts;
    if (this.unread <= UNREAD_WHILE_CATCHING_UP) return;
    const isDrained = await new Promise<boolean>((resolve) => {
      const end = (is: boolean) => () => {
        clearTimeout(timer);
        socket.off('drain', drained).off('close', gone);
        resolve(is);
      };
      const drained = end(true);
      const gone = end(true);
      const timer = setTimeout(end(false), CATCHING_UP_WAIT_MS);
      socket.on('drain', drained).on('close', gone);
    });
    if (isDrained || !this.isOpen) return;
    this.#parts.tooSlow();
    this.close(TOO_SLOW, 'Too slow: events were not read. Come back with ?since=.');
  }

  ping(): void {
    this.isAlive = false;
    this.#parts.ws.ping();
  }

  /** Says why and hangs up, in the end also on one that does not answer. */
  close(code: number, reason: string, withinMs = CLOSE_WITHIN_MS): void {
    if (this.#closing) return;
    this.#closing = true;
    const { ws } = this.#parts;
    ws.close(code, reason);
    const timer = setTimeout(() => ws.terminate(), withinMs);
    ws.once('close', () => clearTimeout(timer));
  }

  terminate(): void {
    this.#closing = true;
    this.#parts.ws.terminate();
  }
}
