import type { Script, Terminal } from '../../scripts/lib/script.js';

/** What a script left behind. */
export interface ScriptRun {
  readonly code: number;
  /** standard output, without the last line's end */
  readonly output: string;
  /** lines of standard error that say which databases it works on */
  readonly databases: readonly string[];
  /** the other lines of standard error */
  readonly said: readonly string[];
}

/** Runs a script in this process, as `npm run` would with these settings in its environment. */
export async function runScript(
  script: Script,
  argv: readonly string[],
  environment: Terminal['environment'] = {},
): Promise<ScriptRun> {
  const printed: string[] = [];
  const said: string[] = [];
  const code = await script(argv, {
    environment,
    print: (text) => void printed.push(text),
    say: (text) => void said.push(...text.split('\n')),
    bars: null,
  });
  const isDatabase = (line: string) => /^(Database|New database): /.test(line);
  return {
    code,
    output: printed.join('\n'),
    databases: said.filter(isDatabase),
    said: said.filter((line) => !isDatabase(line)),
  };
}
