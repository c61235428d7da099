import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const LINES = 20;
const LINE_LENGTH = 2_000;
/** of a log that may be very long */
const BYTES_READ = 4 * 1024 * 1024;

/**
 * What a server wrote last. Lines at info are left out where there are others: this service writes
 * one for each batch, and they would hide what went wrong.
 */
export function lastLines(logFile: string): string {
  const lines = endOf(logFile)
    .split('\n')
    .filter((line) => line !== '');
  const telling = lines.filter((line) => !line.includes('"level":"info"'));
  const shown = (telling.length > 0 ? telling : lines).slice(-LINES);
  return shown.map((line) => line.slice(0, LINE_LENGTH)).join('\n');
}

function endOf(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, BYTES_READ));
    const read = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8', 0, read);
  } finally {
    closeSync(descriptor);
  }
}
