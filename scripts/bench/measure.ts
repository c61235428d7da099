import { join } from 'node:path';
import { messageOf } from '../../src/system-error.js';
import { ScriptError } from '../lib/script.js';
import type { BenchDatabase, BenchDatabases } from './databases.js';
import type { Generator, LoadResult } from './generator.js';
import { checkLaw } from './law.js';
import { cartsToPrepare, REQUESTS, type RequestName } from './requests.js';
import type { ProgramName, Scenario, ServerName } from './scenarios.js';
import { lastLines } from './server-log.js';
import { benchToken, type RunningServer, startServer } from './servers.js';

/** What all measurements share. */
export interface Bench {
  readonly databases: BenchDatabases;
  readonly generator: Generator;
  /** where the servers' logs go */
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  /** before the first round, for each server */
  readonly warmUpSeconds: number;
  /** node's own arguments for this service */
  readonly nodeFlags: readonly string[];
  say(text: string): void;
}

/** One round of one server. */
export interface Round extends LoadResult {
  /** processor time of the server for each request, in µs; null where it can't be told */
  readonly cpuUs: number | null;
}

/** One server in one scenario. */
export interface Figures {
  readonly rounds: readonly Round[];
  /** RSS in MB, after the last round and at most */
  readonly memoryMb: { readonly end: number; readonly peak: number };
}

export type ScenarioFigures = Readonly<Partial<Record<ServerName, Figures>>>;

/** A server with a database of its own. */
export interface Contender {
  readonly name: ProgramName;
  readonly server: RunningServer;
  readonly database: BenchDatabase;
  /** Sends load and keeps count of what was answered. */
  send(load: Partial<Scenario> & { seconds: number }): Promise<Round>;
  /** Checks the law in the tables, stops the server and drops its database. */
  end(): Promise<void>;
}

/**
 * Runs a scenario: every server starts on new tables and is warmed up; then they take turns, round
 * by round, so that whatever else the machine does meanwhile hits all of them alike. The reference
 * is a turn of the service's own process: two processes of one program differ by a tenth.
 */
export async function measure(bench: Bench, scenario: Scenario): Promise<ScenarioFigures> {
  const contenders = new Map<ProgramName, Contender>();
  const turns: { name: ServerName; contender: Contender; request: RequestName }[] = [];
  const results = new Map<ServerName, Round[]>();
  try {
    for (const name of scenario.servers) {
      const program = programOf(name);
      const contender = contenders.get(program) ?? (await enter(bench, program, scenario));
      contenders.set(program, contender);
      turns.push({ name, contender, request: requestOf(scenario, name) });
    }
    if (bench.warmUpSeconds > 0) {
      const seconds = bench.warmUpSeconds;
      for (const { contender, request } of turns) await contender.send({ request, seconds });
    }
    for (let round = 1; round <= bench.rounds; round++) {
      for (const { name, contender, request } of turns) {
        const result = await contender.send({ request, seconds: bench.seconds });
        results.set(name, [...(results.get(name) ?? []), result]);
        const rate = `${Math.round(result.requestsPerSecond)} requests/s`;
        bench.say(`${scenario.name}, round ${round}, ${name}: ${rate}`);
      }
    }
    const figures = turns.map(({ name, contender: { server } }) => [
      name,
      {
        rounds: results.get(name) ?? [],
        memoryMb: { end: server.memory.now(), peak: server.memory.peak },
      },
    ]);
    for (const contender of contenders.values()) await contender.end();
    return Object.fromEntries(figures);
  } finally {
    await Promise.all([...contenders.values()].map(({ server }) => server.stop()));
  }
}

const programOf = (name: ServerName): ProgramName => (name === 'reference' ? 'service' : name);

const requestOf = ({ request, reference }: Scenario, name: ServerName): RequestName =>
  name === 'reference' ? (reference ?? request) : request;

/** Starts a server on new tables; `settings` are this service's, where not its defaults. */
export async function enter(
  bench: Bench,
  name: ProgramName,
  scenario: Scenario,
  settings: Readonly<Record<string, string>> = {},
) {
  const { generator } = bench;
  const database = await bench.databases.create(`${scenario.name}-${name}`, scenario.products);
  const logFile = join(bench.folder, `${bench.databases.kind}-${scenario.name}-${name}.log`);
  const { nodeFlags } = bench;
  const databaseUrl = database.url;
  const server = await startServer(name, { databaseUrl, logFile, nodeFlags, settings });
  const token = await benchToken();
  const answered = { rentals: 0, holds: 0 };
  let sendings = 0;
  /** What went wrong is in the server's log, which is deleted when all is over. */
  const withLog = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      const log = `The server "${name}" wrote at last:\n${lastLines(logFile)}`;
      throw new ScriptError(`${messageOf(error)}\n${log}`, { cause: error });
    });

  const contender: Contender = {
    name,
    server,
    database,
    async send(changes) {
      const all = { ...scenario, ...changes };
      const { request, products, connections, withKeys, seconds } = all;
      const prefix = `${scenario.name}-${sendings++}-`;
      const { url } = server;
      const before = server.cpuSeconds();
      const load = { url, token, request, products, connections, seconds, prefix, withKeys };
      const result = await withLog(generator(load));
      answered.rentals += result.answered * REQUESTS[request].makes.rentals;
      answered.holds += result.answered * REQUESTS[request].makes.holds;
      const after = server.cpuSeconds();
      const isKnown = before !== null && after !== null;
      return { ...result, cpuUs: isKnown ? ((after - before) * 1e6) / result.answered : null };
    },
    async end() {
      await server.stop();
      if (name !== 'bare') await withLog(checkLaw(database.url, answered));
      await database.drop();
    },
  };
  if (scenario.withCarts) await withLog(prepareCarts(server.url, token, scenario.products));
  return contender;
}

const CARTS_AT_ONCE = 20;

async function prepareCarts(url: string, token: string, products: number): Promise<void> {
  const requests = cartsToPrepare(products).values();
  await Promise.all(
    Array.from({ length: CARTS_AT_ONCE }, async () => {
      for (const { method, path, body } of requests) {
        const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
        const answer = await fetch(`${url}${path}`, { method, headers, body });
        await answer.arrayBuffer();
        if (!answer.ok) throw new ScriptError(`A cart was answered with ${answer.status}.`);
      }
    }),
  );
}
