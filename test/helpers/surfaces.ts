import { readConfig } from '../../src/config.js';
import { surfacesFor } from '../../src/http/surfaces.js';

/** Every route, as a service without settings has them. */
export const SURFACES = surfacesFor(readConfig({}));
