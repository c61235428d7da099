import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { it } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from './process.js';
import { eventually } from './recorder.js';

/** found by the set-up of the tests, which has said so where it found none */
const command = process.env['REDIS_SERVER'];

/** A test that needs a Redis server, and is skipped where there is none. */
export const itWithRedis: typeof it.skip = command === undefined ? it.skip : it;

export interface RedisServer {
  readonly url: string;
  /** messages that were published so far */
  published(): Promise<number>;
  /** kill -9 */
  kill(): void;
  /** lets it hang: connections are accepted, and never answered */
  hang(): void;
  /** lets it go on where it hung */
  goOn(): void;
  /** starts it again after `kill` */
  startAgain(): Promise<void>;
}

/** Starts a Redis server of one's own; whoever did has to kill it. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  let child = start(port);
  await listens(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    async published() {
      const client = new Redis(port);
      const stats = await client.info('commandstats').finally(() => client.disconnect());
      return Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    },
    kill: () => child.kill('SIGKILL'),
    hang: () => child.kill('SIGSTOP'),
    goOn: () => child.kill('SIGCONT'),
    async startAgain() {
      child = start(port);
      await listens(port);
    },
  };
}

function start(port: number) {
  return spawn(
    command ?? '',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      env: { ...process.env, LD_LIBRARY_PATH: process.env['REDIS_LIBRARIES'] ?? '' },
      stdio: 'ignore',
    },
  );
}

const listens = (port: number) =>
  eventually('Redis listens', () => {
    const socket = connect(port, '127.0.0.1');
    return new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    }).finally(() => socket.destroy());
  });
