import type { Surface } from '../endpoint.js';
import type { SurfaceSettings } from '../surface-settings.js';

export function reservationSurface(_settings: SurfaceSettings): Surface {
  return { spelling: 'camelCase', endpoints: [] };
}
