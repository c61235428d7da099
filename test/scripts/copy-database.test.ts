import { describe, expect, it } from '@jest/globals';
import { copyDatabaseScript } from '../../scripts/lib/copy-database.js';
import { createDatabase } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

const ROUTES = [
  ['sqlite', 'mysql'],
  ['mysql', 'sqlite'],
] as const;

describe.each(ROUTES)('npm run copy-database from %s to %s', (fromKind, toKind) => {
  it('moves to a new database when the service is stopped, and to no other', async () => {
    const source = await createDatabase(fromKind);
    const target = await createDatabase(toKind);
    const argv = ['--from', source.url, '--to', target.url];
    const service = await startService(source);
    await service.client().post('/api/products', { sku: 'A', name: 'A', quantity: 3 });

    const early = await runScript(copyDatabaseScript, argv);
    expect(early).toMatchObject({ code: 1, output: '' });
    expect(early.said.join()).toMatch(/^The service still runs on the old database.*Nothing was/);

    await service.stop();
    const first = await runScript(copyDatabaseScript, argv);
    expect(first).toMatchObject({ code: 0, said: [] });
    expect(first.databases).toEqual([
      expect.stringMatching(/^Database: /),
      expect.stringMatching(/^New database: /),
    ]);
    expect(first.output).toMatch(/^ +1 {2}products\n[\s\S]*All rows are there\.$/m);
    const second = await runScript(copyDatabaseScript, argv);
    expect(second.code).toBe(1);
    expect(second.said.join()).toContain('The target is not empty');
    await source.drop();
    await target.drop();
  });
});

describe('npm run copy-database', () => {
  it('needs a target that it understands', async () => {
    expect((await runScript(copyDatabaseScript, [])).code).toBe(2);
    expect((await runScript(copyDatabaseScript, ['--to', 'nonsense'])).code).toBe(2);
  });
});
