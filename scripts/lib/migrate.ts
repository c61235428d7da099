import { readConfig } from '../../src/config.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator, type Migrator } from '../../src/persistence/migrations.js';
import { sayDatabase } from './name-database.js';
import { requireDatabase } from './require-database.js';
import { requireNoService } from './require-no-service.js';
import { oneOf, ScriptError, script, type Terminal, UsageError, wholeNumber } from './script.js';

const ACTIONS = ['up', 'down', 'status'] as const;
const STEPS_MAX = 1_000;

/** `npm run migrate`: the tables forward, back, or how they stand. */
export const migrate = script({
  help: `
Brings the tables of the database that DATABASE_URL names up to date, or takes migrations back.
The service does the first by itself when it starts.

  npm run migrate                     runs what has not been run yet (the same as "up")
  npm run migrate -- down             takes the last migration back, with the rows of its tables
  npm run migrate -- down --steps 3   the last three
  npm run migrate -- status           lists what has been run and what has not

Stop the service before taking migrations back (all copies of it): it looks at its tables when it
starts. Where one still runs none is taken back, unless you say so:

  npm run migrate -- down --force     all the same

While another process migrates the same database, this one waits for it.
Exits with 0 when it is done, 1 when it failed, 2 when the command line can not be understood.
`,
  options: { steps: { type: 'string' }, force: { type: 'boolean', default: false } },
  positionalsMax: 1,
  async run({ values, positionals }, terminal) {
    const action = oneOf(positionals[0] ?? 'up', ACTIONS, 'The action');
    if (values.steps !== undefined && action !== 'down') {
      throw new UsageError('--steps goes with "down" only.');
    }
    if (values.force && action !== 'down') throw new UsageError('--force goes with "down" only.');
    const steps = wholeNumber(values.steps ?? '1', { option: '--steps', min: 1, max: STEPS_MAX });
    const config = readConfig(terminal.environment);
    if (action !== 'up') requireDatabase(config.database);
    sayDatabase(terminal, config.database);
    const database = openDatabase(config.database, {
      poolMax: 2,
      queryTimeoutMs: config.queryTimeoutSeconds * 1000,
    });
    try {
      // Asked first, so that a database that is away is told in one sentence.
      await database.select('SELECT 1');
      const migrator = createMigrator(database, config.database);
      if (action === 'down' && !values.force) await requireStopped(database, migrator);
      if (action === 'status') await printStatus(migrator, terminal);
      else await move(migrator, action === 'up' ? 'up' : steps, terminal);
    } finally {
      await database.close();
    }
  },
});

const LEASES_MIGRATION = '0008-job-leases';

async function requireStopped(database: Database, migrator: Migrator): Promise<void> {
  const { executed } = await migrator.status();
  // No service is ready on a database that has no table for its leases.
  if (!executed.includes(LEASES_MIGRATION)) return;
  await requireNoService(database, {
    name: 'this database',
    consequence: 'Nothing was taken back (--force does so all the same).',
  });
}

async function move(migrator: Migrator, way: 'up' | number, terminal: Terminal): Promise<void> {
  const { run } = way === 'up' ? await migrator.up() : await migrator.down(way);
  for (const name of run) terminal.print(`${way === 'up' ? 'run' : 'taken back'}  ${name}`);
  if (run.length > 0) return;
  if (way !== 'up') throw new ScriptError('No migration has been run, so none can be taken back.');
  terminal.print('The tables are up to date.');
}

async function printStatus(migrator: Migrator, terminal: Terminal): Promise<void> {
  const { executed, pending } = await migrator.status();
  for (const name of executed) terminal.print(`run      ${name}`);
  for (const name of pending) terminal.print(`pending  ${name}`);
}
