import type {
  DeliveryState,
  WebhookDelivery,
  WebhookEndpoint,
} from '../../domain/webhook-endpoint.js';
import type { Connection } from '../database.js';
import { listWebhookDeliveries } from '../webhook-deliveries.js';
import { findWebhookEndpoint, listWebhookEndpoints } from '../webhook-endpoints.js';
import { type Page, pageOf } from './products.js';

/** Webhook endpoints and what was sent to them, within a store. */
export interface WebhookReads {
  find(named: { storeId: number; id: string }): Promise<WebhookEndpoint | null>;
  /** Newest first, below the id `before`. */
  list(query: {
    storeId: number;
    before: string | null;
    limit: number;
  }): Promise<Page<WebhookEndpoint>>;
  /** Newest event first, below the event `before`. */
  deliveries(query: {
    storeId: number;
    endpointId: string;
    state: DeliveryState | null;
    before: number | null;
    limit: number;
  }): Promise<Page<WebhookDelivery>>;
}

export function webhookReads(connection: Connection): WebhookReads {
  return {
    find: (named) => findWebhookEndpoint(connection, named),
    async list(query) {
      const limit = query.limit + 1;
      return pageOf(await listWebhookEndpoints(connection, { ...query, limit }), query.limit);
    },
    async deliveries(query) {
      const limit = query.limit + 1;
      return pageOf(await listWebhookDeliveries(connection, { ...query, limit }), query.limit);
    },
  };
}
