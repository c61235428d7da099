import { ApiError, call } from './client';
import type { LiveEvent } from './types';

/**
 * What happens, as it happens: a WebSocket of events. While there is none, a beat every few seconds
 * lets whoever shows something ask again, so that a page is never older than that.
 */
export type LiveState = 'connecting' | 'live' | 'lost';

/** null: a beat, or events may have been missed; ask again whatever is shown. */
type Listener = (event: LiveEvent | null) => void;

const BEAT_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

class Live {
  #state: LiveState = 'connecting';
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;
  #attempts = 0;
  /** which attempt is the present one: what an older one comes to is passed over */
  #round = 0;
  /** the last event seen: what came behind it is sent at the next connection */
  #since: string | null = null;
  #isRunning = false;
  readonly #listeners = new Set<Listener>();
  readonly #stateListeners = new Set<(state: LiveState) => void>();

  get state(): LiveState {
    return this.#state;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#since = null;
    this.#attempts = 0;
    this.#become('connecting');
    this.#beat = setInterval(() => {
      if (this.#state !== 'live' && !document.hidden) this.#tell(null);
    }, BEAT_MS);
    addEventListener('online', this.#now);
    addEventListener('offline', this.#away);
    void this.#connect();
  }

  stop(): void {
    this.#isRunning = false;
    this.#round++;
    clearTimeout(this.#retry);
    clearInterval(this.#beat);
    removeEventListener('online', this.#now);
    removeEventListener('offline', this.#away);
    this.#drop();
  }

  /** Calls `listener` with each event; null where something may have been missed. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onState(listener: (state: LiveState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** The network came back: there is no reason to wait. */
  readonly #now = () => {
    // One that is open, or about to be.
    if (this.#socket) return;
    clearTimeout(this.#retry);
    void this.#connect();
  };

  /** The network is gone: a connection would not say so for a long time. */
  readonly #away = () => {
    // What is on its way is passed over.
    this.#round++;
    this.#drop();
    this.#lost();
  };

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    // The browser complains where one is closed that is not open yet.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  }

  async #connect(): Promise<void> {
    if (!this.#isRunning) return;
    const round = ++this.#round;
    let ticket: string | null;
    try {
      ({ ticket } = await call<{ ticket: string | null }>('POST', '/api/events/ticket'));
    } catch (error) {
      if (round !== this.#round) return;
      // Nobody is signed in any more: the page that says so starts this anew.
      if (error instanceof ApiError && error.status === 401) return;
      this.#lost();
      return;
    }
    if (round !== this.#round) return;
    if (ticket === null) {
      this.#lost();
      return;
    }
    const query = new URLSearchParams({ ticket, ...(this.#since ? { since: this.#since } : {}) });
    const url = new URL(`/api/events?${query}`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempts = 0;
      this.#become('live');
      // Without a place to go on from, what happened before this moment is not sent: not even what
      // happened since the page asked for what it shows.
      if (this.#since === null) this.#tell(null);
    };
    socket.onmessage = ({ data }) => this.#take(String(data));
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
  }

  #take(text: string): void {
    const event = JSON.parse(text) as LiveEvent | { type: 'reload' };
    if (!('id' in event)) {
      this.#tell(null);
      return;
    }
    this.#since = event.id;
    this.#tell(event);
  }

  #lost(): void {
    this.#socket = null;
    if (!this.#isRunning) return;
    this.#become('lost');
    const ms = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)] ?? BEAT_MS;
    this.#attempts++;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), ms);
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  #tell(event: LiveEvent | null): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export const live = new Live();
