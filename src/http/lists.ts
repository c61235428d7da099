import { z } from 'zod';
import type { Reply } from './endpoint.js';
import { toCursor } from './schemas.js';

/** The schema of a page of a list. */
export function listOf(row: z.ZodType) {
  return z.strictObject({
    data: z.array(row),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page.' }),
  });
}

/** A page; `last` is the id of its last row where more rows follow. */
export function pageReply(
  data: readonly unknown[],
  last: number | string | null | undefined,
): Reply {
  const next_cursor = last === null || last === undefined ? null : toCursor(last);
  return { status: 200, body: { data, next_cursor } };
}
