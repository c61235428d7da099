import type { Surface } from '../endpoint.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { stockChanges } from './change-routes.js';
import { checkoutRoutes } from './checkout-routes.js';
import { listInventoryLogs } from './log-routes.js';
import { stockQuestions } from './stock-routes.js';

/** Document 3: what a checkout and a warehouse ask for. */
export function inventorySurface(settings: SurfaceSettings): Surface {
  return {
    spelling: 'camelCase',
    endpoints: [
      ...stockQuestions(settings),
      ...checkoutRoutes(settings),
      ...stockChanges,
      listInventoryLogs,
    ],
  };
}
