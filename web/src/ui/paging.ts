import { useEffect, useState } from 'preact/hooks';
import { type Asked, type AskOptions, useAsk } from '../api/hooks';
import type { CamelPage, LiveEvent, Page } from '../api/types';

/** One page of a list, and how to turn it. */
export interface Paged<T> extends Asked<Page<T> | CamelPage<T>> {
  readonly rows: readonly T[];
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
  const [last, setLast] = useState<{ base: string; data: Page<T> | CamelPage<T> } | null>(null);
  useEffect(() => {
    if (asked.data && base) setLast({ base, data: asked.data });
  }, [asked.data, base]);
  // The page before stays until the one that is turned to is there.
  const data = asked.data ?? (last && last.base === base ? last.data : null);
  const next = data && nextOf(data);
  return {
    ...asked,
    data,
    rows: data?.data ?? [],
    page: cursors.length - 1,
    hasMore: next !== null,
    onPage(page) {
      if (base === null) return;
      if (page < cursors.length) setTurned({ base, cursors: cursors.slice(0, page + 1) });
      else if (next) setTurned({ base, cursors: [...cursors, next] });
    },
  };
}

const pathOf = (base: string, cursor: string | null) =>
  cursor === null ? base : `${base}&cursor=${encodeURIComponent(cursor)}`;

const nextOf = <T>(page: Page<T> | CamelPage<T>) =>
  'next_cursor' in page ? page.next_cursor : page.nextCursor;
