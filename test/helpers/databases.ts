import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { type DatabaseTarget, parseDatabaseUrl } from '../../src/config.js';

/** The databases that a suite runs on, for `describe.each`. */
export const DATABASES = ['sqlite', 'mysql'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** An empty database of one's own. */
export interface TestDatabase {
  readonly kind: DatabaseKind;
  /** a DATABASE_URL */
  readonly url: string;
  readonly target: DatabaseTarget;
  drop(): Promise<void>;
}

export async function createDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  return kind === 'sqlite' ? createFile() : createOnServer();
}

/** The server of this test run, with the rights to make databases: `mysql://user@host:port`. */
export function serverUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with npm test');
  return url.replace(/\/$/, '');
}

async function createFile(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'availability-test-'));
  const url = `sqlite:${join(folder, 'test.sqlite')}`;
  return {
    kind: 'sqlite',
    url,
    target: parseDatabaseUrl(url),
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function createOnServer(): Promise<TestDatabase> {
  const name = `t_${process.pid}_${randomBytes(6).toString('hex')}`;
  const run = async (sql: string) => {
    const connection = await mysql.createConnection(serverUrl());
    await connection.query(sql).finally(() => connection.end());
  };
  await run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  const url = `${serverUrl()}/${name}`;
  return {
    kind: 'mysql',
    url,
    target: parseDatabaseUrl(url),
    drop: () => run(`DROP DATABASE ${name}`),
  };
}
