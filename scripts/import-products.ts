import { importProducts } from './lib/import-products.js';
import { processTerminal } from './lib/script.js';

process.exitCode = await importProducts(process.argv.slice(2), processTerminal);
