// Builds the dashboard into dist/web, where its sources or what builds them changed since.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'web');
const stamp = join(root, 'dist', 'web', '.stamp');

const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
const want = hash.digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== want) {
  const { build } = await import('vite');
  await build({ root: source, configFile: join(source, 'vite.config.mjs'), logLevel: 'warn' });
  writeFileSync(stamp, want);
}
