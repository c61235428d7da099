import { z } from 'zod';
import { isKnownPattern } from '../../domain/event-patterns.js';
import { DELIVERY_STATES, DISABLED_REASONS } from '../../domain/webhook-endpoint.js';
import { wrongWithUrl } from '../../webhooks/addresses.js';
import { cursorAfterId, line, pageLimit, timestamp, uuidText } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';

const PATTERNS_MAX = 50;

const patterns = z
  .array(
    z
      .string()
      .max(100)
      .refine(isKnownPattern, 'must be *, a group like rental.*, or a type like rental.created'),
  )
  .min(1)
  .max(PATTERNS_MAX)
  .meta({ description: 'Types of events: `*`, groups like `rental.*`, or single ones.' });

/** The bodies, whose URLs the settings decide on. */
export function webhookBodies({ webhookAllowPrivate: allowPrivate }: SurfaceSettings) {
  const url = line(2_000)
    .superRefine((text, context) => {
      const message = wrongWithUrl(text, { allowPrivate });
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .meta({ example: 'https://example.com/hooks/availability' });
  return {
    NewEndpoint: z.strictObject({ url, events: patterns }),
    EndpointChanges: z.strictObject({
      url: url.optional(),
      events: patterns.optional(),
      enabled: z
        .boolean()
        .optional()
        .meta({ description: '`true` also forgets for how long it failed.' }),
      rotateSecret: z.literal(true).optional().meta({
        description: 'A new secret; the old one goes on signing as well for 24 hours.',
      }),
    }),
  };
}

export const EndpointPath = z.strictObject({ id: uuidText });
export const DeliveryPath = z.strictObject({ id: uuidText, deliveryId: uuidText });
export const DeliveriesQuery = z.strictObject({
  status: z.enum(DELIVERY_STATES).optional(),
  limit: pageLimit,
  cursor: cursorAfterId.optional(),
});

export const EndpointReply = z
  .strictObject({
    id: z.uuid(),
    url: z.string(),
    events: z.array(z.string()),
    enabled: z.boolean(),
    disabledReason: z.enum(DISABLED_REASONS).nullable().meta({
      description: '`gone`: it answered 410. `failing`: it took nothing for a day.',
    }),
    failingSince: timestamp
      .nullable()
      .meta({ description: 'null where the last attempt succeeded.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'WebhookEndpoint' });

const secret = z
  .string()
  .nullable()
  .meta({ description: 'Shown once; null where the answer is a repeated one.' });
export const MadeEndpointReply = EndpointReply.extend({ secret }).meta({
  id: 'MadeWebhookEndpoint',
});
export const ChangedEndpointReply = EndpointReply.extend({
  secret: secret.optional().meta({ description: 'Where it was rotated: shown once, else null.' }),
}).meta({ id: 'ChangedWebhookEndpoint' });

export const DeliveryReply = z
  .strictObject({
    id: z.uuid(),
    eventId: z.string().meta({ description: 'The `webhook-id`, and the id in `/api/events`.' }),
    type: z.string(),
    status: z.enum(DELIVERY_STATES).meta({ description: '`failed`: given up.' }),
    attempts: z.int(),
    nextAttemptAt: timestamp.nullable(),
    attemptedAt: timestamp.nullable(),
    responseStatus: z.int().nullable().meta({ description: 'Of the last attempt.' }),
    error: z.string().nullable(),
    durationMs: z.int().nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'WebhookDelivery' });
