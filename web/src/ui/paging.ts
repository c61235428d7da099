import { useEffect, useState } from 'preact/hooks';
import { type Asked, type AskOptions, useAsk } from '../api/hooks';
import type { CamelPage, LiveEvent, Page } from '../api/types';

/** One page of a list, and how to turn it. */
export interface Paged<T> extends Asked<Page<T> | CamelPage<T>> {
  readonly rows: readonly T[];
  /** the one that is shown, which is not yet the one that is turned to; the first is 0 */
  readonly page: number;
  readonly hasMore: boolean;
  onPage(page: number): void;
}

interface Turned {
  /** the list that the cursors are of */
  readonly base: string;
  /** the cursor of each page up to this one; the first has none */
  readonly cursors: readonly (string | null)[];
}

/** The last page that was there. */
interface Shown<T> extends Turned {
  readonly data: Page<T> | CamelPage<T>;
}

/**
 * A list of the API, page by page. A page stays on the screen until the one that is turned to is
 * there; where `base` changes it begins at the first one.
 */
export function usePaged<T>(
  base: string | null,
  concerns?: (event: LiveEvent) => boolean,
  options?: AskOptions,
): Paged<T> {
  const [turned, setTurned] = useState<Turned>({ base: '', cursors: [null] });
  const cursors = turned.base === base ? turned.cursors : [null];
  const cursor = cursors.at(-1) ?? null;
  const asked = useAsk<Page<T> | CamelPage<T>>(base && pathOf(base, cursor), concerns, options);
  const [last, setLast] = useState<Shown<T> | null>(null);
  useEffect(() => {
    if (asked.data && base) setLast({ base, cursors, data: asked.data });
  }, [asked.data, base]);
  // The page before stays until the one that is turned to is there.
  const before = asked.data === null && last?.base === base ? last : null;
  const data = asked.data ?? before?.data ?? null;
  const shown = before?.cursors ?? cursors;
  const next = data && nextOf(data);
  return {
    ...asked,
    data,
    rows: data?.data ?? [],
    page: shown.length - 1,
    hasMore: next !== null,
    onPage(page) {
      if (base === null || (page >= shown.length && next === null)) return;
      const to = page < shown.length ? shown.slice(0, page + 1) : [...shown, next];
      if (to.at(-1) !== cursor) setTurned({ base, cursors: to });
      // Where it could not be turned it is tried again; where it is being turned it is waited for.
      else if (asked.error !== null) asked.reload();
    },
  };
}

const pathOf = (base: string, cursor: string | null) =>
  cursor === null ? base : `${base}&cursor=${encodeURIComponent(cursor)}`;

const nextOf = <T>(page: Page<T> | CamelPage<T>) =>
  'next_cursor' in page ? page.next_cursor : page.nextCursor;
