import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { drawMachines } from '../../scripts/machine-diagrams.js';

it('finds docs/machines.md as the machines are; if not, run npm run draw-machines', () => {
  const page = readFileSync(new URL('../../docs/machines.md', import.meta.url), 'utf8');
  expect(page).toBe(drawMachines());
});

it('draws every state with its way out, and names every refusal', () => {
  const page = drawMachines();
  expect(page).toContain('[*] --> draft');
  expect(page).toContain('available --> rented_out : always [noneFree]');
  expect(page).toContain('draft : RENT / refuseNotAvailable');
  expect(page).toContain('any_state : CANCEL [else] / refuseExceedsRented');
  expect(page).toContain('active --> completed : COMPLETE / accept');
});
