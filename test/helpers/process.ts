import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SECRET } from './service.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/**
 * Ends the process when this one ends, however it does: then nothing holds the other end of its
 * standard input any more.
 */
const LEASH =
  "data:text/javascript,process.stdin.on('end',()=>process.kill(process.pid,'SIGKILL')).resume()";

/** The service as a process of its own. */
export interface ServiceProcess {
  readonly url: string;
  /** the lines that it logged so far */
  readonly log: readonly LogLine[];
  /** what it wrote that is no line of its log */
  readonly noise: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** resolves with its exit code, or the signal that ended it */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** resolves once it serves requests */
  readonly ready: Promise<void>;
  /** resident memory in MiB, 0 where it can't be read */
  memoryMiB(): number;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const running = new Set<ChildProcess>();

/** Starts the built service and waits until it is ready. */
export async function startProcess(
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<ServiceProcess> {
  const service = await spawnProcess(databaseUrl, settings);
  await service.ready;
  return service;
}

/** Starts the built service and waits until it listens. */
export async function spawnProcess(
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<ServiceProcess> {
  if (!existsSync(MAIN)) throw new Error('dist is missing: npm run build makes it');
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', LEASH, MAIN], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      JWT_SECRET: SECRET,
      DATABASE_URL: databaseUrl,
      SHUTDOWN_DELAY_SECONDS: '0',
      ...settings,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  const log: LogLine[] = [];
  const noise: string[] = [];
  const url = `http://127.0.0.1:${port}`;
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(signal ?? code ?? -1);
    });
  });
  const ready = new Promise<void>((resolve, reject) => {
    const take = (line: string) => {
      if (!line.startsWith('{')) {
        if (line !== '') noise.push(line);
        return;
      }
      const entry = JSON.parse(line) as LogLine;
      log.push(entry);
      if (entry.msg === 'ready') resolve();
    };
    if (child.stdout) eachLine(child.stdout, take);
    if (child.stderr) eachLine(child.stderr, (line) => noise.push(line));
    void exited.then((how) =>
      reject(
        new Error(`the service ended with ${how}:\n${JSON.stringify(log)}\n${noise.join('\n')}`),
      ),
    );
  });
  // Who does not wait for it is not to be troubled by it.
  ready.catch(() => {});
  await listening(url, () => running.has(child));
  return {
    url,
    log,
    noise,
    exited,
    ready,
    kill: (signal) => child.kill(signal),
    memoryMiB: () => memoryOf(child.pid),
  };
}

/** Kills whatever a test left running. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', take);
}

async function listening(url: string, isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function memoryOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
