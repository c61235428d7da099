import { join } from 'node:path';
import type { Bench } from './measure.js';
import { startServer } from './servers.js';
import { median } from './statistics.js';

const STARTS = 5;

/** Time from the start of the service's process until it is ready, in ms. */
export interface StartFigures {
  /** on an empty database, which it migrates */
  readonly firstMs: number;
  /** on one that is up to date: the median of several */
  readonly againMs: number;
}

export async function measureStart(bench: Bench): Promise<StartFigures> {
  const database = await bench.databases.createEmpty('start');
  const logFile = join(bench.folder, `${bench.databases.kind}-start.log`);
  const start = async () => {
    const { nodeFlags } = bench;
    const server = await startServer('service', { databaseUrl: database.url, logFile, nodeFlags });
    await server.stop();
    return server.readyMs;
  };
  try {
    const firstMs = await start();
    const again: number[] = [];
    for (let i = 0; i < STARTS; i++) again.push(await start());
    return { firstMs, againMs: median(again) };
  } finally {
    await database.drop();
  }
}
