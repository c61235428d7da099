import { z } from 'zod';
import type { Core } from '../../core.js';
import type { Role } from '../../domain/api-key.js';
import type { WebhookDelivery, WebhookEndpoint } from '../../domain/webhook-endpoint.js';
import { newId } from '../../ids.js';
import { newWebhookSecret } from '../../webhooks/secret.js';
import type { Caller } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { camelListOf, nextCursorOf } from '../lists.js';
import { problemOf } from '../problem.js';
import { cursorAfterUuid, iso, pageLimit } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import {
  ChangedEndpointReply,
  DeliveriesQuery,
  DeliveryPath,
  DeliveryReply,
  EndpointPath,
  EndpointReply,
  MadeEndpointReply,
  webhookBodies,
} from './schemas.js';

const tag = 'Webhooks';
/** A secret signs in the name of the store, so not everybody in the back office has to do with it. */
const KEEPERS: readonly Role[] = ['admin', 'service'];

type Bodies = ReturnType<typeof webhookBodies>;

function createEndpoint(body: Bodies['NewEndpoint']) {
  return endpoint({
    method: 'post',
    path: '/api/webhook-endpoints',
    operationId: 'createWebhookEndpoint',
    summary: 'Be told of events by webhook',
    description:
      'From now on each event that is wanted is sent to the URL as POST, with the headers and the ' +
      'signature of Standard Webhooks: `{id, type, storeId, at, data}`, as in `/api/events`. ' +
      'A store may have MAX_WEBHOOK_ENDPOINTS of them, those that are off as well.',
    tag,
    roles: KEEPERS,
    body,
    replies: { 201: { description: 'The secret is shown this once.', schema: MadeEndpointReply } },
    problems: ['webhook_endpoint_limit_reached'],
    async handle({ core, body, header }) {
      const secret = newWebhookSecret();
      const made = { id: newId(), secret, ...body };
      const answer = await core.send({
        ...header(),
        kind: 'create_webhook_endpoint',
        endpoint: made,
      });
      return replyTo(answer, (created, replayed) => ({
        status: 201,
        // It is not kept with the answer, so a repeat can't show it again.
        body: { ...renderEndpoint(created), secret: replayed ? null : secret },
      }));
    },
  });
}

