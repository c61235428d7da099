/** What an application in the same process uses: the core without HTTP. */

export { type Config, ConfigError, readConfig } from './config.js';
export type { Core } from './core.js';
export { createLogger } from './log.js';
export { type OpenCore, openCore } from './open-core.js';
export {
  type QuantityFunctions,
  type QuantityResult,
  quantityFunctions,
  RefusedError,
  type SyncResult,
} from './quantities.js';
