import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
import { sayDatabase } from './name-database.js';
import { countingProgress } from './progress.js';
import { requireDatabase } from './require-database.js';
import { script } from './script.js';

/** `npm run cleanup-reservations`: writes down that holds are over whose time is up. */
export const cleanupReservations = script({
  help: `
Writes down that reservations are over whose time is up, in all stores, with a ledger line for each.
They block nobody meanwhile, and the service does this by itself every RESERVATION_CLEANUP_INTERVAL
minutes: this is for whoever wants it done now. The service may run meanwhile.

  npm run cleanup-reservations

Exits with 0 when all are ended, 1 when some could not be, or when it failed, and 2 when its command
line can't be understood.
`,
  options: {},
  positionalsMax: 0,
  async run(_args, terminal) {
    const config = readConfig(terminal.environment);
    requireDatabase(config.database);
    sayDatabase(terminal, config.database);
    const { core, close } = await openCore(config, createLogger('warn', 2));
    const progress = countingProgress(
      terminal,
      (expired, released) => `${expired} reservations ended, ${released} units freed`,
    );
    try {
      const { expired, released, errors } = await core.cleanup.run(null, {
        actor: 'cleanup:script',
        onProgress: (summary) => progress.show(summary.expired, summary.released),
      });
      progress.stop();
      terminal.print(`Reservations ended: ${expired}. Units freed: ${released}.`);
      if (errors === 0) return 0;
      terminal.say(`Products that could not be done: ${errors}. They are tried again next time.`);
      return 1;
    } finally {
      progress.stop();
      await close();
    }
  },
});