const listEndpoints = endpoint({
  method: 'get',
  path: '/api/webhook-endpoints',
  operationId: 'listWebhookEndpoints',
  summary: "List a store's webhook endpoints, newest first",
  tag,
  roles: KEEPERS,
  query: z.strictObject({ limit: pageLimit, cursor: cursorAfterUuid.optional() }),
  replies: { 200: { description: 'A page.', schema: camelListOf(EndpointReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const page = await core.webhooks.list({
      storeId: caller.storeId,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const data = page.rows.map(renderEndpoint);
    return { status: 200, body: { data, nextCursor: nextCursorOf(page, ({ id }) => id) } };
  },
});

const getEndpoint = endpoint({
  method: 'get',
  path: '/api/webhook-endpoints/:id',
  operationId: 'getWebhookEndpoint',
  summary: 'A webhook endpoint',
  tag,
  roles: KEEPERS,
  params: EndpointPath,
  replies: { 200: { description: 'The endpoint.', schema: EndpointReply } },
  problems: ['webhook_endpoint_not_found'],
  async handle({ core, caller, params }) {
    return { status: 200, body: renderEndpoint(await findEndpoint(core, caller, params.id)) };
  },
});

function updateEndpoint(body: Bodies['EndpointChanges']) {
  return endpoint({
    method: 'patch',
    path: '/api/webhook-endpoints/:id',
    operationId: 'updateWebhookEndpoint',
    summary: 'Change a webhook endpoint, switch it on or off, or replace its secret',
    tag,
    roles: KEEPERS,
    params: EndpointPath,
    body,
    replies: { 200: { description: 'The endpoint.', schema: ChangedEndpointReply } },
    problems: ['webhook_endpoint_not_found'],
    async handle({ core, params, body, header }) {
      const { url, events, enabled, rotateSecret } = body;
      const secret = rotateSecret ? newWebhookSecret() : undefined;
      const answer = await core.send({
        ...header(),
        kind: 'update_webhook_endpoint',
        endpointId: params.id,
        changes: {
          ...(url === undefined ? {} : { url }),
          ...(events === undefined ? {} : { events }),
          ...(enabled === undefined ? {} : { enabled }),
          ...(secret === undefined ? {} : { secret }),
        },
      });
      return replyTo(answer, (changed, replayed) => {
        const shown = secret === undefined ? {} : { secret: replayed ? null : secret };
        return { status: 200, body: { ...renderEndpoint(changed), ...shown } };
      });
    },
  });
}

const deleteEndpoint = endpoint({
  method: 'delete',
  path: '/api/webhook-endpoints/:id',
  operationId: 'deleteWebhookEndpoint',
  summary: 'Be told no more: what is still on its way is not sent either',
  tag,
  roles: KEEPERS,
  params: EndpointPath,
  replies: { 204: { description: 'It is gone.' } },
  problems: ['webhook_endpoint_not_found'],
  async handle({ core, params, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'delete_webhook_endpoint',
      endpointId: params.id,
    });
    return replyTo(answer, () => ({ status: 204 }));
  },
});

const listDeliveries = endpoint({
  method: 'get',
  path: '/api/webhook-endpoints/:id/deliveries',
  operationId: 'listWebhookDeliveries',
  summary: 'What was sent to an endpoint, newest event first',
  description: 'Deliveries are kept as long as events are: EVENT_RETENTION_DAYS.',
  tag,
  roles: KEEPERS,
  params: EndpointPath,
  query: DeliveriesQuery,
  replies: { 200: { description: 'A page.', schema: camelListOf(DeliveryReply) } },
  problems: ['webhook_endpoint_not_found'],
  async handle({ core, caller, params, query }) {
    const { id: endpointId, storeId } = await findEndpoint(core, caller, params.id);
    const page = await core.webhooks.deliveries({
      storeId,
      endpointId,
      state: query.status ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const data = page.rows.map(renderDelivery);
    return { status: 200, body: { data, nextCursor: nextCursorOf(page, (row) => row.eventId) } };
  },
});

const retryDelivery = endpoint({
  method: 'post',
  path: '/api/webhook-endpoints/:id/deliveries/:deliveryId/retry',
  operationId: 'retryWebhookDelivery',
  summary: 'Send an event again, or at once',
  description:
    'With all attempts before it, whether it was delivered, given up or waits. To an endpoint that ' +
    'is switched off it is sent once that is on again.',
  tag,
  roles: KEEPERS,
  params: DeliveryPath,
  replies: { 200: { description: 'The delivery, due now.', schema: DeliveryReply } },
  problems: ['webhook_endpoint_not_found', 'not_found'],
  async handle({ core, params, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'retry_webhook_delivery',
      endpointId: params.id,
      deliveryId: params.deliveryId,
    });
    return replyTo(answer, (delivery) => ({ status: 200, body: renderDelivery(delivery) }));
  },
});

/** Document 5: webhooks that go out. */
export function webhookSurface(settings: SurfaceSettings): Surface {
  const { NewEndpoint, EndpointChanges } = webhookBodies(settings);
  return {
    spelling: 'camelCase',
    endpoints: [
      createEndpoint(NewEndpoint),
      listEndpoints,
      getEndpoint,
      updateEndpoint(EndpointChanges),
      deleteEndpoint,
      listDeliveries,
      retryDelivery,
    ],
  };
}

/** Throws 404. */
async function findEndpoint(core: Core, { storeId }: Caller, id: string): Promise<WebhookEndpoint> {
  const found = await core.webhooks.find({ storeId, id });
  if (!found) throw problemOf({ code: 'webhook_endpoint_not_found' });
  return found;
}

function renderEndpoint(shown: WebhookEndpoint): z.infer<typeof EndpointReply> {
  return {
    id: shown.id,
    url: shown.url,
    events: [...shown.events],
    enabled: shown.disabledReason === null,
    disabledReason: shown.disabledReason,
    failingSince: iso(shown.failingSince),
    createdAt: iso(shown.createdAt),
    updatedAt: iso(shown.updatedAt),
  };
}

function renderDelivery(delivery: WebhookDelivery): z.infer<typeof DeliveryReply> {
  return {
    id: delivery.id,
    eventId: String(delivery.eventId),
    type: delivery.type,
    status: delivery.state,
    attempts: delivery.attempts,
    nextAttemptAt: iso(delivery.nextAttemptAt),
    attemptedAt: iso(delivery.attemptedAt),
    responseStatus: delivery.responseStatus,
    error: delivery.error,
    durationMs: delivery.durationMs,
    createdAt: iso(delivery.createdAt),
  };
}
