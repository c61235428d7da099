import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { check } from '../helpers/checker.js';
import { createDatabase, DATABASES, serverUrl } from '../helpers/databases.js';
import { killAll, spawnProcess, startProcess } from '../helpers/process.js';
import { createRecorder, eventually, rentalOf, sleep, underLoad } from '../helpers/recorder.js';
import { startProxy } from '../helpers/tcp-proxy.js';
import { type PrivateServer, startMariadb } from '../setup/mariadb.mjs';

afterEach(killAll);

const status = (url: string) => fetch(url).then((response) => response.status);

describe('a start', () => {
  it('waits for a database that is away, says so, and serves when it comes', async () => {
    const server: PrivateServer = await startMariadb();
    try {
      const connection = await mysql.createConnection(server.url);
      await connection.query('CREATE DATABASE late CHARACTER SET utf8mb4');
      await connection.end();
      server.kill();
      const service = await spawnProcess(`${server.url}/late`);
      expect(await status(`${service.url}/healthz`)).toBe(200);
      expect(await status(`${service.url}/readyz`)).toBe(503);
      const asked = await createRecorder().send(service.url, {
        path: '/api/products',
        body: { sku: 'A', name: 'A', quantity: 1 },
      });
      expect(asked).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
      expect(asked?.retryAfter).toBe('1');
      await eventually('it is in the log', () =>
        service.log.some(({ level, msg }) => level === 'warn' && /waiting for the data/.test(msg)),
      );
      await server.startAgain();
      await service.ready;
      expect(await status(`${service.url}/readyz`)).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it('survives a database that goes away in the middle of its migrations', async () => {
    const database = await createDatabase('mysql');
    const port = new URL(serverUrl()).port;
    const proxy = await startProxy(Number(port));
    try {
      let cuts = 0;
      proxy.judge = (sql) =>
        /^CREATE TABLE IF NOT EXISTS (rentals|commits)/.test(sql) && cuts++ < 2 ? 'reset' : 'pass';
      const service = await startProcess(database.url.replace(`:${port}`, `:${proxy.port}`));
      expect(cuts).toBeGreaterThanOrEqual(2);
      expect(await status(`${service.url}/readyz`)).toBe(200);
    } finally {
      killAll();
      await proxy.close();
      await database.drop();
    }
  });

  it.each(DATABASES)(
    'of three copies at once migrates an empty database once on %s',
    async (kind) => {
      const database = await createDatabase(kind);
      const copies = await Promise.all([1, 2, 3].map(() => startProcess(database.url)));
      const migrated = copies.flatMap(({ log }) => log.flatMap((line) => line['migrations'] ?? []));
      expect(migrated).toEqual([...new Set(migrated)].sort());
      expect(migrated).toHaveLength(readdirSync('migrations').length);
      const messages = copies.flatMap(({ log }) => log.map(({ msg }) => msg));
      const made = messages.filter((msg) => msg === 'the database was empty: a new one was made');
      expect(made).toHaveLength(1);
      for (const { url } of copies) expect(await status(`${url}/readyz`)).toBe(200);
      killAll();
      await database.drop();
    },
    30_000,
  );

  it('ends with a sentence where its file is no database, and leaves the file as it was', async () => {
    const database = await createDatabase('sqlite');
    const file = database.url.slice('sqlite:'.length);
    const content = 'somebody writes about something else here\n'.repeat(100);
    writeFileSync(file, content);
    const service = await spawnProcess(database.url);
    expect(await service.exited).toBe(1);
    expect(service.noise).toEqual([expect.stringContaining(`${file} is no SQLite database`)]);
    expect(readFileSync(file, 'utf8')).toBe(content);
    await database.drop();
  });

  it('ends with a sentence where another process has its port', async () => {
    const database = await createDatabase('sqlite');
    const first = await startProcess(database.url);
    const second = await spawnProcess(database.url, { PORT: new URL(first.url).port });
    expect(await second.exited).toBe(1);
    expect(second.log).toEqual([]);
    expect(second.noise).toEqual([expect.stringMatching(/^Something listens on port \d+ of /)]);
    killAll();
    await database.drop();
  });
});

describe.each(DATABASES)('a stop on %s', (kind) => {
  it('at SIGTERM under load is not ready first, answers all that it took, and exits with 0', async () => {
    const database = await createDatabase(kind);
    const recorder = createRecorder();
    const service = await startProcess(database.url, { SHUTDOWN_DELAY_SECONDS: '1' });
    const made = await recorder.send(service.url, {
      path: '/api/products',
      body: { sku: 'A', name: 'A', quantity: 100_000, publish: true },
    });
    const accepted: string[] = [];
    await underLoad(
      50,
      async () => {
        const answer = await recorder.send(service.url, {
          path: '/api/rentals',
          body: rentalOf(made?.body.id),
        });
        if (answer?.status === 201) accepted.push(answer.body.id);
        else await sleep(10);
      },
      async () => {
        await sleep(300);
        service.kill('SIGTERM');
        await eventually('not ready', async () => (await status(`${service.url}/readyz`)) === 503);
        const before = accepted.length;
        service.kill('SIGTERM');
        await sleep(300);
        expect(accepted.length).toBeGreaterThan(before);
        expect(await service.exited).toBe(0);
      },
    );
    // Whoever got no answer had its idle connection closed under it; nothing else is left open.
    expect(recorder.exchanges.filter(({ answer }) => (answer?.status ?? 0) >= 500)).toEqual([]);
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
    await database.drop();
  });

  it('at SIGINT does not wait for balancers', async () => {
    const database = await createDatabase(kind);
    const service = await startProcess(database.url, { SHUTDOWN_DELAY_SECONDS: '20' });
    const asked = performance.now();
    service.kill('SIGINT');
    expect(await service.exited).toBe(0);
    expect(performance.now() - asked).toBeLessThan(2_500);
    if (database.target.dialect === 'sqlite') {
      // All that was committed is in the one file, which can be copied then.
      const { file } = database.target;
      expect(readdirSync(dirname(file))).toEqual([basename(file)]);
    }
    await database.drop();
  });
});

describe('a rolling restart', () => {
  it('is seen by nobody who asks another copy when one is gone', async () => {
    const database = await createDatabase('mysql');
    const recorder = createRecorder();
    const settings = { SHUTDOWN_DELAY_SECONDS: '1', SHUTDOWN_GRACE_SECONDS: '5' };
    const copies = await Promise.all([1, 2].map(() => startProcess(database.url, settings)));
    const path = '/api/rentals';
    const made = await recorder.send(copies[0]?.url ?? '', {
      path: '/api/products',
      body: { sku: 'A', name: 'A', quantity: 100_000, publish: true },
    });
    let keys = 0;
    const unserved: unknown[] = [];
    await underLoad(
      20,
      async (client) => {
        const request = { path, body: rentalOf(made?.body.id), key: `key ${++keys}` };
        const first = await recorder.send(copies[client % 2]?.url ?? '', request);
        if (first?.status === 201) return;
        const second = await recorder.send(copies[(client + 1) % 2]?.url ?? '', request);
        if (second?.status !== 201) unserved.push([first, second]);
      },
      async () => {
        for (const i of [0, 1]) {
          await sleep(200);
          copies[i]?.kill('SIGTERM');
          expect(await copies[i]?.exited).toBe(0);
          copies[i] = await startProcess(database.url, settings);
        }
      },
    );
    expect(unserved).toEqual([]);
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
    killAll();
    await database.drop();
  });
});

describe('a stop that can not be finished', () => {
  it('answers what is left at the end of the grace, and exits with 1', async () => {
    const database = await createDatabase('mysql');
    const recorder = createRecorder();
    const service = await startProcess(database.url, {
      SHUTDOWN_GRACE_SECONDS: '2',
      BATCH_MAX: '1',
    });
    const made = await recorder.send(service.url, {
      path: '/api/products',
      body: { sku: 'A', name: 'A', quantity: 5, publish: true },
    });
    const holder = await mysql.createConnection(database.url);
    await holder.query('BEGIN');
    await holder.query(`SELECT 1 FROM products WHERE id = ${made?.body.id} FOR UPDATE`);
    const rentals = [1, 2, 3].map(() =>
      recorder.send(service.url, { path: '/api/rentals', body: rentalOf(made?.body.id) }),
    );
    await sleep(200);
    service.kill('SIGTERM');
    const answers = await Promise.all(rentals);
    expect(answers.map((answer) => answer?.status)).toEqual([503, 503, 503]);
    expect(answers[0]?.body.detail).toMatch(/not known/);
    expect(answers[2]?.body.detail).toMatch(/Nothing was done/);
    expect(await service.exited).toBe(1);
    await holder.end();
    expect(await check(database.url, recorder.exchanges)).toEqual([]);
    await database.drop();
  });
});
