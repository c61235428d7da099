import { EVENT_TYPES, type EventType } from './event.js';

/** Whether a pattern like `rental.*` stands for a type: `*` for all, `x.*` for a group, else itself. */
export function matchesPattern(pattern: string, type: EventType): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** Whether any type is meant by a pattern. */
export function isKnownPattern(pattern: string): boolean {
  return EVENT_TYPES.some((type) => matchesPattern(pattern, type));
}
