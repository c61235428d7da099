import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { median } from '../../scripts/bench/statistics.js';
import { runScript } from '../helpers/terminal.js';

describe('npm run bench', () => {
  it('measures on both databases, and prints a table for each', () => {
    const only = ['hot-keys', 'read', 'cart-5', 'sync', 'cleanup'].flatMap((part) => [
      '--only',
      part,
    ]);
    const args = ['dist/scripts/bench.js', '--quick', '--markdown', ...only];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/MariaDB [\d.]+, innodb_flush_log_at_trx_commit=1/);
    expect(stdout).toMatch(/SQLite [\d.]+, WAL, synchronous=FULL/);
    const row =
      /^\| reading availability.*\n\| +\| one transaction.*\n\| +\| this service \| [\d,]+ \|/gm;
    expect(stdout.match(row)).toHaveLength(2);
    expect(stdout).toMatch(/^- (reached|NOT REACHED): rentals with keys, one hot product/m);
    const carts =
      /^\| carts of five .* \| this service: rentals \|.*\n\| +\| this service \| [\d,]+ \|/gm;
    expect(stdout.match(carts)).toHaveLength(2);
    expect(stdout.match(/sync, dry run over 2,000 products/g)).toHaveLength(2);
    expect(stdout.match(/200 holds on 1 products fall due at once: all are ended/g)).toHaveLength(
      2,
    );
  }, 120_000);

  it('refuses what it does not know', async () => {
    const { bench } = await import('../../scripts/bench/bench.js');
    const unknown = await runScript(bench, ['--only', 'everything']);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.said[0]).toMatch(/^--only must be one of hot, spread, /);
    expect(await runScript(bench, ['--node-flags', 'x'])).toMatchObject({ code: 2 });
  });

  it('knows a median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
  });
});
