import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupReservations } from '../../scripts/lib/cleanup-reservations.js';
import { copyDatabaseScript } from '../../scripts/lib/copy-database.js';
import { createApiKey } from '../../scripts/lib/create-api-key.js';
import { createToken } from '../../scripts/lib/create-token.js';
import { importProducts } from '../../scripts/lib/import-products.js';
import { migrate } from '../../scripts/lib/migrate.js';
import { replayScript } from '../../scripts/lib/replay-script.js';
import type { Script } from '../../scripts/lib/script.js';
import { syncQuantities } from '../../scripts/lib/sync-quantities.js';
import { runScript } from '../helpers/terminal.js';

const SCRIPTS: [string, Script][] = [
  ['migrate', migrate],
  ['create-api-key', createApiKey],
  ['create-token', createToken],
  ['import-products', importProducts],
  ['replay', replayScript],
  ['cleanup-reservations', cleanupReservations],
];

describe('the command lines of scripts', () => {
  let folder: string;
  let environment: Record<string, string>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'availability-scripts-'));
    environment = { DATABASE_URL: `sqlite:${join(folder, 'test.sqlite')}` };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(SCRIPTS)('explain %s, whatever else is said', async (name, script) => {
    const { code, output, said } = await runScript(script, ['what', '--help', '--ever']);
    expect({ code, said }).toEqual({ code: 0, said: [] });
    expect(output).toContain(
      `npm run ${name === 'create-token' || name === 'create-api-key' ? '-s ' : ''}${name}`,
    );
    expect(output).toContain('Exits with 0');
  });

  it.each(SCRIPTS)('end %s with 2 where an option is not known', async (_name, script) => {
    const { code, output, said } = await runScript(script, ['--nonsense'], environment);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(said[0]).toContain('--nonsense');
    expect(said.at(-1)).toBe('Try it with --help.');
  });

  it.each<[string, Script, string[], string]>([
    ['migrate', migrate, ['sideways'], 'The action must be one of up, down, status.'],
    ['migrate', migrate, ['up', '--steps', '1'], '--steps goes with "down" only.'],
    [
      'migrate',
      migrate,
      ['down', '--steps', '0'],
      '--steps must be a whole number from 1 to 1000.',
    ],
    ['migrate', migrate, ['up', 'down'], '"down" is one argument too many.'],
    [
      'create-token',
      createToken,
      ['--role', 'king'],
      '--role must be one of admin, reseller, customer, service.',
    ],
    [
      'create-token',
      createToken,
      ['--store', '0'],
      '--store must be a whole number from 1 to 9007199254740991.',
    ],
    ['create-token', createToken, ['--hours', '-1'], "Option '--hours' argument is ambiguous."],
    [
      'create-token',
      createToken,
      ['--hours', '0'],
      "--hours must be a number from one second's worth to 87600.",
    ],
    [
      'create-token',
      createToken,
      ['--sub', ' me'],
      '--sub must be 1 to 200 characters of one trimmed line.',
    ],
    ['create-api-key', createApiKey, [], '--name is needed.'],
    [
      'create-api-key',
      createApiKey,
      ['--name', ''],
      '--name must be 1 to 100 characters of one trimmed line.',
    ],
    ['import-products', importProducts, [], 'Which file? Name a CSV file.'],
    ['replay', replayScript, [], 'Which folder? Name one, like samples/sakila.'],
    ['replay', replayScript, ['x', '--url', 'http://x'], '--url and --token go together.'],
    [
      'replay',
      replayScript,
      ['x', '--url', 'x', '--token', 'y'],
      '--url must be like http://127.0.0.1:3000.',
    ],
    [
      'replay',
      replayScript,
      ['x', '--concurrency', 'x'],
      '--concurrency must be a whole number from 1 to 1000.',
    ],
  ])('end %s with 2 and a sentence: %#', async (_name, script, argv, sentence) => {
    const { code, said } = await runScript(script, argv, environment);
    expect(code).toBe(2);
    expect(said[0]).toBe(sentence);
  });

  it('end with 1 where a setting is wrong, and name it', async () => {
    const { code, said } = await runScript(createToken, [], { PORT: 'x' });
    expect(code).toBe(1);
    expect(said[1]).toBe('PORT must be a whole number from 0 to 65535.');
  });

  it.each<[string, Script, string[]]>([
    ['migrate', migrate, []],
    ['cleanup-reservations', cleanupReservations, []],
    ['create-api-key', createApiKey, ['--name', 'x']],
    ['import-products', importProducts, ['samples/sakila/products.csv']],
    ['replay', replayScript, ['samples/sakila', '--database']],
  ])('end %s with 1 and a sentence where the database is away', async (_name, script, argv) => {
    const { code, said } = await runScript(script, argv, {
      DATABASE_URL: 'mysql://root@127.0.0.1:1/nowhere',
    });
    expect(code).toBe(1);
    expect(said.at(-1)).toMatch(/^The database gave an error: connect ECONNREFUSED/);
  });

  it.each<[string, Script, string[]]>([
    ['migrate', migrate, []],
    ['sync-quantities', syncQuantities, []],
    ['cleanup-reservations', cleanupReservations, []],
    ['copy-database', copyDatabaseScript, ['--to', 'mariadb://other:secret@127.0.0.1:1/new']],
    ['create-api-key', createApiKey, ['--name', 'x']],
    ['import-products', importProducts, ['samples/sakila/products.csv']],
  ])('have %s say which database it works on, and no password', async (name, script, argv) => {
    const { databases, said } = await runScript(script, argv, {
      DATABASE_URL: 'mysql://shop:secret@127.0.0.1:1/nowhere?password=secret',
    });
    expect(databases[0]).toBe('Database: mysql://shop@127.0.0.1:1/nowhere');
    expect(databases.slice(1)).toEqual(
      name === 'copy-database' ? ['New database: mysql://other@127.0.0.1:1/new'] : [],
    );
    expect(said.join()).not.toContain('secret');
  });

  it('end with 1 where a file is not there', async () => {
    const missing = await runScript(importProducts, ['nowhere.csv'], environment);
    expect(missing.code).toBe(1);
    expect(missing.said[0]).toMatch(/^The file can not be read: ENOENT/);
    const replayed = await runScript(replayScript, ['nowhere'], environment);
    expect(replayed.code).toBe(1);
    expect(replayed.said[0]).toMatch(/^products.csv can not be read: ENOENT/);
  });
});
