import { replayScript } from './lib/replay-script.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await replayScript(process.argv.slice(2), processTerminal);
