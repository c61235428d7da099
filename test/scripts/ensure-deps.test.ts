import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';

describe('npm start', () => {
  it.each(['18.20.8', '20.18.3', '21.7.3', '22.11.0'])(
    'says which Node it needs to one of %s',
    (version) => {
      const versions = JSON.stringify({ ...process.versions, node: version });
      const pretend = `Object.defineProperty(process, 'versions', { value: ${versions} })`;
      const { status, stderr } = spawnSync(
        process.execPath,
        [
          '--import',
          `data:text/javascript,${encodeURIComponent(pretend)}`,
          'scripts/ensure-deps.mjs',
        ],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe(
        `This is Node ${version}. Node 20 (from 20.19 on), 22 (from 22.12 on) or newer is needed.\n`,
      );
      expect(status).toBe(1);
    },
  );
});
