import { copyDatabaseScript } from './lib/copy-database.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await copyDatabaseScript(process.argv.slice(2), processTerminal);
