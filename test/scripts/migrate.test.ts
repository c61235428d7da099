import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '../../scripts/lib/migrate.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

describe.each(DATABASES)('migrate on %s', (kind) => {
  let testDatabase: TestDatabase;

  beforeAll(async () => {
    testDatabase = await createDatabase(kind);
  });
  afterAll(() => testDatabase.drop());

  const run = (...argv: string[]) => runScript(migrate, argv, { DATABASE_URL: testDatabase.url });
  const states = async () => {
    const { output } = await run('status');
    return output.split('\n').map((line) => line.split(/\s+/)[0]);
  };

  it('goes up, down and up again, and says how things stand', async () => {
    if (testDatabase.target.dialect === 'sqlite') {
      // A path that was mistyped must not become a database by being looked at.
      const { file } = testDatabase.target;
      expect(await run('status')).toMatchObject({
        code: 1,
        said: [`There is no database at ${file}.`],
      });
      writeFileSync(file, '');
    }
    const before = await states();
    expect(new Set(before)).toEqual(new Set(['pending']));

    const up = await run();
    expect(up.code).toBe(0);
    expect(up.output.split('\n')).toHaveLength(before.length);
    expect(up.output).toMatch(/^run {2}0001-stores$/m);
    expect(new Set(await states())).toEqual(new Set(['run']));
    expect((await run('up')).output).toBe('The tables are up to date.');

    const one = await run('down');
    expect(one.output).toMatch(/^taken back {2}\S+$/);
    expect((await states()).filter((state) => state === 'pending')).toHaveLength(1);

    const rest = await run('down', '--steps', '1000');
    expect(rest.output.split('\n')).toHaveLength(before.length - 1);
    const nothing = await run('down');
    expect(nothing.code).toBe(1);
    expect(nothing.said).toEqual(['No migration has been run, so none can be taken back.']);

    expect((await run('up')).code).toBe(0);
    const service = await startService(testDatabase);
    const made = await service.client().post('/api/products', { sku: 'A', name: 'A', quantity: 1 });
    await service.stop();
    expect(made.status).toBe(201);
  });

  it('takes nothing back while the service runs, unless it is told to', async () => {
    const service = await startService(testDatabase);
    try {
      const early = await run('down');
      expect(early).toMatchObject({ code: 1, output: '' });
      expect(early.said.join()).toMatch(/^The service still runs on this database.*Nothing was/);
      expect(new Set(await states())).toEqual(new Set(['run']));

      const forced = await run('down', '--force');
      expect(forced.output).toMatch(/^taken back {2}\S+$/);
      expect((await states()).filter((state) => state === 'pending')).toHaveLength(1);
      expect((await run()).code).toBe(0);
    } finally {
      await service.stop();
    }
    expect((await run('down')).code).toBe(0);
    expect((await run('up', '--force')).code).toBe(2);
    expect((await run()).code).toBe(0);
  });

  it('lets two that run at once wait for each other', async () => {
    await run('down', '--steps', '1000');
    const runs = await Promise.all([run(), run()]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(runs.map(({ output }) => output)).toContain('The tables are up to date.');
  });
});
