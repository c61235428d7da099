// What the set-up of the tests asks of the machine. No dependencies but Node.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const DIRS = [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/opt/homebrew/bin',
];

/** The first of these programs that is on this machine. */
export function findBinary(...names) {
  for (const name of names)
    for (const dir of DIRS) {
      const file = join(dir, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {}
    }
  return undefined;
}

export const isRoot = () => process.getuid?.() === 0;

/** Whether a command ends well within ten seconds. */
export const answers = (command, args) =>
  spawnSync(command, args, { timeout: 10_000 }).status === 0;

/** What goes before a command that is root's; undefined where that is not to be had unasked. */
export function asRoot() {
  if (isRoot()) return [];
  return answers('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}
