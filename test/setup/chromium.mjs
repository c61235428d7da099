// Finds a Chromium to test the dashboard in, or installs it. No dependencies but Node.
import { execFileSync } from 'node:child_process';
import { answers, asRoot, findBinary } from './machine.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const INSTALLED_WITHIN_MS = 600_000;

/**
 * Where a Chromium is: on this machine; else the distribution's package, installed where that is
 * Debian or its like and may be done unasked.
 *
 * undefined, and said so, where it is not to be had. In CI that is an error.
 */
export function ensureChromium() {
  const found = NAMES.map((name) => findBinary(name)).find((file) => file && works(file));
  if (found) return found;
  try {
    const sudo = findBinary('apt-get') && asRoot();
    if (!sudo) throw new Error('there is no apt-get that may be used');
    console.log('No Chromium on this machine: installing the package chromium …');
    install(sudo);
    const installed = findBinary('chromium');
    if (!installed || !works(installed)) throw new Error('it was installed and does not run');
    return installed;
  } catch (error) {
    const reason = `A Chromium is missing: ${error.stderr?.trim() || error.message}`;
    if (process.env.CI) throw new Error(reason);
    console.warn(`${reason}.\nTHE TESTS OF THE DASHBOARD IN A BROWSER ARE SKIPPED.`);
    return undefined;
  }
}

const works = (chromium) => answers(chromium, ['--version']);

function install(sudo) {
  const apt = (...args) => {
    const options = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
    const [command, ...rest] = [...sudo, 'env', ...options, ...args];
    execFileSync(command, rest, { encoding: 'utf8', stdio: 'pipe', timeout: INSTALLED_WITHIN_MS });
  };
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', 'chromium');
}
