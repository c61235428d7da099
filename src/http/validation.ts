import { z } from 'zod';
import { parseFields } from './field-errors.js';
import { Problem } from './problem.js';

/** What a route that declares no schema for a part takes there. */
const NOTHING = z.strictObject({});
const isNothing = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length === 0;

/**
 * Checks one part of a request. Throws a Problem that names each field that is wrong. A route
 * without a schema takes nothing there, so that a misspelt or misplaced field is never passed over.
 */
export function validate<T>(
  schema: z.ZodType<T> | undefined,
  value: unknown,
  part: 'path' | 'query' | 'body',
): T {
  const isAbsentBody = part === 'body' && value === undefined;
  // A route without a schema for this part declares its type as undefined.
  if (schema === undefined && (isAbsentBody || isNothing(value))) return undefined as T;
  const result = parseFields<unknown>(schema ?? NOTHING, value);
  if ('data' in result) return result.data as T;
  throw part === 'body' ? invalidBody(value, result.errors) : unreadable(part, result.errors);
}

function invalidBody(value: unknown, errors: readonly object[]): Problem {
  const detail =
    value === undefined
      ? 'A body is missing: send a JSON object.'
      : 'The body has fields that can not be accepted.';
  return new Problem('validation_failed', detail, { facts: { errors } });
}

function unreadable(part: string, errors: readonly object[]): Problem {
  return new Problem('malformed_request', `The ${part} has fields that can not be accepted.`, {
    facts: { errors },
  });
}
