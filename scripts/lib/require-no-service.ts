import { RELAY, RELAY_LEASE } from '../../src/events/relay.js';
import type { Database } from '../../src/persistence/database.js';
import { isLeaseHeld } from '../../src/persistence/leases.js';
import { ScriptError } from './script.js';

/**
 * For scripts that no service may run beside: some copy of one that runs always has the relay's
 * lease, until it is stopped. The tables have to be there. `name` is the database's, like "the old
 * database", and `consequence` a sentence on what that means. Throws a ScriptError.
 */
export async function requireNoService(
  database: Database,
  { name, consequence }: { name: string; consequence: string },
): Promise<void> {
  if (!(await isLeaseHeld(database, RELAY_LEASE))) return;
  throw new ScriptError(
    `The service still runs on ${name}, or was killed less than ${RELAY.leaseSeconds} s ago: stop it. ${consequence}`,
  );
}
