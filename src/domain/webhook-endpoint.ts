import type { Instant } from './instant.js';

/** Why nothing is sent to an endpoint. */
export const DISABLED_REASONS = [
  /** somebody switched it off */
  'by_hand',
  /** its receiver answered 410: it is not there any more */
  'gone',
  /** its receiver took nothing for too long */
  'failing',
] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** Where a store wants to be told of events, as it is shown: without its secrets. */
export interface WebhookEndpoint {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly url: string;
  /** patterns of types, like `rental.*` */
  readonly events: readonly string[];
  /** null: it is enabled */
  readonly disabledReason: DisabledReason | null;
  /** when the first attempt failed since one succeeded last; null: the last one did */
  readonly failingSince: Instant | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What deliveries are signed with: kept as it is, since a signature needs it. */
export interface WebhookSecrets {
  /** `whsec_` and base64 */
  readonly secret: string;
  /** the one before, which signs as well for a while after a rotation */
  readonly previousSecret: string | null;
  readonly previousSecretUntil: Instant | null;
}

/** An endpoint as it is kept. */
export type KeptWebhookEndpoint = WebhookEndpoint & WebhookSecrets;

export interface NewWebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly secret: string;
}

export interface WebhookEndpointChanges {
  readonly url?: string;
  readonly events?: readonly string[];
  readonly enabled?: boolean;
  /** a new one; the one that it replaces goes on signing for a day */
  readonly secret?: string;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
/** `failed`: given up, since no attempt is left. */
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** An event on its way to an endpoint. */
export interface WebhookDelivery {
  /** UUIDv7 */
  readonly id: string;
  readonly storeId: number;
  readonly endpointId: string;
  /** the event's id: its sequence */
  readonly eventId: number;
  readonly type: string;
  readonly state: DeliveryState;
  /** attempts so far; a retry by hand begins anew */
  readonly attempts: number;
  /** when the next attempt is due; null where it is over */
  readonly nextAttemptAt: Instant | null;
  /** when the last attempt was made */
  readonly attemptedAt: Instant | null;
  /** HTTP status of the last attempt; null where there was no answer */
  readonly responseStatus: number | null;
  /** what was wrong with the last attempt */
  readonly error: string | null;
  /** ms that the last attempt took */
  readonly durationMs: number | null;
  readonly createdAt: Instant;
}
