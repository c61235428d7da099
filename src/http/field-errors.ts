import type { z } from 'zod';
import type { FieldError } from '../domain/refusal.js';

type Issue = z.core.$ZodIssue;

/**
 * Checks a value, and says what is wrong with each field in sentences that begin with the field's
 * name and say what would be right. The schemas' own words (`refine`, `regex`) are kept; those of
 * zod are not.
 */
export function parseFields<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { data: T } | { errors: FieldError[] } {
  // Whether a field is missing or mistyped is seen by its input.
  const result = schema.safeParse(value, { reportInput: true });
  return result.success ? { data: result.data } : { errors: fieldErrors(result.error.issues) };
}

function fieldErrors(issues: readonly Issue[]): FieldError[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: fieldName([...issue.path, key]),
        message: 'is not a field of this request',
      }));
    }
    if (issue.code === 'invalid_union') return unionErrors(issue);
    return [{ field: fieldName(issue.path), message: message(issue) }];
  });
}

/** Where one branch takes values of this type, it says what is wrong; else all say what they take. */
function unionErrors(issue: Extract<Issue, { code: 'invalid_union' }>): FieldError[] {
  const fitting = issue.errors.find((errors) => !errors.some((error) => isMistyped(error)));
  if (fitting) {
    return fieldErrors(
      fitting.map((error) => ({ ...error, path: [...issue.path, ...error.path] })),
    );
  }
  const field = fieldName(issue.path);
  if (issue.input === undefined) return [{ field, message: 'is missing' }];
  const types = issue.errors.flatMap(([first]) =>
    first?.code === 'invalid_type' ? [typeName(first.expected)] : [],
  );
  return [{ field, message: `must be ${[...new Set(types)].join(' or ')}` }];
}

const isMistyped = (issue: Issue) => issue.code === 'invalid_type' && issue.path.length === 0;

function message(issue: Issue): string {
  if (
    issue.input === undefined &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_value')
  ) {
    return 'is missing';
  }
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeName(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.inclusive === false
        ? `must be more than ${issue.minimum}`
        : `must ${size(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${size(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'invalid_format':
      return FORMATS[issue.format] ?? issue.message;
    default:
      return issue.message;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'must be a time with its offset from UTC, like 2026-11-21T10:00:00Z',
  email: 'must be an email address',
};

function typeName(expected: string): string {
  return TYPES[expected] ?? expected;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function size(origin: string, bound: 'at least' | 'at most', limit: number): string {
  switch (origin) {
    case 'string':
      return `have ${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
    case 'array':
      return `have ${bound} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
    default:
      return `be ${bound} ${limit}`;
  }
}

/** `products[0].sku`; the whole of it is called `body`. */
function fieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'body';
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('');
}
