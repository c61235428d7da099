import type { Instant } from './domain/instant.js';

/** Times kept: a batch, or a page of rows, is about a few of them. */
const KEPT = 64;

/**
 * Writes times as text, and remembers the last ones: making the text of a time costs more than all
 * else that is done with one, and one time stands in hundreds of rows.
 */
export function instantTexts(write: (iso: string) => string): (ms: Instant) => string {
  const times: Instant[] = new Array(KEPT).fill(Number.NaN);
  const texts: string[] = new Array(KEPT).fill('');
  return (ms) => {
    const place = Math.trunc(Math.abs(ms)) % KEPT;
    const known = times[place] === ms ? texts[place] : undefined;
    if (known !== undefined) return known;
    const text = write(new Date(ms).toISOString());
    times[place] = ms;
    texts[place] = text;
    return text;
  };
}

/** A time as the world is told it: ISO 8601, UTC, with milliseconds. */
export const isoText = instantTexts((iso) => iso);
