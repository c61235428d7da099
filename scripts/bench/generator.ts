import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/system-error.js';
import { ScriptError } from '../lib/script.js';
import { endWithThisProcess, temporaryFolder } from './left-behind.js';
import { type RequestName, requestsOf, UNIQUE } from './requests.js';
import { ROOT } from './root.js';

/** What is sent, to whom, how long. Products are drawn at random from 1 to `products`. */
export interface Load {
  readonly url: string;
  readonly token: string;
  readonly request: RequestName;
  readonly products: number;
  readonly connections: number;
  readonly seconds: number;
  /** begins what each request has for itself: its `Idempotency-Key`, the name of a new cart */
  readonly prefix: string;
  readonly withKeys: boolean;
}

/** What came back. */
export interface LoadResult {
  /** answers of 2xx */
  readonly answered: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends load from another process. Throws a ScriptError where an answer was not 2xx. */
export type Generator = (load: Load) => Promise<LoadResult>;

/** What a generator's process prints, as JSON on its last line. */
interface Printed {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

const execute = promisify(execFile);

function run(command: string, args: readonly string[]): Promise<{ stdout: string }> {
  const result = execute(command, args);
  endWithThisProcess(result.child);
  return result;
}

/** wrk where it is installed, else autocannon, each in a process of its own. */
export async function findGenerator(): Promise<{ title: string; generator: Generator }> {
  // wrk prints its version and ends with 1.
  const hasWrk = await run('wrk', ['-v']).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  return hasWrk
    ? { title: 'wrk', generator: checked(withWrk) }
    : { title: 'autocannon', generator: checked(withAutocannon) };
}

function checked(send: (load: Load) => Promise<Printed>): Generator {
  return async (load) => {
    const { requests, seconds, p50Ms, p99Ms, failed } = await send(load).catch((error) => {
      throw new ScriptError(`The load generator failed: ${messageOf(error)}`, { cause: error });
    });
    if (failed > 0 || requests === 0) {
      throw new ScriptError(`${failed} of ${requests} requests to ${load.url} failed.`);
    }
    return { answered: requests, requestsPerSecond: requests / seconds, p50Ms, p99Ms };
  };
}

async function withWrk(load: Load): Promise<Printed> {
  const folder = temporaryFolder(tmpdir(), 'availability-wrk-');
  try {
    const script = join(folder.path, 'load.lua');
    writeFileSync(script, luaScript(load));
    // One thread is enough: it sends several times what Koa can answer.
    const { stdout } = await run('wrk', [
      ...['-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`],
      ...['--timeout', '30s', '-s', script, load.url],
    ]);
    return lastLine(stdout);
  } finally {
    folder.remove();
  }
}

async function withAutocannon(load: Load): Promise<Printed> {
  const entry = join(ROOT, 'dist/scripts/bench/autocannon-process.js');
  const { stdout } = await run(process.execPath, [entry, JSON.stringify(load)]);
  return lastLine(stdout);
}

function lastLine(output: string): Printed {
  // Printed by the Lua script below or by autocannon-process.ts, and by nothing else.
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Printed;
}

/** All requests are made up beforehand; what each has for itself is put between their parts. */
function luaScript(load: Load): string {
  const quoted = (text: string | null) => (text === null ? 'nil' : JSON.stringify(text));
  const requests = requestsOf(load).map(
    ({ method, path, body }) => `{ ${quoted(method)}, ${quoted(path)}, ${quoted(body)} }`,
  );
  return `
local unique = '${UNIQUE}'
local requests, sent = { ${requests.join(',\n')} }, 0

init = function()
  math.randomseed(os.time())
  for i, request in ipairs(requests) do
    local headers = { ['Authorization'] = 'Bearer ${load.token}' }
    if ${load.withKeys} then headers['Idempotency-Key'] = '${load.prefix}' .. unique end
    if request[3] then headers['Content-Type'] = 'application/json' end
    local text, parts, from = wrk.format(request[1], request[2], headers, request[3]), {}, 1
    while true do
      local at = string.find(text, unique, from, true)
      parts[#parts + 1] = string.sub(text, from, at and at - 1)
      if not at then break end
      from = at + #unique
    end
    requests[i] = parts
  end
end

request = function()
  local parts = requests[math.random(#requests)]
  if #parts == 1 then return parts[1] end
  sent = sent + 1
  return table.concat(parts, string.format('%0${UNIQUE.length}d', sent))
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"failed":%d}\\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status + e.connect + e.read + e.write + e.timeout))
end
`;
}
