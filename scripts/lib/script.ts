import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Unavailable } from '../../src/actors/unavailable.js';
import { ConfigError } from '../../src/config.js';
import { DatabaseFault } from '../../src/persistence/faults.js';
import { messageOf } from '../../src/system-error.js';

/** What a script touches of the process that runs it; a test gives its own. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The result, on standard output. */
  print(text: string): void;
  /** Everything else, on standard error. */
  say(text: string): void;
  /** where a progress bar may be drawn; null where nobody is looking */
  readonly bars: NodeJS.WritableStream | null;
}

export const processTerminal: Terminal = {
  environment: process.env,
  print: (text) => void process.stdout.write(`${text}\n`),
  say: (text) => void process.stderr.write(`${text}\n`),
  bars: process.stderr.isTTY ? process.stderr : null,
};

/** The command line can't be understood; the message is a sentence that says why. */
export class UsageError extends Error {}

/** The script can't do what it was asked; the message is for whoever ran it. */
export class ScriptError extends Error {}

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

type Options = NonNullable<ParseArgsConfig['options']>;
type Arguments<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true }>
>;

export interface ScriptSpec<O extends Options> {
  /** what `--help` prints */
  readonly help: string;
  readonly options: O;
  /** arguments that are no option, at most */
  readonly positionalsMax: number;
  /** the exit code for a command line that can't be understood, where 2 means something else */
  readonly usageCode?: number;
  /**
   * Does the work, and may return an exit code of its own. Throws UsageError, ScriptError,
   * ConfigError or DatabaseFault where it can't.
   */
  run(args: Arguments<O>, terminal: Terminal): Promise<number | undefined>;
}

/** Runs a script with the arguments given and returns its exit code. Never throws. */
export type Script = (argv: readonly string[], terminal: Terminal) => Promise<number>;

/**
 * Declares a script. It exits with 0 when it did its work, with 1 when it could not, and with 2
 * when its command line can't be understood.
 */
export function script<const O extends Options>(spec: ScriptSpec<O>): Script {
  return async (argv, terminal) => {
    if (asksForHelp(argv)) {
      terminal.print(spec.help.trim());
      return EXIT.ok;
    }
    try {
      return (await spec.run(argumentsOf(spec, argv), terminal)) ?? EXIT.ok;
    } catch (error) {
      terminal.say(sentenceOf(error));
      return error instanceof UsageError ? (spec.usageCode ?? EXIT.usage) : EXIT.failed;
    }
  };
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

function argumentsOf<O extends Options>(spec: ScriptSpec<O>, argv: readonly string[]) {
  let args: Arguments<O>;
  try {
    args = parseArgs({ args: [...argv], options: spec.options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  const tooMany = args.positionals[spec.positionalsMax];
  if (tooMany !== undefined) throw new UsageError(`"${tooMany}" is one argument too many.`);
  return args;
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\nTry it with --help.`;
  if (error instanceof ScriptError) return error.message;
  if (error instanceof ConfigError) return `These settings can not be used:\n${error.message}`;
  if (error instanceof DatabaseFault) return `The database gave an error: ${error.message}`;
  if (error instanceof Unavailable) {
    return error.reason === 'outcome_unknown'
      ? 'The connection was lost during the commit, so nobody knows whether it was done: look first, then run it again.'
      : `The database could not be written to: ${error.message}. Nothing was done.`;
  }
  // A file or folder that may not be touched: the system's own sentence names it.
  if (typeof error === 'object' && error !== null && 'syscall' in error) return messageOf(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Reads a whole number of an option. Throws a UsageError that names the option and the range. */
export function wholeNumber(
  text: string,
  { option, min, max }: { option: string; min: number; max: number },
): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${option} must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** Reads `--store`: the tenant's number. Throws a UsageError. */
export function storeNumber(text: string): number {
  return wholeNumber(text, { option: '--store', min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** Reads one of several words. Throws a UsageError that lists them. */
export function oneOf<T extends string>(text: string, choices: readonly T[], what: string): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new UsageError(`${what} must be one of ${choices.join(', ')}.`);
  return choice;
}
