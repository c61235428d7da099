import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/system-error.js';
import { ScriptError } from '../lib/script.js';
import { endWithThisProcess, temporaryFolder } from './left-behind.js';
import { ROOT } from './root.js';

/** What is sent, to whom, how long. Products are drawn at random from 1 to `products`. */
export interface Load {
  readonly url: string;
  readonly token: string;
  readonly request: 'rent' | 'availability';
  readonly products: number;
  readonly connections: number;
  readonly seconds: number;
  /** begins each request's `Idempotency-Key`; null: none is sent */
  readonly keyPrefix: string | null;
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

/** A request for each product is made up beforehand; where keys are sent, the key is put into it. */
function luaScript(load: Load): string {
  return `
local prefix = '${load.keyPrefix ?? ''}'
local heads, tails, sent = {}, {}, 0

init = function()
  math.randomseed(os.time())
  local headers = { ['Authorization'] = 'Bearer ${load.token}' }
  if prefix ~= '' then headers['Idempotency-Key'] = '@' end
  for id = 1, ${load.products} do
    local request
    if '${load.request}' == 'rent' then
      headers['Content-Type'] = 'application/json'
      request = wrk.format('POST', '/api/rentals', headers,
        '{"product_id":' .. id .. ',"user_id":"bench"}')
    else
      request = wrk.format('GET', '/api/products/' .. id .. '/availability', headers)
    end
    local at = prefix ~= '' and string.find(request, '@', 1, true) or #request + 1
    heads[id] = string.sub(request, 1, at - 1)
    tails[id] = string.sub(request, at + 1)
  end
end

request = function()
  local id = math.random(${load.products})
  if prefix == '' then return heads[id] end
  sent = sent + 1
  return heads[id] .. prefix .. sent .. tails[id]
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
