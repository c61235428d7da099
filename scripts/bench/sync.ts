import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ScriptError } from '../lib/script.js';
import { endWithThisProcess } from './left-behind.js';
import { type Bench, type Contender, enter } from './measure.js';
import { MemoryWatch } from './memory.js';
import { ROOT } from './root.js';
import { SCENARIOS } from './scenarios.js';
import { serviceSettings } from './servers.js';

/** A dry run of sync, alone and beside a load of rentals. */
export interface SyncFigures {
  readonly products: number;
  readonly aloneSeconds: number;
  readonly underLoadSeconds: number;
  /** of the script, at most */
  readonly peakMb: number;
  /** of rentals at 64 connections, without sync and meanwhile */
  readonly p99Ms: number;
  readonly p99MeanwhileMs: number;
}

interface SyncRun {
  readonly seconds: number;
  readonly peakMb: number;
}

const SCRIPT = join(ROOT, 'dist/scripts/sync-quantities.js');

/**
 * Seeds so many products, then runs sync as a dry run: alone, and again and again while rentals go
 * on. Nothing may be found, since nothing was spoiled.
 */
export async function measureSync(bench: Bench, products: number): Promise<SyncFigures> {
  const spread = SCENARIOS.find(({ name }) => name === 'spread');
  if (!spread) throw new Error('there is no scenario "spread"');
  const contender = await enter(bench, 'service', { ...spread, name: 'sync', products });
  const sync = () => runSync(contender);
  try {
    const load = { products: spread.products, seconds: bench.seconds };
    await contender.send(load);
    const alone = await sync();
    const without = await contender.send(load);

    let loading = true;
    const loaded = contender.send(load).finally(() => {
      loading = false;
    });
    // Where sync fails first, that is the error to speak of.
    loaded.catch(() => {});
    const runs: SyncRun[] = [];
    do {
      runs.push(await sync());
    } while (loading);
    const meanwhile = await loaded;
    await contender.end();
    return {
      products,
      aloneSeconds: alone.seconds,
      underLoadSeconds: runs[0]?.seconds ?? 0,
      peakMb: Math.max(alone.peakMb, ...runs.map(({ peakMb }) => peakMb)),
      p99Ms: without.p99Ms,
      p99MeanwhileMs: meanwhile.p99Ms,
    };
  } finally {
    await contender.server.stop();
  }
}

/** The script, in a process of its own. */
async function runSync({ database }: Contender): Promise<SyncRun> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [SCRIPT, '--dry-run'], {
    cwd: ROOT,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], ...serviceSettings(database.url) },
  });
  endWithThisProcess(child);
  const memory = new MemoryWatch(child.pid ?? 0);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  memory.stop();
  if (code !== 0) throw new ScriptError(`sync ended with ${String(code)} where nothing drifted.`);
  return { seconds: (performance.now() - startedMs) / 1000, peakMb: memory.peak };
}
