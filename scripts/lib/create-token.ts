import { readConfig } from '../../src/config.js';
import { ROLES } from '../../src/domain/api-key.js';
import { line } from '../../src/http/schemas.js';
import { jwtSecret, signToken } from '../../src/tokens.js';
import { oneOf, ScriptError, script, storeNumber, UsageError } from './script.js';

const HOURS_MAX = 10 * 8760;
const SUB_LENGTH_MAX = 200;

/** `npm run create-token`: a JWT for trying things, alone on standard output. */
export const createToken = script({
  help: `
Prints a token that the service of this machine accepts, and nothing else.

  TOKEN=$(npm run -s create-token)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:3000/api/products

  --role ROLE     ${ROLES.join(', ')} (default: admin)
  --store N       the store that it opens (default: 1)
  --sub NAME      who it is; a customer's user id (default: the role)
  --hours H       how long it is good for, fractions allowed (default: 24)

It is signed with JWT_SECRET, or else with the secret that the service keeps beside its embedded
database; JWT_ISSUER and JWT_AUDIENCE are put into it where they are set.
Exits with 0 when it is done, 1 when it failed, 2 when the command line can not be understood.
`,
  options: {
    role: { type: 'string', default: 'admin' },
    store: { type: 'string', default: '1' },
    sub: { type: 'string' },
    hours: { type: 'string', default: '24' },
  },
  positionalsMax: 0,
  async run({ values }, terminal) {
    const role = oneOf(values.role, ROLES, '--role');
    const storeId = storeNumber(values.store);
    const sub = line(SUB_LENGTH_MAX).safeParse(values.sub ?? role);
    if (!sub.success) {
      throw new UsageError(`--sub must be 1 to ${SUB_LENGTH_MAX} characters of one trimmed line.`);
    }
    const lifetimeSeconds = Math.round(hoursOf(values.hours) * 3600);
    const config = readConfig(terminal.environment);
    const secret = jwtSecret(config);
    if (secret === null) {
      throw new ScriptError(
        'Only who holds the private key of JWT_JWKS_URL can make tokens here: JWT_SECRET is not set.',
      );
    }
    const token = await signToken(secret, {
      sub: sub.data,
      role,
      storeId,
      issuer: config.jwtIssuer,
      audience: config.jwtAudience,
      lifetimeSeconds,
    });
    terminal.print(token);
  },
});

function hoursOf(text: string): number {
  const hours = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || hours * 3600 < 1 || hours > HOURS_MAX) {
    throw new UsageError(`--hours must be a number from one second's worth to ${HOURS_MAX}.`);
  }
  return hours;
}
