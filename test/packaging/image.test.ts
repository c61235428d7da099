import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseCopy, parseDockerfile, type Stage, said } from './dockerfile.js';

/**
 * No image can be built where the tests run. So each stage of the Dockerfile gets a clean folder
 * for a root: what its COPY lines name is copied into it, its RUN lines are run in it, and what the
 * last one says is started as the user it names. Not seen here: the base image and its Node, mounts
 * that are read-only, and Docker itself.
 */
const ROOT = process.cwd();
const BUILD_TIMEOUT_MS = 240_000;
const isRoot = process.getuid?.() === 0;

describe('the image', () => {
  const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
  const image = stages.at(-1) as Stage;
  let folder: string;
  /** where the last stage's files are */
  let root: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'availability-image-'));
    chmodSync(folder, 0o755);
    for (const stage of stages) build(stage);
    root = rootOf(image.name);
    const port = await freePort();
    environment = {
      PATH: process.env['PATH'] ?? '',
      ...variables(),
      // Where the last stage's paths are on this machine.
      DATABASE_URL: `sqlite:${join(root, 'data/availability.sqlite')}`,
      PORT: String(port),
      JWT_SECRET: 'a secret of tests, of thirty-two bytes or more',
      SHUTDOWN_DELAY_SECONDS: '0',
    };
  }, BUILD_TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function rootOf(stage: string | null): string {
    return join(folder, stage ?? 'image');
  }

  /** A path as a stage means it, on this machine. */
  function placeOf(stage: Stage, path: string): string {
    const directory = said(stage, 'WORKDIR').at(-1) ?? '/';
    return join(rootOf(stage.name), resolve(directory, path));
  }

  function build(stage: Stage): void {
    mkdirSync(placeOf(stage, '.'), { recursive: true });
    for (const { word, rest } of stage.instructions) {
      if (word === 'COPY') copy(stage, rest);
      if (word === 'RUN') run(stage, rest);
    }
  }

  function copy(stage: Stage, rest: string): void {
    const { from, owner, sources, target } = parseCopy(rest);
    for (const source of sources) {
      const path = from === null ? join(ROOT, source) : join(rootOf(from), source);
      const isInto = target.endsWith('/');
      const to = placeOf(stage, isInto ? join(target, basename(source)) : target);
      cpSync(path, to, { recursive: true, verbatimSymlinks: true });
      if (owner !== null && isRoot) chownSync(to, owner, owner);
    }
  }

  function run(stage: Stage, command: string): void {
    const cwd = placeOf(stage, '.');
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stderr}`);
  }

  function variables(): Record<string, string> {
    const pairs = said(image, 'ENV').flatMap((rest) => rest.split(' '));
    return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s) as [string, string]));
  }

  /** Starts what an instruction says in its exec form, as the image's user. */
  function start(command: string): ChildProcess {
    const [program = '', ...args] = JSON.parse(command) as string[];
    const uid = Number(said(image, 'USER').at(-1)?.split(':')[0]);
    return spawn(program === 'node' ? process.execPath : program, args, {
      cwd: placeOf(image, '.'),
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
      ...(isRoot ? { uid, gid: uid } : {}),
    });
  }

  const exitOf = (child: ChildProcess) =>
    new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  const checkHealth = () => exitOf(start(healthCommand()));

  function healthCommand(): string {
    return /CMD (.*)$/.exec(said(image, 'HEALTHCHECK')[0] ?? '')?.[1] ?? '';
  }

  it('has a user of its own, and no shell before the service', () => {
    expect(Number(said(image, 'USER').at(-1)?.split(':')[0])).toBeGreaterThan(0);
    expect(JSON.parse(said(image, 'CMD').at(-1) ?? '')).toEqual(['node', 'dist/src/main.js']);
    expect(said(image, 'VOLUME')).toEqual(['/data']);
    expect(variables()['HOST']).toBe('0.0.0.0');
    expect(variables()['DATABASE_URL']).toMatch(/^sqlite:\/data\//);
  });

  it('is given all that it copies: nothing of it is in .dockerignore', () => {
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const sources = stages
      .flatMap((stage) => said(stage, 'COPY').map(parseCopy))
      .filter(({ from }) => from === null)
      .flatMap((each) => each.sources);
    const sent = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(ignore).toContain('*');
    expect([...new Set(sources)].sort()).toEqual(sent.sort());
  });

  it('has no compiler and no tools of development', () => {
    const modules = readdirSync(join(root, 'app/node_modules'));
    expect(modules).toContain('koa');
    expect(modules).not.toContain('typescript');
    expect(modules).not.toContain('jest');
  });

  it('serves as its own user, writes to its volume only, and ends at SIGTERM with 0', async () => {
    if (isRoot) expect(statSync(join(root, 'data')).uid).toBe(10_001);
    else spawnSync('chmod', ['-R', 'a-w', join(root, 'app')]);
    const service = start(said(image, 'CMD').at(-1) ?? '');
    const ended = exitOf(service);
    try {
      const url = `http://127.0.0.1:${environment['PORT']}`;
      await until(() => fetch(`${url}/readyz`).then(({ ok }) => ok));
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
      expect(await checkHealth()).toBe(0);
      expect(existsSync(join(root, 'data/availability.sqlite'))).toBe(true);
    } finally {
      service.kill('SIGTERM');
    }
    expect(await ended).toBe(0);
    expect(await checkHealth()).toBe(1);
    if (!isRoot) spawnSync('chmod', ['-R', 'u+w', join(root, 'app')]);
  }, 60_000);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await isSo().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the service of the image did not become ready');
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
