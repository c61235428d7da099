import { screenshots } from './lib/screenshots.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await screenshots(process.argv.slice(2), processTerminal);
