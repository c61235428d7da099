import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** Nothing that a benchmark starts or writes is left behind, however its process ends. */

/** what is still to be done when this process ends, oldest first */
const cleanUps = new Set<() => void>();

process.once('exit', () => {
  // Processes before the folders that they write to, which are older.
  for (const cleanUp of [...cleanUps].reverse()) cleanUp();
});

/** Signals end this process as it would end by itself, and not before it has cleaned up. */
export function cleanUpAtSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

/** A process that ends when this one does. */
export function endWithThisProcess(child: ChildProcess): void {
  const end = () => void child.kill('SIGKILL');
  cleanUps.add(end);
  child.once('exit', () => cleanUps.delete(end));
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A folder that is gone when this process is. */
export function temporaryFolder(parent: string, prefix: string): TemporaryFolder {
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, prefix));
  const remove = () => {
    cleanUps.delete(remove);
    // A process that was killed just now may still write.
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  cleanUps.add(remove);
  return { path, remove };
}
