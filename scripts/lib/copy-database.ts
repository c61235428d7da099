import { type DatabaseTarget, parseDatabaseUrl, readConfig } from '../../src/config.js';
import { CopyError, copyDatabase } from '../../src/persistence/copy.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { sayDatabase } from './name-database.js';
import { countingProgress } from './progress.js';
import { requireDatabase } from './require-database.js';
import { requireNoService } from './require-no-service.js';
import { ScriptError, script, type Terminal, UsageError } from './script.js';

/** `npm run copy-database`: all rows of one database into another, to move. */
export const copyDatabaseScript = script({
  help: `
Copies every row from one database into another, which has to be new: its tables are made first.
Ids, keys and tokens stay what they are. The old one is not changed.

Stop the service before (all copies of it; where one still runs nothing is copied), and point
DATABASE_URL at the new database after.

  npm run copy-database -- --to mysql://user:password@host:3306/availability
  npm run copy-database -- --from sqlite:./data/availability.sqlite --to mysql://…

Without --from it is the database that DATABASE_URL names.
Exits with 0 when all rows are there, 1 when it failed, 2 when the command line can not be understood.
`,
  options: { from: { type: 'string' }, to: { type: 'string' } },
  positionalsMax: 0,
  async run({ values }, terminal) {
    if (values.to === undefined) throw new UsageError('--to is needed: the new database.');
    const config = readConfig(terminal.environment);
    const source = values.from === undefined ? config.database : targetOf(values.from, '--from');
    const target = targetOf(values.to, '--to');
    requireDatabase(source);
    sayDatabase(terminal, source);
    sayDatabase(terminal, target, 'New database');
    const options = { poolMax: 2, queryTimeoutMs: config.queryTimeoutSeconds * 1000 };
    const from = openDatabase(source, options);
    const to = openDatabase(target, options);
    try {
      await requireUpToDate(from, source);
      const name = 'the old database';
      await requireNoService(from, { name, consequence: 'Nothing was copied.' });
      await to.select('SELECT 1');
      await createMigrator(to, target).up();
      await copy(from, to, terminal);
      // One that was started meanwhile may have changed what had been copied.
      await requireNoService(from, {
        name,
        consequence: 'The copy may lack what it wrote: empty the target, copy again.',
      });
      terminal.print('All rows are there.');
    } finally {
      await from.close();
      await to.close();
    }
  },
});

function targetOf(url: string, option: string): DatabaseTarget {
  try {
    return parseDatabaseUrl(url);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${option} ${error.message}.`);
  }
}

/** The old database is not changed, not even by a migration. */
async function requireUpToDate(database: Database, target: DatabaseTarget): Promise<void> {
  await database.select('SELECT 1');
  const { pending } = await createMigrator(database, target).status();
  if (pending.length > 0) {
    throw new ScriptError(
      'The old database is not up to date. Run npm run migrate on it first, then copy.',
    );
  }
}

async function copy(from: Database, to: Database, terminal: Terminal): Promise<void> {
  const progress = countingProgress(terminal, (rows) => `${rows} rows copied`);
  const copied = new Map<string, number>();
  try {
    await copyDatabase(from, to, (table, rows) => {
      copied.set(table, rows);
      progress.show([...copied.values()].reduce((total, some) => total + some, 0));
    });
  } catch (error) {
    if (error instanceof CopyError) throw new ScriptError(error.message);
    throw error;
  } finally {
    progress.stop();
  }
  for (const [table, rows] of copied) terminal.print(`${String(rows).padStart(9)}  ${table}`);
}
