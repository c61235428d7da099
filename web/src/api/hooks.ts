import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { call } from './client';
import { type LiveState, live } from './live';
import type { LiveEvent, Page, Product } from './types';

/** What a question to the API is answered with, as it changes. */
export interface Asked<T> {
  /** the last answer; null before the first one */
  readonly data: T | null;
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Asks again; what is shown stays until the answer is there. */
  reload(): void;
}

/** So often at most is asked again, however much happens. */
const RELOAD_MS = 400;

/** So often is asked again where no event tells of a change. */
export const UNTOLD_MS = 5_000;

/**
 * For what no event tells of: a product's name or price, an order that is made or refunded, how an
 * endpoint does, a run's end.
 */
export const UNTOLD: AskOptions = { everyMs: UNTOLD_MS };

export interface AskOptions {
  /** how old an answer may be: only so long after an event has one surely seen it */
  readonly isOldMs?: number;
  /** asks again so often as well: for what may change without an event that says so */
  readonly everyMs?: number;
}

/**
 * Asks the API, and again whenever an event says that the answer may be another. `path` null: asks
 * nothing. `concerns` says of an event whether it matters; left out: none does, and it is asked again
 * only where there was no answer.
 */
export function useAsk<T>(
  path: string | null,
  concerns?: (event: LiveEvent) => boolean,
  { isOldMs = 0, everyMs }: AskOptions = {},
): Asked<T> {
  const [answer, setAnswer] = useState<{ path: string; data: T } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(path !== null);
  const [round, setRound] = useState(0);
  const isAsking = useRef(false);
  const isAskedAgain = useRef(false);
  // What is on its way may be older than the reason to ask again, and is still worth waiting for.
  const reload = useCallback(() => {
    if (isAsking.current) isAskedAgain.current = true;
    else setRound((n) => n + 1);
  }, []);

  // A round asks the same again
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    const answered = () => {
      isAsking.current = false;
      setLoading(false);
      if (isAskedAgain.current) setRound((n) => n + 1);
    };
    isAsking.current = true;
    isAskedAgain.current = false;
    setLoading(true);
    call<T>('GET', path, { signal: abort.signal }).then(
      (data) => {
        if (abort.signal.aborted) return;
        setAnswer({ path, data });
        setError(null);
        answered();
      },
      (reason: unknown) => {
        if (abort.signal.aborted) return;
        setError(reason);
        answered();
      },
    );
    return () => {
      isAsking.current = false;
      abort.abort();
    };
  }, [path, round]);

  useReloadOnEvents(reload, { concerns, isFailed: error !== null, delayMs: isOldMs });
  useEffect(() => {
    if (path === null || everyMs === undefined) return;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [path === null, everyMs, reload]);
  // What another path was answered with is not shown under this one.
  const data = answer && answer.path === path ? answer.data : null;
  return { data, error, isLoading, reload };
}

/** Calls `reload` for events that matter: `delayMs` after the first, and then now and then. */
function useReloadOnEvents(
  reload: () => void,
  asked: {
    readonly concerns: ((event: LiveEvent) => boolean) | undefined;
    readonly isFailed: boolean;
    readonly delayMs: number;
  },
): void {
  const { delayMs } = asked;
  const matters = useRef(asked);
  matters.current = asked;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lastMs = 0;
    const ask = () => {
      timer = undefined;
      lastMs = performance.now();
      reload();
    };
    // What was just answered may be as old as that itself.
    if (delayMs > 0) timer = setTimeout(ask, delayMs);
    const stop = live.listen((event) => {
      const { concerns, isFailed } = matters.current;
      if (!(event ? concerns?.(event) : concerns || isFailed)) return;
      timer ??= setTimeout(ask, Math.max(delayMs, lastMs + RELOAD_MS - performance.now()));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [reload, delayMs]);
}

export function useLiveState(): LiveState {
  const [state, setState] = useState(live.state);
  useEffect(() => live.onState(setState), []);
  return state;
}

const NAMES_MAX = 200;

/** Products by id, for lists that name them by it. What is not known yet is missing. */
export function useProducts(ids: readonly number[]): ReadonlyMap<number, Product> {
  const wanted = [...new Set(ids)].sort((a, b) => a - b).slice(0, NAMES_MAX);
  const path = `/api/products?limit=${NAMES_MAX}&ids=${wanted.join(',')}`;
  const { data } = useAsk<Page<Product>>(wanted.length === 0 ? null : path, undefined, UNTOLD);
  const [known, setKnown] = useState<ReadonlyMap<number, Product>>(new Map());
  useEffect(() => {
    if (data)
      setKnown((before) => new Map([...before, ...data.data.map((p) => [p.id, p] as const)]));
  }, [data]);
  return known;
}

/** A value that follows another one after it has been quiet for a while. */
export function useQuiet<T>(value: T, ms = 250): T {
  const [quiet, setQuiet] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return quiet;
}
