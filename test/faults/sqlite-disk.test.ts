import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { check } from '../helpers/checker.js';
import { killAll, type ServiceProcess, spawnProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, type Recorder, rentalOf } from '../helpers/recorder.js';
import { clientOf, tokenFor } from '../helpers/service.js';

const DISK_BYTES = 4 * 1024 * 1024;

/** Mounts a small disk of its own, where this process may. */
function mountDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'availability-disk-'));
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'availability', folder];
    execFileSync('mount', options, { stdio: 'pipe' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

const probe = mountDisk();
if (probe) unmount(probe);
else
  process.stderr.write('The disk of SQLite is not filled up: this user may not mount a tmpfs.\n');

function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder], { stdio: 'pipe' });
  rmSync(folder, { recursive: true });
}

(probe ? describe : describe.skip)('the disk of the embedded database', () => {
  let folder: string;
  let service: ServiceProcess;
  let recorder: Recorder;
  let id: number;
  const url = () => `sqlite:${join(folder, 'a.sqlite')}`;
  const rent = () => recorder.send(service.url, { path: '/api/rentals', body: rentalOf(id) });
  const readiness = async () => {
    const response = await fetch(`${service.url}/readyz`);
    return { status: response.status, body: (await response.json()) as { reason?: string } };
  };

  beforeEach(async () => {
    folder = mountDisk() ?? '';
    service = await startProcess(url());
    recorder = createRecorder();
    const body = { sku: 'A', name: 'A', quantity: 1_000_000, publish: true };
    const made = await recorder.send(service.url, { path: '/api/products', body });
    id = made?.body.id;
  });
  afterEach(async () => {
    killAll();
    await service.exited;
    unmount(folder);
  });

  async function isOutOfOrder() {
    expect(await rent()).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { code: 'database_unavailable' },
    });
    expect(await readiness()).toMatchObject({
      status: 503,
      body: { reason: 'the disk of the database is full or read-only' },
    });
    const product = await clientOf(service.url, tokenFor).get(`/api/products/${id}`);
    expect(product.status).toBe(200);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  }

  async function isWellAgain() {
    await eventually('ready', async () => (await readiness()).status === 200);
    expect((await rent())?.status).toBe(201);
    expect(await check(url(), recorder.exchanges)).toEqual([]);
    // What was refused was refused: no 500, and nobody left without an answer.
    expect(
      recorder.exchanges.filter(({ answer }) => ![201, 503].includes(answer?.status ?? 0)),
    ).toEqual([]);
  }

  it('full: writes are refused, reads go on, and it is over when there is room again', async () => {
    const { bavail, bsize } = statfsSync(folder);
    const filler = join(folder, 'filler');
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 64 * 1024));
    await eventually('the disk is full', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, rent));
      return answers.some((answer) => answer?.status === 503);
    });
    await isOutOfOrder();
    rmSync(filler);
    await isWellAgain();
  });

  it('read-only at the start: the service waits, and serves when it is not', async () => {
    killAll();
    await service.exited;
    const remount = (mode: string) =>
      execFileSync('mount', ['-o', `remount,${mode}`, folder], { stdio: 'pipe' });
    remount('ro');
    service = await spawnProcess(url());
    await eventually('it is in the log', () => service.log.some(({ level }) => level === 'warn'));
    expect((await readiness()).status).toBe(503);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect((await rent())?.status).toBe(503);
    remount('rw');
    await isWellAgain();
  });
});
