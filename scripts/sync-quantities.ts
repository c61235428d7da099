import { processTerminal } from './lib/script.js';
import { syncQuantities } from './lib/sync-quantities.js';

process.exitCode = await syncQuantities(process.argv.slice(2), processTerminal);
