// Finds promtool, which checks what Prometheus is given, or fetches it. No dependencies but Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, asRoot, findBinary, isRoot } from './machine.mjs';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/promtool/', import.meta.url));
const PACKAGE = 'prometheus';
const FETCHED_WITHIN_MS = 300_000;

/**
 * Where promtool is: on this machine; else taken out of the distribution's package, on Debian and
 * its like, and kept in `cache`. The package is not installed, since that would start a Prometheus.
 *
 * undefined, and said so, where it is not to be had. In CI and for root on Debian that is an error.
 */
export function ensurePromtool({ cache = CACHE } = {}) {
  const found = findBinary('promtool');
  if (found) return found;
  const kept = join(cache, 'promtool');
  if (works(kept)) return kept;
  const isDebian = findBinary('apt-get') !== undefined && findBinary('dpkg-deb') !== undefined;
  try {
    if (!isDebian) throw new Error('there is no apt-get to fetch it with');
    console.log(`No promtool on this machine: taking it out of the package ${PACKAGE} …`);
    fetchInto(cache);
    return kept;
  } catch (error) {
    const reason = `promtool is missing: ${said(error)}`;
    if (process.env.CI || (isDebian && isRoot())) throw new Error(reason);
    console.warn(`${reason}.\nTHE TESTS THAT NEED IT ARE SKIPPED. It comes with Prometheus.`);
    return undefined;
  }
}

const works = (promtool) => answers(promtool, ['--version']);

function fetchInto(cache) {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    download(folder);
    const unpack = `dpkg-deb --fsys-tarfile ${PACKAGE}_*.deb | tar -x ./usr/bin/promtool`;
    run('sh', ['-c', unpack], folder);
    const unpacked = join(folder, 'usr/bin/promtool');
    if (!works(unpacked)) throw new Error(`that of the package ${PACKAGE} does not run`);
    mkdirSync(cache, { recursive: true });
    // Beside its place first: another run that looks there meanwhile finds all of it or nothing.
    const beside = join(cache, `promtool-${process.pid}`);
    run('cp', [unpacked, beside], folder);
    renameSync(beside, join(cache, 'promtool'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Anybody may download a package; the lists, which may be missing or old, are root's to renew. */
function download(folder) {
  const fetch = () => run('apt-get', ['download', '-q', PACKAGE], folder);
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

/** What a command that failed wrote, else what went wrong. */
const said = (error) => error.stderr?.trim() || error.message;
