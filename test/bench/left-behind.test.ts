import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const TIMEOUT_MS = 60_000;
/** on a disk, where the benchmark's databases must be */
const DISK = process.platform === 'win32' ? tmpdir() : '/var/tmp';

describe('npm run bench, when it does not come to its end', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(DISK, 'availability-left-behind-'));
    // The database server runs as a user of its own.
    chmodSync(folder, 0o777);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts it with all its files in the folder, whose name each of its processes bears in PATH. */
  function start(...args: string[]) {
    const child = spawn(
      process.execPath,
      ['dist/scripts/bench.js', '--quick', '--only', 'hot', '--dir', folder, ...args],
      {
        env: {
          ...process.env,
          TMPDIR: folder,
          PATH: `${process.env['PATH']}${delimiter}${folder}`,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, said })),
    );
    return { child, ended };
  }

  /** Whether the last server of the scenario is ready, and so the load about to begin. */
  function isUnderLoad(): boolean {
    const logs = readdirSync(folder).find((name) => name.startsWith('availability-bench-'));
    if (logs === undefined) return false;
    const log = readdirSync(join(folder, logs)).find((name) => name.endsWith('-hot-service.log'));
    return log !== undefined && /"msg":"ready"/.test(readFileSync(join(folder, logs, log), 'utf8'));
  }

  it.each([
    ['mysql', 'SIGINT', 130],
    ['mysql', 'SIGTERM', 143],
    ['sqlite', 'SIGTERM', 143],
  ] as const)(
    'leaves nothing behind on %s at %s',
    async (database, signal, code) => {
      const { child, ended } = start('--database', database, '--seconds', '60');
      await until(isUnderLoad);
      await pause(500);
      child.kill(signal);
      expect((await ended).code).toBe(code);
      // The database server is given the time to close its files.
      await until(() => processesOf(folder).length === 0);
      await until(() => readdirSync(folder).length === 0);
    },
    TIMEOUT_MS,
  );

  it.each(['mysql', 'sqlite'])(
    'shows what the server wrote at last where a request failed, and leaves nothing behind, on %s',
    async (database) => {
      const breaking = `
      import { Server } from 'node:http';
      const { emit } = Server.prototype;
      Server.prototype.emit = function (event, request, ...rest) {
        if (event === 'request' && request.method === 'POST') {
          console.error('out of luck');
          process.exit(1);
        }
        return emit.call(this, event, request, ...rest);
      };
    `;
      const module = `data:text/javascript,${encodeURIComponent(breaking)}`;
      const { ended } = start('--database', database, `--node-flags=--import=${module}`);
      const { code, said } = await ended;
      expect(code).toBe(1);
      expect(said).toMatch(/The server "service" wrote at last:\n(.*\n)*out of luck/);
      await until(() => processesOf(folder).length === 0);
      expect(readdirSync(folder)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'shows what a server wrote that did not start, and leaves nothing behind',
    async () => {
      const { ended } = start('--database', 'sqlite', '--node-flags=--no-such-flag');
      const { code, said } = await ended;
      expect(code).toBe(1);
      expect(said).toMatch(/The server "service" did not start. .*\n.*bad option: --no-such-flag/);
      expect(processesOf(folder)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** Processes whose environment names `text`; none where there is no /proc to look in. */
function processesOf(text: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((id) => /^\d+$/.test(id) && environmentOf(id).includes(text));
}

function environmentOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/environ`, 'utf8');
  } catch {
    return '';
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error('waited for 30 s');
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
