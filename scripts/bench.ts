import { bench } from './bench/bench.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await bench(process.argv.slice(2), processTerminal);
