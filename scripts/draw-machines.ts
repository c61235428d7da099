import { mkdirSync, writeFileSync } from 'node:fs';
import { drawMachines } from './machine-diagrams.js';

// npm runs a script in the folder of package.json.
mkdirSync('docs', { recursive: true });
writeFileSync('docs/machines.md', drawMachines());
console.log('docs/machines.md is drawn');
