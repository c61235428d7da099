import type { Surface } from '../endpoint.js';
import type { SurfaceSettings } from '../surface-settings.js';

export function inventorySurface(_settings: SurfaceSettings): Surface {
  return { spelling: 'camelCase', endpoints: [] };
}
