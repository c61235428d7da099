import type { TellingSummary } from '../../telling-metrics.js';
import type { Connection } from '../database.js';
import { oldestDueMailSeconds } from '../mails.js';
import { oldestDueSeconds } from '../webhook-deliveries.js';
import { countWebhookEndpoints, listEnabledEndpoints } from '../webhook-endpoints.js';

/** How telling the world goes, over all stores. */
export async function summariseTelling(connection: Connection): Promise<TellingSummary> {
  const enabled = await listEnabledEndpoints(connection);
  return {
    endpoints: await countWebhookEndpoints(connection),
    oldestDueWebhookSeconds: await oldestDueSeconds(
      connection,
      enabled.map(({ id }) => id),
    ),
    oldestDueMailSeconds: await oldestDueMailSeconds(connection),
  };
}
