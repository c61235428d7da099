import { z } from 'zod';
import type { Reply } from './endpoint.js';
import { toCursor } from './schemas.js';

/** The schema of a page of a list. */
export function listOf(row: z.ZodType) {
  return z.strictObject({
    data: z.array(row),
    next_cursor: nextCursor(),
  });
}

/** The same on a surface that spells in camelCase. */
export function camelListOf(row: z.ZodType) {
  return z.strictObject({ data: z.array(row), nextCursor: nextCursor() });
}

const nextCursor = () => z.string().nullable().meta({ description: 'null on the last page.' });

/** The cursor of the page behind a page, or null where there is none. */
export function nextCursorOf<T>(
  page: { readonly rows: readonly T[]; readonly hasMore: boolean },
  idOf: (row: T) => number | string,
): string | null {
  const last = page.hasMore ? page.rows.at(-1) : undefined;
  return last === undefined ? null : toCursor(idOf(last));
}

/** A page; `last` is the id of its last row where more rows follow. */
export function pageReply(
  data: readonly unknown[],
  last: number | string | null | undefined,
): Reply {
  const next_cursor = last === null || last === undefined ? null : toCursor(last);
  return { status: 200, body: { data, next_cursor } };
}
