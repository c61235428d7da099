import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../helpers/process.js';
import { eventually } from '../helpers/recorder.js';
import { type Service, startService } from '../helpers/service.js';

const PAGE = readFileSync(new URL('../../docs/clients/webhooks.md', import.meta.url), 'utf8');
const hasPython = spawnSync('python3', ['--version']).status === 0;

const RECEIVERS = [
  { name: 'Node', fence: 'js', file: 'receiver.mjs', run: process.execPath },
  ...(hasPython ? [{ name: 'Python', fence: 'py', file: 'receiver.py', run: 'python3' }] : []),
];

/** What the page says for a language. */
function snippet(fence: string): string {
  return new RegExp(`\`\`\`${fence}\\n([^]*?)\`\`\``).exec(PAGE)?.[1] ?? '';
}

describe('the page on webhooks', () => {
  let service: Service;
  let child: ChildProcess | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'receiver-'));

  beforeAll(async () => {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    service = await startService('sqlite', { WEBHOOK_ALLOW_PRIVATE: 'true' });
    const product = { sku: 'KAYAK-1', name: 'Kayak', quantity: 9, publish: true };
    await service.client().post('/api/products', product);
  });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });

  it.each(RECEIVERS)(
    'has a receiver in $name that takes what is ours, and nothing else',
    async ({ fence, file, run }) => {
      writeFileSync(join(folder, file), snippet(fence));
      const port = await freePort();
      const admin = service.client();
      const { body: endpoint } = await admin.post('/api/webhook-endpoints', {
        url: `http://127.0.0.1:${port}/hook`,
        events: ['rental.*'],
      });
      const env = { PATH: process.env['PATH'], WEBHOOK_SECRET: endpoint.secret, PORT: `${port}` };
      child = spawn(run, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
      let printed = '';
      child.stdout?.on('data', (chunk) => {
        printed += String(chunk);
      });
      const post = (headers: Record<string, string>) =>
        fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', body: '{"id": "1"}', headers });
      await eventually('it listens', async () => Boolean(await post({}).catch(() => null)));

      const rental = await admin.post('/api/rentals', { product_id: 'KAYAK-1' });
      await eventually('it prints the event', () => printed.includes('rental.created'));
      expect(printed).toContain(rental.body.id);
      const forged = {
        'webhook-id': '1',
        'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
        'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
      };
      expect((await post(forged)).status).toBe(400);
      expect((await post({})).status).toBe(400);
      expect(printed.trim().split('\n')).toHaveLength(1);
      await admin.delete(`/api/webhook-endpoints/${endpoint.id}`);
    },
  );
});
