import { createApiKey } from './lib/create-api-key.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await createApiKey(process.argv.slice(2), processTerminal);
