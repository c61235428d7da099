// Takes programs out of Debian's packages. No dependencies but Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asRoot, findBinary, isRoot } from './machine.mjs';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
const FETCHED_WITHIN_MS = 300_000;

/**
 * A program that tests need and this machine lacks: on Debian and its like it is taken out of the
 * distribution's packages and kept in `cache`. They are not installed, so that no server is started.
 *
 * `files` are all that is wanted of the packages (else all of them), `locate` finds the program in
 * a folder where they were unpacked and gives undefined where it does not run.
 *
 * undefined, and said so, where it is not to be had. In CI and for root on Debian that is an error.
 */
export function fromPackages({ program, packages, files = [], prepare, locate, cache }) {
  const home = cache ?? join(CACHE, program);
  const kept = join(home, 'root');
  const known = locate(kept);
  if (known) return known;
  const isDebian = findBinary('apt-get') !== undefined && findBinary('dpkg-deb') !== undefined;
  const folder = mkdtempSync(join(tmpdir(), `${program}-`));
  try {
    if (!isDebian) throw new Error('there is no apt-get to fetch it with');
    console.log(`No ${program} on this machine: taking it out of the package ${packages[0]} …`);
    const root = join(folder, 'root');
    mkdirSync(root);
    download(packages, folder);
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
      const unpack = 'dpkg-deb --fsys-tarfile "$0" | tar -x -C root "$@"';
      run('sh', ['-c', unpack, file, ...files], folder);
    }
    prepare?.(root);
    if (!locate(root)) throw new Error(`that of the package ${packages[0]} does not run`);
    keep(root, kept);
    return locate(kept);
  } catch (error) {
    const reason = `${program} is missing: ${error.stderr?.trim() || error.message}`;
    if (process.env.CI || (isDebian && isRoot())) throw new Error(reason);
    console.warn(`${reason}.\nTHE TESTS THAT NEED IT ARE SKIPPED.`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Beside its place first: another run that looks there meanwhile finds all of it or nothing. */
function keep(root, kept) {
  const beside = `${kept}-${process.pid}`;
  mkdirSync(join(kept, '..'), { recursive: true });
  run('cp', ['-a', root, beside]);
  rmSync(kept, { recursive: true, force: true });
  renameSync(beside, kept);
}

/** Anybody may download a package; the lists, which may be missing or old, are root's to renew. */
function download(packages, folder) {
  const fetch = () => run('apt-get', ['download', '-q', ...packages], folder);
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
