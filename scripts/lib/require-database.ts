import { existsSync } from 'node:fs';
import type { DatabaseTarget } from '../../src/config.js';
import { ScriptError } from './script.js';

/**
 * For scripts that look at a database or change what is in it: they must not make an empty one out
 * of a mistyped path and then find nothing wrong with it. Throws a ScriptError.
 */
export function requireDatabase(target: DatabaseTarget): void {
  if (target.dialect === 'sqlite' && !existsSync(target.file)) {
    throw new ScriptError(`There is no database at ${target.file}.`);
  }
}
