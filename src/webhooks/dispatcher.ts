import { matchesPattern } from '../domain/event-patterns.js';
import type { WebhookEndpoint } from '../domain/webhook-endpoint.js';
import type { Follower } from '../events/follower.js';
import type { EventHead } from '../events/told-event.js';
import { newId } from '../ids.js';
import type { Database } from '../persistence/database.js';
import { insertDeliveries } from '../persistence/webhook-deliveries.js';
import { listEnabledEndpoints } from '../persistence/webhook-endpoints.js';

/** Writes a delivery for each event and each endpoint that wants it; what sends them is elsewhere. */
export function webhookDispatcher(
  database: Database,
  /** is told once there are deliveries */
  taken: () => void,
): Follower {
  let endpoints: readonly WebhookEndpoint[] = [];
  const wanting = ({ storeId, type }: Pick<EventHead, 'storeId' | 'type'>) =>
    endpoints.filter(
      (endpoint) =>
        endpoint.storeId === storeId &&
        endpoint.events.some((pattern) => matchesPattern(pattern, type)),
    );
  return {
    name: 'webhooks',
    // Read after the events are: an endpoint misses nothing that was committed after it.
    async prepare() {
      endpoints = await listEnabledEndpoints(database);
    },
    wants: (head) => wanting(head).length > 0,
    async take(events, connection) {
      const deliveries = events.flatMap(({ sequence, type, storeId, productId, message }) => {
        const payload = JSON.stringify(message);
        return wanting({ storeId, type }).map(({ id: endpointId }) => ({
          id: newId(),
          storeId,
          endpointId,
          eventId: sequence,
          type,
          productId,
          payload,
        }));
      });
      await insertDeliveries(connection, deliveries);
    },
    taken,
  };
}
