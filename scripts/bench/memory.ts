import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SAMPLE_MS = 250;

/** The resident memory (RSS) of a process, in MB: looked at again and again while it runs. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #samples: { atMs: number; mb: number }[] = [];

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.now(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** What it has now. */
  now(): number {
    const mb = residentMb(this.#pid);
    if (mb > 0) this.#samples.push({ atMs: performance.now(), mb });
    return mb;
  }

  get peak(): number {
    return Math.max(0, ...this.#samples.map(({ mb }) => mb));
  }

  /** All that was seen since `sinceMs` (of performance.now()), oldest first. */
  since(sinceMs: number): number[] {
    return this.#samples.filter(({ atMs }) => atMs >= sinceMs).map(({ mb }) => mb);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const TICKS_PER_SECOND = 100;

/** Processor time that a process has used so far, in seconds; null where it can't be told. */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // What follows the name, which is in brackets; user time is field 14, system time 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

/** 0 where the process is gone. */
function residentMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return process.platform === 'linux' ? 0 : residentMbByPs(pid);
  }
}

function residentMbByPs(pid: number): number {
  try {
    return (
      Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
    );
  } catch {
    return 0;
  }
}
