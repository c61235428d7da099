import { mkdirSync, writeFileSync } from 'node:fs';
import { drawMachines } from './machine-diagrams.js';
import { script } from './script.js';

const PAGE = 'docs/machines.md';

/** `npm run draw-machines`: the page with the diagrams of the machines. */
export const drawMachinesScript = script({
  help: `
Draws ${PAGE} from the machines themselves. A test fails where the page is not what this draws.

  npm run draw-machines

Exits with 0 when it is drawn, 1 when it failed, 2 when the command line can not be understood.
`,
  options: {},
  positionalsMax: 0,
  async run(_args, terminal) {
    // npm runs a script in the folder of package.json.
    mkdirSync('docs', { recursive: true });
    writeFileSync(PAGE, drawMachines());
    terminal.print(`${PAGE} is drawn.`);
  },
});
