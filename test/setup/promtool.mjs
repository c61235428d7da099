// Finds promtool, which checks what Prometheus is given, or fetches it. No dependencies but Node.
import { join } from 'node:path';
import { fromPackages } from './debian-packages.mjs';
import { answers, findBinary } from './machine.mjs';

/** Where promtool is; undefined where it is not to be had. Throws where it must be. */
export function ensurePromtool({ cache } = {}) {
  const found = findBinary('promtool');
  if (found) return found;
  const locate = (root) => {
    const promtool = join(root, 'usr/bin/promtool');
    return answers(promtool, ['--version']) ? promtool : undefined;
  };
  const files = ['./usr/bin/promtool'];
  return fromPackages({ program: 'promtool', packages: ['prometheus'], files, locate, cache });
}
