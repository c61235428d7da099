import { type App, createApp } from '../../src/app.js';
import { type Config, readConfig } from '../../src/config.js';
import type { Role } from '../../src/domain/api-key.js';
import { createLogger } from '../../src/log.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { signToken } from '../../src/tokens.js';
import { assertConforms } from './conformance.js';
import { createDatabase, type DatabaseKind, type TestDatabase } from './databases.js';

export const SECRET = 'a secret of tests, of thirty-two bytes or more';

/** The service, running in this process on a database of its own, and a way to speak to it. */
export interface Service {
  readonly app: App;
  readonly url: string;
  readonly testDatabase: TestDatabase;
  /** a connection beside the service's, for looking at rows and spoiling them */
  readonly rows: Database;
  /** A client that is signed in; by default as an admin of store 1. */
  client(who?: Partial<Who>): Client;
  stop(): Promise<void>;
}

export interface Who {
  readonly sub: string;
  readonly role: Role;
  readonly storeId: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** the parsed body, undefined where there was none */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare bodies of any shape
  readonly body: any;
}

export interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  head(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  patch(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Settings of a test: the service's own defaults, a free port, and what the test says. */
export function testConfig(settings: Record<string, string>): Config {
  return readConfig({ PORT: '0', JWT_SECRET: SECRET, LOG_LEVEL: 'silent', ...settings });
}

/** Starts the service on a new database, or on one that is given (and then not dropped). */
export async function startService(
  on: DatabaseKind | TestDatabase,
  settings: Record<string, string> = {},
): Promise<Service> {
  const isOwn = typeof on === 'string';
  const testDatabase = isOwn ? await createDatabase(on) : on;
  const config = testConfig({ DATABASE_URL: testDatabase.url, ...settings });
  const log = createLogger(config.logLevel);
  const app = createApp(config, { log, secret: config.jwtSecret });
  await app.start();
  const rows = openDatabase(testDatabase.target, { poolMax: 4, queryTimeoutMs: 10_000 });
  const { url } = app;
  return {
    app,
    url,
    testDatabase,
    rows,
    client: (who) => clientOf(url, () => tokenFor(who)),
    async stop() {
      await app.stop();
      await rows.close();
      if (isOwn) await testDatabase.drop();
    },
  };
}

/** A token as the service of a test takes it. */
export function tokenFor(who: Partial<Who> = {}, lifetimeSeconds = 3600): Promise<string> {
  return signToken(SECRET, {
    sub: 'admin',
    role: 'admin',
    storeId: 1,
    issuer: null,
    audience: null,
    lifetimeSeconds,
    ...who,
  });
}

/**
 * A client of a service that listens somewhere, perhaps in another process. Throws where an answer
 * is not what the API's description promises.
 */
export function clientOf(url: string, getToken: () => Promise<string>): Client {
  let token: Promise<string> | undefined;
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    token ??= getToken();
    const hasBody = body !== undefined;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${await token}`,
        ...(hasBody ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : isJson ? JSON.parse(text) : text,
    };
    if (method !== 'HEAD') assertConforms(method, path, answer);
    return answer;
  };
  return {
    get: (path, headers) => send('GET', path, undefined, headers),
    head: (path, headers) => send('HEAD', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    patch: (path, body, headers) => send('PATCH', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    delete: (path, body, headers) => send('DELETE', path, body, headers),
  };
}
