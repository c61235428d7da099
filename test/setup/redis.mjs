// Finds redis-server, which carries events between copies, or fetches it. No dependencies but Node.
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fromPackages } from './debian-packages.mjs';
import { answers, findBinary } from './machine.mjs';

/** The server is in the package of the tools, by the name of one of them; the others are libraries. */
const PACKAGES = ['redis-tools', 'libjemalloc2', 'liblzf1'];

/**
 * Where a Redis server is, and the folder of its libraries where they are not the machine's;
 * undefined where it is not to be had. Throws where it must be.
 */
export function ensureRedis() {
  const found = findBinary('redis-server');
  if (found) return { command: found };
  return fromPackages({
    program: 'redis-server',
    packages: PACKAGES,
    // The program is what it is called.
    prepare: (root) => symlinkSync('redis-check-rdb', join(root, 'usr/bin/redis-server')),
    locate: serverIn,
  });
}

function serverIn(root) {
  const command = join(root, 'usr/bin/redis-server');
  try {
    const [folder] = readdirSync(join(root, 'usr/lib')).filter((name) => name.endsWith('-gnu'));
    const libraries = join(root, 'usr/lib', folder ?? '');
    const works = answers('env', [`LD_LIBRARY_PATH=${libraries}`, command, '--version']);
    return works ? { command, libraries } : undefined;
  } catch {
    return undefined;
  }
}
