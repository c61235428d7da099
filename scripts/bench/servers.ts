import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { signToken } from '../../src/tokens.js';
import { ScriptError } from '../lib/script.js';
import { endWithThisProcess } from './left-behind.js';
import { cpuSeconds, MemoryWatch } from './memory.js';
import { ROOT } from './root.js';
import type { ProgramName } from './scenarios.js';
import { lastLines } from './server-log.js';

/** A server under test, in a process of its own. */
export interface RunningServer {
  readonly url: string;
  readonly memory: MemoryWatch;
  /** processor time that it has used so far, in seconds; null where it can't be told */
  cpuSeconds(): number | null;
  /** from the start of its process to the first answer that says it is ready, in ms */
  readonly readyMs: number;
  /** Stops it where it still runs. */
  stop(): Promise<void>;
}

/** What is started for each; node's own arguments come before it. */
const ENTRIES: Readonly<Record<ProgramName, string>> = {
  bare: 'dist/scripts/bench/servers/bare-koa.js',
  transaction: 'dist/scripts/bench/servers/one-transaction.js',
  service: 'dist/src/main.js',
};

const SECRET = 'the secret of a benchmark, of thirty-two bytes or more';
const READY_WITHIN_MS = 30_000;
const STOPPED_WITHIN_MS = 30_000;

/** A token that this service takes; the others do not look at it. */
export function benchToken(): Promise<string> {
  return signToken(SECRET, {
    sub: 'bench',
    role: 'admin',
    storeId: 1,
    issuer: null,
    audience: null,
    lifetimeSeconds: 24 * 3600,
  });
}

/** The settings that this service is started with: its defaults, a secret, a port, its database. */
export function serviceSettings(databaseUrl: string): Record<string, string> {
  return { DATABASE_URL: databaseUrl, JWT_SECRET: SECRET, SHUTDOWN_DELAY_SECONDS: '0' };
}

/** Starts a server and resolves once it answers. Its output goes to `logFile`. */
export async function startServer(
  name: ProgramName,
  options: {
    databaseUrl: string;
    logFile: string;
    nodeFlags: readonly string[];
    /** of the service, where they are not its defaults */
    settings?: Readonly<Record<string, string>>;
  },
): Promise<RunningServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedMs = performance.now();
  const log = openSync(options.logFile, 'a');
  const flags = name === 'service' ? options.nodeFlags : [];
  const child = spawn(process.execPath, [...flags, join(ROOT, ENTRIES[name])], {
    cwd: ROOT,
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: String(port),
      ...serviceSettings(options.databaseUrl),
      ...options.settings,
    },
  });
  closeSync(log);
  endWithThisProcess(child);
  try {
    await untilReady(child, { name, url, logFile: options.logFile });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const readyMs = performance.now() - startedMs;
  const memory = new MemoryWatch(child.pid ?? 0);
  return {
    url,
    memory,
    cpuSeconds: () => cpuSeconds(child.pid ?? 0),
    readyMs,
    async stop() {
      memory.stop();
      await stopProcess(child);
    },
  };
}

async function untilReady(
  child: ChildProcess,
  { name, url, logFile }: { name: string; url: string; logFile: string },
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (isGone(child) || performance.now() > deadline) {
      throw new ScriptError(
        `The server "${name}" did not start. It wrote at last:\n${lastLines(logFile)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (isGone(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
  await gone;
  clearTimeout(late);
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
