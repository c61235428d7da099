import { cleanupReservations } from './lib/cleanup-reservations.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await cleanupReservations(process.argv.slice(2), processTerminal);
