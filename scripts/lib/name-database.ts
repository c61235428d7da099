import { resolve } from 'node:path';
import type { DatabaseTarget } from '../../src/config.js';
import type { Terminal } from './script.js';

/**
 * Says on standard error which database a script works on, without its password: whoever set
 * DATABASE_URL for another command alone works on the embedded one without knowing.
 */
export function sayDatabase(
  terminal: Terminal,
  target: DatabaseTarget,
  label: 'Database' | 'New database' = 'Database',
): void {
  terminal.say(`${label}: ${nameOf(target)}`);
}

function nameOf(target: DatabaseTarget): string {
  if (target.dialect === 'sqlite') return `sqlite:${resolve(target.file)}`;
  // What follows a question mark may be secret as well.
  const { protocol, username, host, pathname } = new URL(target.url);
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}`;
}
