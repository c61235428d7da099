import { bench } from './bench/bench.js';
import { cleanUpAtSignals } from './bench/left-behind.js';
import { processTerminal } from './lib/script.js';

cleanUpAtSignals();
process.exitCode = await bench(process.argv.slice(2), processTerminal);
