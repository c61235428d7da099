import { apiKeySurface } from './api-keys/routes.js';
import { auditSurface } from './audit/routes.js';
import { cartSurface } from './cart/routes.js';
import type { SignedEndpoint, Surface } from './endpoint.js';
import { eventSurface } from './events/routes.js';
import { inventorySurface } from './inventory/routes.js';
import { orderSurface } from './orders/routes.js';
import { overviewSurface } from './overview/routes.js';
import { productSurface } from './products/routes.js';
import { rentalSurface } from './rentals/routes.js';
import { reportSurface } from './reports/routes.js';
import { reservationSurface } from './reservations/routes.js';
import { sessionSurface } from './session/routes.js';
import { stockSurface } from './stock/routes.js';
import type { SurfaceSettings } from './surface-settings.js';
import { syncSurface } from './sync/routes.js';
import { webhookSurface } from './webhook-endpoints/routes.js';
import { stripeWebhook } from './webhooks/routes.js';

/** Every route of the API, by surface. */
export function surfacesFor(settings: SurfaceSettings): readonly Surface[] {
  return [
    productSurface,
    rentalSurface,
    syncSurface,
    stockSurface(settings),
    cartSurface(settings),
    inventorySurface(settings),
    reservationSurface(settings),
    orderSurface,
    eventSurface,
    auditSurface,
    reportSurface,
    webhookSurface(settings),
    apiKeySurface,
    overviewSurface(settings),
    sessionSurface,
  ];
}

/** The routes without a caller, whose bodies are signed. */
export const SIGNED_ENDPOINTS: readonly SignedEndpoint[] = [stripeWebhook];
