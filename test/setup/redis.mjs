// Finds redis-server, which carries events between copies, or fetches it. No dependencies but Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, asRoot, findBinary, isRoot } from './machine.mjs';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/redis/', import.meta.url));
/** The server is in the package of the tools, by the name of one of them; the others are libraries. */
const PACKAGES = ['redis-tools', 'libjemalloc2', 'liblzf1'];
const FETCHED_WITHIN_MS = 300_000;

/**
 * Where a Redis server is: on this machine; else taken out of the distribution's packages, on Debian
 * and its like, and kept in the cache. They are not installed, so that no server is started.
 *
 * undefined, and said so, where it is not to be had. In CI and for root on Debian that is an error.
 */
export function ensureRedis({ cache = CACHE } = {}) {
  const found = findBinary('redis-server');
  if (found) return { command: found };
  const kept = serverIn(join(cache, 'root'));
  if (kept && works(kept)) return kept;
  const isDebian = findBinary('apt-get') !== undefined && findBinary('dpkg-deb') !== undefined;
  try {
    if (!isDebian) throw new Error('there is no apt-get to fetch it with');
    console.log(`No Redis on this machine: taking it out of the package ${PACKAGES[0]} …`);
    return fetchInto(cache);
  } catch (error) {
    const reason = `redis-server is missing: ${error.stderr?.trim() || error.message}`;
    if (process.env.CI || (isDebian && isRoot())) throw new Error(reason);
    console.warn(`${reason}.\nTHE TESTS THAT NEED IT ARE SKIPPED.`);
    return undefined;
  }
}

const works = ({ command, libraries }) =>
  answers('env', [`LD_LIBRARY_PATH=${libraries ?? ''}`, command, '--version']);

function fetchInto(cache) {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  try {
    download(folder);
    const root = join(folder, 'root');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb')))
      run('dpkg-deb', ['-x', file, root], folder);
    // The program is what it is called.
    symlinkSync('redis-check-rdb', join(root, 'usr/bin/redis-server'));
    const server = serverIn(root);
    if (!server || !works(server)) throw new Error(`that of ${PACKAGES[0]} does not run`);
    mkdirSync(cache, { recursive: true });
    // Beside its place first: another run that looks there meanwhile finds all of it or nothing.
    const beside = join(cache, `root-${process.pid}`);
    run('cp', ['-a', root, beside], folder);
    rmSync(join(cache, 'root'), { recursive: true, force: true });
    renameSync(beside, join(cache, 'root'));
    return serverIn(join(cache, 'root'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function serverIn(root) {
  const command = join(root, 'usr/bin/redis-server');
  try {
    const [folder] = readdirSync(join(root, 'usr/lib')).filter((name) => name.endsWith('-gnu'));
    return folder ? { command, libraries: join(root, 'usr/lib', folder) } : undefined;
  } catch {
    return undefined;
  }
}

/** Anybody may download a package; the lists, which may be missing or old, are root's to renew. */
function download(folder) {
  const fetch = () => run('apt-get', ['download', '-q', ...PACKAGES], folder);
  try {
    fetch();
  } catch (error) {
    const sudo = asRoot();
    if (!sudo) throw error;
    const [command, ...args] = [...sudo, 'apt-get', 'update', '-q'];
    run(command, args, folder);
    fetch();
  }
}

const run = (command, args, cwd) =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: FETCHED_WITHIN_MS,
  });
