import { spawnSync } from 'node:child_process';
import { it } from '@jest/globals';

/** found by the set-up of the tests, which has said so where it found none */
const promtool = process.env['PROMTOOL'];

/** A test that needs promtool, and is skipped where there is none. */
export const itWithPromtool: typeof it.skip = promtool === undefined ? it.skip : it;

/** Runs promtool on the files of ops/prometheus. Throws what it says where it is not content. */
export function runPromtool(args: readonly string[], input = ''): void {
  const options = { cwd: 'ops/prometheus', encoding: 'utf8', input } as const;
  const { status, stdout, stderr } = spawnSync(promtool ?? '', args, options);
  if (status === 0) return;
  throw new Error(`promtool ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}
