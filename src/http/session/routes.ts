import { z } from 'zod';
import { ROLES } from '../../domain/api-key.js';
import { ANYONE } from '../caller.js';
import { endpoint, type Surface } from '../endpoint.js';
import { iso, timestamp } from '../schemas.js';

const SessionReply = z
  .strictObject({
    sub: z.string().meta({ description: "The token's `sub`, or `key:<id>`." }),
    role: z.enum(ROLES),
    store_id: z.int(),
    expires_at: timestamp.nullable().meta({ description: 'Of a token; a key has no end.' }),
  })
  .meta({ id: 'Session' });

const getSession = endpoint({
  method: 'get',
  path: '/api/session',
  operationId: 'getSession',
  summary: 'Whom a token or key speaks for',
  tag: 'Session',
  roles: ANYONE,
  replies: { 200: { description: 'The caller.', schema: SessionReply } },
  problems: [],
  async handle({ caller }) {
    const body: z.infer<typeof SessionReply> = {
      sub: caller.sub,
      role: caller.role,
      store_id: caller.storeId,
      expires_at: iso(caller.signedInUntilMs),
    };
    return { status: 200, body };
  },
});

export const sessionSurface: Surface = { spelling: 'snake_case', endpoints: [getSession] };
