import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../helpers/process.js';
import { clientOf, SECRET, tokenFor } from '../helpers/service.js';

/** A file system of its own that is small enough to fill; null where this user may not mount one. */
function mountSmall(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder], { stdio: 'pipe' });
    return folder;
  } catch {
    console.warn('skipped: a file system can not be mounted here');
    return null;
  }
}

describe('the disk under the log is full', () => {
  it('answers every request all the same, and carries each out once', async () => {
    const full = mountSmall();
    if (full === null) return;
    const data = mkdtempSync(join(tmpdir(), 'log-test-'));
    const port = await freePort();
    const log = openSync(join(full, 'log'), 'a');
    const service = spawn('node', ['dist/src/main.js'], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        PORT: String(port),
        JWT_SECRET: SECRET,
        DATABASE_URL: `sqlite:${join(data, 'test.sqlite')}`,
      },
    });
    try {
      const admin = clientOf(`http://127.0.0.1:${port}`, () => tokenFor());
      for (let i = 0; i < 100; i++) {
        if ((await admin.get('/readyz').catch(() => null))?.status === 200) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await admin.post('/api/products', { sku: 'A', name: 'A', quantity: 100, publish: true });
      try {
        writeFileSync(join(full, 'filler'), Buffer.alloc(1024 * 1024));
      } catch {
        // As much as there was room for.
      }
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => admin.post('/api/rentals', { product_id: 'A' })),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      const { body } = await admin.get('/api/products/A');
      expect(body).toMatchObject({ quantity_available: 80, quantity_rented: 20 });
    } finally {
      service.kill('SIGKILL');
      await new Promise((resolve) => service.once('exit', resolve));
      closeSync(log);
      execFileSync('umount', [full]);
      rmSync(full, { recursive: true });
      rmSync(data, { recursive: true });
    }
  });
});
