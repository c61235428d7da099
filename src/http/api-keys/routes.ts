import { z } from 'zod';
import { newApiKey } from '../../api-keys.js';
import { type ApiKey, ROLES } from '../../domain/api-key.js';
import { ADMIN } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { listOf, pageReply } from '../lists.js';
import { cursorAfterUuid, iso, line, pageLimit, timestamp, uuidText } from '../schemas.js';

const tag = 'API keys';

const NewApiKeyBody = z
  .strictObject({ name: line(100), role: z.enum(ROLES) })
  .meta({ id: 'NewApiKey' });

const ApiKeyReply = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    role: z.enum(ROLES),
    store_id: z.int(),
    created_at: timestamp,
  })
  .meta({ id: 'ApiKey' });

const MadeApiKeyReply = ApiKeyReply.extend({
  key: z
    .string()
    .nullable()
    .meta({ description: 'Shown once; null where the answer is a repeated one.' }),
}).meta({ id: 'MadeApiKey' });

const createApiKey = endpoint({
  method: 'post',
  path: '/api/api-keys',
  operationId: 'createApiKey',
  summary: 'Make an API key for a back end',
  tag,
  roles: ADMIN,
  body: NewApiKeyBody,
  replies: { 201: { description: 'The key, shown this once.', schema: MadeApiKeyReply } },
  problems: [],
  async handle({ core, body, header }) {
    const { key, apiKey } = newApiKey(body);
    const answer = await core.send({ ...header(), kind: 'create_api_key', apiKey });
    return replyTo(answer, (made, replayed) => ({
      status: 201,
      // The key was never stored, so a repeat can't show it again.
      body: { ...renderApiKey(made), key: replayed ? null : key },
    }));
  },
});

const listApiKeys = endpoint({
  method: 'get',
  path: '/api/api-keys',
  operationId: 'listApiKeys',
  summary: "List a store's API keys, newest first",
  tag,
  roles: ADMIN,
  query: z.strictObject({ limit: pageLimit, cursor: cursorAfterUuid.optional() }),
  replies: { 200: { description: 'A page.', schema: listOf(ApiKeyReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const page = await core.listApiKeys({
      storeId: caller.storeId,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    return pageReply(page.rows.map(renderApiKey), page.hasMore ? page.rows.at(-1)?.id : null);
  },
});

const revokeApiKey = endpoint({
  method: 'delete',
  path: '/api/api-keys/:id',
  operationId: 'revokeApiKey',
  summary: 'Revoke an API key: it opens nothing any more',
  tag,
  roles: ADMIN,
  params: z.strictObject({ id: uuidText }),
  replies: { 204: { description: 'It is revoked.' } },
  problems: ['not_found'],
  async handle({ core, params, header }) {
    const answer = await core.send({ ...header(), kind: 'revoke_api_key', apiKeyId: params.id });
    return replyTo(answer, () => ({ status: 204 }));
  },
});

export const apiKeySurface: Surface = {
  spelling: 'snake_case',
  endpoints: [createApiKey, listApiKeys, revokeApiKey],
};

function renderApiKey(key: ApiKey): z.infer<typeof ApiKeyReply> {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    store_id: key.storeId,
    created_at: iso(key.createdAt),
  };
}
