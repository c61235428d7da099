import { migrate } from './lib/migrate.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await migrate(process.argv.slice(2), processTerminal);
