import { z } from 'zod';
import { EVENT_TYPES, type EventType } from '../../domain/event.js';
import { line, productRefText, timestamp } from '../schemas.js';

const GROUPS = [...new Set(EVENT_TYPES.map((type) => type.slice(0, type.indexOf('.'))))];
const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER;

/** The types that a pattern like `rental.*` stands for. */
function typesOf(pattern: string): readonly EventType[] {
  if (pattern === '*') return EVENT_TYPES;
  const prefix = pattern.endsWith('.*') ? pattern.slice(0, -1) : null;
  return EVENT_TYPES.filter((type) => (prefix ? type.startsWith(prefix) : type === pattern));
}

/** One or more patterns of types, as the types that they stand for. */
export const typePatterns = z
  .array(z.string().max(100))
  .min(1)
  .max(50)
  .refine(
    (patterns) => patterns.every((pattern) => typesOf(pattern).length > 0),
    `must be types of events: *, ${GROUPS.map((group) => `${group}.*`).join(', ')}, or one by its name`,
  )
  .transform((patterns) => new Set(patterns.flatMap(typesOf)));

/** What may be said after `/api/events?`. */
export const EventsQuery = z.strictObject({
  since: z
    .string()
    .regex(/^\d{1,16}$/, 'must be the id of an event')
    .transform(Number)
    .refine((id) => id <= SEQUENCE_MAX, 'must be the id of an event')
    .optional(),
  types: z
    .string()
    .max(1_000)
    .transform((text) => text.split(','))
    .pipe(typePatterns)
    .optional(),
  productId: productRefText.optional(),
  ticket: line(100).optional(),
});
export type EventsQuery = z.infer<typeof EventsQuery>;

export const EventTicketReply = z
  .strictObject({
    ticket: z
      .string()
      .nullable()
      .meta({ description: 'Shown once; null where the answer is a repeated one.' }),
    expiresAt: timestamp,
  })
  .meta({ id: 'EventTicket' });
