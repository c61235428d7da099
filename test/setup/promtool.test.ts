import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

describe('the set-up of the tests, where promtool is missing and can not be fetched', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'availability-promtool-'));
    symlinkSync(process.execPath, join(folder, 'node'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What the set-up does on a machine that has no program but Node. */
  function ensurePromtool(environment: Record<string, string>) {
    const code = `
      import { ensurePromtool } from './test/setup/promtool.mjs';
      console.log(ensurePromtool({ cache: ${JSON.stringify(folder)} }));
    `;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', code],
      { env: { PATH: folder, ...environment }, encoding: 'utf8' },
    );
    return { status, stdout: stdout.trim(), stderr };
  }

  it('says that tests are skipped', () => {
    const { status, stdout, stderr } = ensurePromtool({});
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'undefined' });
    expect(stderr).toContain('SKIPPED');
  });

  it('fails in CI', () => {
    const { status, stderr } = ensurePromtool({ CI: 'true' });
    expect(status).toBe(1);
    expect(stderr).toContain('promtool is missing: there is no apt-get to fetch it with');
  });
});
