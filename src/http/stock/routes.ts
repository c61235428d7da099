import type { Surface } from '../endpoint.js';
import type { SurfaceSettings } from '../surface-settings.js';

export function stockSurface(_settings: SurfaceSettings): Surface {
  return { spelling: 'snake_case', endpoints: [] };
}
