import type { z } from 'zod';
import type { FieldError } from '../domain/refusal.js';
import { Problem, type ProblemCode } from './problem.js';

/** Checks one part of a request. Throws a Problem that names each field that is wrong. */
export function validate<T>(
  schema: z.ZodType<T> | undefined,
  value: unknown,
  part: 'path' | 'query' | 'body',
): T {
  // A route without a schema for this part declares its type as undefined.
  if (!schema) return undefined as T;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const code: ProblemCode = part === 'body' ? 'validation_failed' : 'malformed_request';
  const errors = result.error.issues.flatMap(fieldErrors);
  throw new Problem(code, `The ${part} has fields that can not be accepted.`, {
    facts: { errors },
  });
}

/** What an issue says, field by field, in the words of the wire. */
export function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const field = fieldName(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        field: field === '' ? key : `${field}.${key}`,
        message: 'is not a field of this request',
      }));
    case 'invalid_union': {
      // The branch that got furthest knows best what is wrong.
      const issues = issue.errors.flat();
      const [deepest] = issues
        .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
        .sort((a, b) => Number(a.code === 'invalid_type') - Number(b.code === 'invalid_type'));
      return deepest ? fieldErrors(deepest) : [{ field, message: issue.message }];
    }
    default:
      return [{ field, message: issue.message }];
  }
}

/** `products[0].sku` */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('');
}
