import { drawMachinesScript } from './lib/draw-machines.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await drawMachinesScript(process.argv.slice(2), processTerminal);
