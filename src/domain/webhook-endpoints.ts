import type { Batch } from './batch.js';
import {
  type CreateWebhookEndpoint,
  type DeleteWebhookEndpoint,
  type DisableWebhookEndpoint,
  done,
  type Outcome,
  type RetryWebhookDelivery,
  refused,
  type UpdateWebhookEndpoint,
} from './command.js';
import type { Refusal } from './refusal.js';
import type { KeptWebhookEndpoint, WebhookDelivery, WebhookEndpoint } from './webhook-endpoint.js';

/** How long a secret goes on signing after another has replaced it. */
const PREVIOUS_SECRET_MS = 24 * 3_600_000;
/** An endpoint that has taken nothing for so long is switched off once a delivery is given up. */
const FAILING_MS = 24 * 3_600_000;

export interface WebhookRules {
  /** endpoints that a store may have, those that are off as well */
  readonly webhookEndpointsMax: number;
}

const UNKNOWN: Refusal = { code: 'webhook_endpoint_not_found' };

export function createWebhookEndpoint(
  batch: Batch,
  command: CreateWebhookEndpoint,
  { webhookEndpointsMax: limit }: WebhookRules,
): Outcome<WebhookEndpoint> {
  if (batch.webhooks.count(command.storeId) >= limit) {
    return refused({ code: 'webhook_endpoint_limit_reached', limit });
  }
  const endpoint: KeptWebhookEndpoint = {
    ...command.endpoint,
    storeId: command.storeId,
    disabledReason: null,
    failingSince: null,
    previousSecret: null,
    previousSecretUntil: null,
    createdAt: batch.now,
    updatedAt: batch.now,
  };
  batch.webhooks.create(endpoint);
  return done(shown(endpoint));
}

/** Switching it on again forgets for how long it failed. */
export function updateWebhookEndpoint(
  batch: Batch,
  command: UpdateWebhookEndpoint,
): Outcome<WebhookEndpoint> {
  const before = batch.webhooks.endpoint(command);
  if (!before) return refused(UNKNOWN);
  const { enabled, secret, url = before.url, events = before.events } = command.changes;
  const after: KeptWebhookEndpoint = {
    ...before,
    url,
    events,
    ...(enabled === true ? { disabledReason: null, failingSince: null } : {}),
    ...(enabled === false ? { disabledReason: before.disabledReason ?? 'by_hand' } : {}),
    ...(secret === undefined
      ? {}
      : {
          secret,
          previousSecret: before.secret,
          previousSecretUntil: batch.now + PREVIOUS_SECRET_MS,
        }),
    updatedAt: batch.now,
  };
  batch.webhooks.change(after);
  return done(shown(after));
}

/** What was still on its way to it is not sent any more. */
export function deleteWebhookEndpoint(batch: Batch, command: DeleteWebhookEndpoint): Outcome<null> {
  const endpoint = batch.webhooks.endpoint(command);
  if (!endpoint) return refused(UNKNOWN);
  batch.webhooks.delete(endpoint);
  return done(null);
}

/**
 * Switches an endpoint off that its receiver gave reason for, and tells of it. One that was changed
 * since, or has not failed for long enough, is left as it is.
 */
export function disableWebhookEndpoint(
  batch: Batch,
  command: DisableWebhookEndpoint,
): Outcome<{ disabled: boolean }> {
  const before = batch.webhooks.endpoint(command);
  if (!before) return refused(UNKNOWN);
  const { reason } = command;
  const isDue =
    reason === 'gone' ||
    (before.failingSince !== null && before.failingSince <= batch.now - FAILING_MS);
  const isSame = before.disabledReason === null && before.url === command.url;
  if (!isSame || !isDue) return done({ disabled: false });
  const after = { ...before, disabledReason: reason, updatedAt: batch.now };
  batch.webhooks.change(after);
  const { id, storeId, url, events, failingSince } = after;
  batch.tell(command, {
    type: 'webhook_endpoint.disabled',
    data: {
      id,
      storeId,
      url,
      events,
      disabledReason: reason,
      failingSince: failingSince === null ? null : new Date(failingSince).toISOString(),
    },
  });
  return done({ disabled: true });
}

/** Sends it (again) at once, with all attempts before it. */
export function retryWebhookDelivery(
  batch: Batch,
  command: RetryWebhookDelivery,
): Outcome<WebhookDelivery> {
  if (!batch.webhooks.endpoint(command)) return refused(UNKNOWN);
  const before = batch.webhooks.delivery(command);
  if (!before) return refused({ code: 'not_found' });
  const after: WebhookDelivery = {
    ...before,
    state: 'pending',
    attempts: 0,
    nextAttemptAt: batch.now,
  };
  batch.webhooks.retry(after);
  return done(after);
}

/** Without its secrets, which no answer may keep. */
function shown(endpoint: KeptWebhookEndpoint): WebhookEndpoint {
  const { secret: _, previousSecret: _previous, previousSecretUntil: _until, ...rest } = endpoint;
  return rest;
}
