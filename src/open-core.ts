import { assembleCore } from './assemble-core.js';
import { systemClock } from './clock.js';
import type { Config } from './config.js';
import type { Core } from './core.js';
import type { Logger } from './log.js';
import { createMigrator } from './persistence/migrations.js';

/** The core by itself, for scripts and for an application in the same process: no port, no jobs. */
export interface OpenCore {
  readonly core: Core;
  /** Makes the store where nobody named it before. Throws a DatabaseFault. */
  ensureStore(storeId: number): Promise<void>;
  /** Finishes what was sent and closes the database. */
  close(): Promise<void>;
}

/**
 * Opens the core on a database and brings its tables up to date. Unlike the service it does not
 * wait for a database that is away: throws a DatabaseFault.
 */
export async function openCore(config: Config, log: Logger): Promise<OpenCore> {
  const { core, database, committer, stores, refusals } = assembleCore(config, {
    log,
    clock: systemClock,
  });
  const close = async () => {
    await committer.close(config.shutdownGraceSeconds * 1000);
    await refusals.flush();
    await database.close();
  };
  try {
    await database.select('SELECT 1');
    await createMigrator(database, config.database).up();
  } catch (error) {
    await close();
    throw error;
  }
  return { core, ensureStore: (storeId) => stores.ensure(storeId), close };
}
