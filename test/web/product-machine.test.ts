import { describe, expect, it } from '@jest/globals';
import { productMachine } from '../../machines/product.js';
import { PRODUCT_STATES, PRODUCT_TRANSITIONS } from '../../web/src/ui/product-machine.js';

interface Edge {
  readonly target?: string;
  readonly guard?: unknown;
}

const edgesOf = (edges: unknown): Edge[] => (Array.isArray(edges) ? edges : [edges]) as Edge[];

describe('the picture of the product machine', () => {
  it('shows its states and what leads from one to another', () => {
    const states = Object.entries(productMachine.config.states ?? {});
    expect(states.map(([name]) => name)).toEqual([...PRODUCT_STATES]);
    const drawn = PRODUCT_TRANSITIONS.map(({ from, to, by }) => `${from} ${by} ${to}`);
    const real = states.flatMap(([from, state]) => [
      ...Object.entries(state.on ?? {}).flatMap(([event, edges]) =>
        edgesOf(edges).flatMap(({ target }) => (target ? [`${from} ${event} ${target}`] : [])),
      ),
      ...edgesOf(state.always ?? []).flatMap(({ target, guard }) =>
        target ? [`${from} ${String(guard)} ${target}`] : [],
      ),
    ]);
    expect(drawn.sort()).toEqual(real.sort());
  });
});
