import { useEffect, useRef, useState } from 'preact/hooks';
import { UNTOLD_MS } from '../api/hooks';
import { formatSpan } from '../format';

const TICK_MS = 1_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
/** So long after it is due has the service surely seen it as well. */
const GRACE_MS = 300;

const listeners = new Set<(nowMs: number) => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function onTick(listener: (nowMs: number) => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    const nowMs = Date.now();
    for (const each of listeners) each(nowMs);
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** The time, in ms since 1970, as it goes by: one timer for all that show it. */
export function useNow(): number {
  const [nowMs, setNow] = useState(Date.now);
  useEffect(() => onTick(setNow), []);
  return nowMs;
}

/** How far away a time is, as it goes by: `in 14 s`, `5 min ago`; `past`: what is said once it is past. */
export function Span({ at, past }: { at: string; past?: string }) {
  const nowMs = useNow();
  const isPast = Date.parse(at) <= nowMs;
  return <time dateTime={at}>{isPast && past !== undefined ? past : formatSpan(at, nowMs)}</time>;
}

/**
 * Calls `reload` once the earliest of some times is past, for what changes then without an event.
 * Where it is still there afterwards, since two clocks differ, now and then.
 */
export function useReloadAt(times: readonly string[], reload: () => void): void {
  const earliestMs = times.length === 0 ? null : Math.min(...times.map((at) => Date.parse(at)));
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    if (earliestMs === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      const leftMs = earliestMs + GRACE_MS - Date.now();
      timer = setTimeout(
        () => {
          latest.current();
          wait();
        },
        leftMs > 0 ? Math.min(leftMs, TIMER_MS_MAX) : UNTOLD_MS,
      );
    };
    wait();
    return () => clearTimeout(timer);
  }, [earliestMs]);
}
