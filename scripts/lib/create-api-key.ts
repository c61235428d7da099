import { newApiKey } from '../../src/api-keys.js';
import { readConfig } from '../../src/config.js';
import { ROLES } from '../../src/domain/api-key.js';
import { line } from '../../src/http/schemas.js';
import { newId } from '../../src/ids.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
import { sayDatabase } from './name-database.js';
import { oneOf, ScriptError, script, storeNumber, UsageError } from './script.js';

const NAME_LENGTH_MAX = 100;

/** `npm run create-api-key`: a key for a back end, alone on standard output, this once. */
export const createApiKey = script({
  help: `
Makes an API key for a back end and prints it. It is shown this once: only its hash is kept.

  KEY=$(npm run -s create-api-key -- --name "shop front")
  curl -H "X-Api-Key: $KEY" http://127.0.0.1:3000/api/products

  --name NAME     what it is for, so that it is known again (needed)
  --role ROLE     ${ROLES.join(', ')} (default: service)
  --store N       the store that it opens (default: 1)

It writes into the database that DATABASE_URL names, whether or not the service runs, and makes
the tables and the store where they are missing. An admin revokes it with
DELETE /api/api-keys/<id>; the id is the part before the dot.
Exits with 0 when it is done, 1 when it failed, 2 when the command line can not be understood.
`,
  options: {
    name: { type: 'string' },
    role: { type: 'string', default: 'service' },
    store: { type: 'string', default: '1' },
  },
  positionalsMax: 0,
  async run({ values }, terminal) {
    if (values.name === undefined) throw new UsageError('--name is needed.');
    const name = line(NAME_LENGTH_MAX).safeParse(values.name);
    if (!name.success) {
      throw new UsageError(
        `--name must be 1 to ${NAME_LENGTH_MAX} characters of one trimmed line.`,
      );
    }
    const role = oneOf(values.role, ROLES, '--role');
    const storeId = storeNumber(values.store);
    const config = readConfig(terminal.environment);
    sayDatabase(terminal, config.database);
    const opened = await openCore(config, createLogger('error', 2));
    try {
      await opened.ensureStore(storeId);
      const { key, apiKey } = newApiKey({ name: name.data, role });
      const { outcome } = await opened.core.send({
        id: newId(),
        storeId,
        actor: 'create-api-key',
        idempotency: null,
        kind: 'create_api_key',
        apiKey,
      });
      if (!outcome.ok) throw new ScriptError(`The key was refused: ${outcome.refusal.code}.`);
      terminal.print(key);
      terminal.say(
        `Made the ${role} key "${name.data}" of store ${storeId}. Keep it: it is not shown again.`,
      );
    } finally {
      await opened.close();
    }
  },
});
