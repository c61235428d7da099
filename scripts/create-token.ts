import { createToken } from './lib/create-token.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await createToken(process.argv.slice(2), processTerminal);
