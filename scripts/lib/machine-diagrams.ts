import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { orderMachine } from '../../machines/order.js';
import { productMachine } from '../../machines/product.js';
import { rentalMachine } from '../../machines/rental.js';
import { reservationMachine } from '../../machines/reservation.js';

const MACHINES: readonly { title: string; file: string; machine: AnyStateMachine }[] = [
  { title: 'Product', file: 'product.ts', machine: productMachine },
  { title: 'Rental', file: 'rental.ts', machine: rentalMachine },
  { title: 'Reservation', file: 'reservation.ts', machine: reservationMachine },
  { title: 'Order', file: 'order.ts', machine: orderMachine },
];

const HEAD = `# The machines

Drawn from \`machines/\` by \`npm run draw-machines\`; a test fails when this page is stale.

\`EVENT [guard] / action\` on an arrow leads to another state, inside a box it stays in that state. Of
several for one event the first whose guard holds is taken, \`[else]\` stands for the rest. \`always\`
is taken by itself, right after any event. An action that is called \`refuse…\` is a refusal: state
and counters stay as they are, and the caller is told why.`;

/** The page \`docs/machines.md\`: a Mermaid diagram and a table for each machine. Writes nothing. */
export function drawMachines(): string {
  const sections = MACHINES.map(({ title, file, machine }) =>
    [
      `## ${title}`,
      `[machines/${file}](../machines/${file})`,
      ['```mermaid', diagram(machine), '```'].join('\n'),
      table(machine),
    ].join('\n\n'),
  );
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

/** One transition. */
interface Arrow {
  readonly trigger: string;
  /** empty where nothing is asked */
  readonly guard: string;
  readonly actions: string;
  /** null where it stays in its state */
  readonly target: string | null;
}

const ANY_STATE = 'any_state';

function diagram(machine: AnyStateMachine): string {
  const { root } = machine;
  const lines = [`[*] --> ${root.initial.target?.[0]?.key}`];
  if (root.transitions.size > 0) lines.push(...linesOf(ANY_STATE, 'in every state', root));
  for (const state of statesOf(machine)) lines.push(...linesOf(state.key, state.key, state));
  return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** What moves on is an arrow; what stays where it is stands inside the state's box. */
function linesOf(id: string, title: string, node: AnyStateNode): string[] {
  const arrows = arrowsOf(node).map((arrow) => {
    const from = arrow.target === null ? id : `${id} --> ${arrow.target}`;
    return `${from} : ${labelOf(arrow)}`;
  });
  // The title is said first: without it the first line inside a box would take its place.
  return [`state "${title}" as ${id}`, ...arrows];
}

function labelOf({ trigger, guard, actions }: Arrow): string {
  const condition = guard === '' ? '' : ` [${guard}]`;
  return `${trigger}${condition}${actions === '' ? '' : ` / ${actions}`}`;
}

/** What each event does in each state; an event of the whole machine stands in every column. */
function table(machine: AnyStateMachine): string {
  const states = statesOf(machine);
  const shared = arrowsOf(machine.root);
  const arrows = states.map((state) => arrowsOf(state));
  const triggers = [...new Set([...arrows.flat(), ...shared].map(({ trigger }) => trigger))];
  const rows = triggers
    .filter((trigger) => trigger !== 'always')
    .map((trigger) => [
      trigger,
      ...arrows.map((own) => {
        const mine = own.filter((arrow) => arrow.trigger === trigger);
        return cell(mine.length > 0 ? mine : shared.filter((arrow) => arrow.trigger === trigger));
      }),
    ]);
  const head = ['', ...states.map(({ key }) => key)];
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cell(arrows: readonly Arrow[]): string {
  return arrows
    .map(({ guard, actions, target }) => {
      const condition = guard === '' ? '' : `[${guard}] `;
      return `${condition}${actions}${target === null ? '' : ` → ${target}`}`;
    })
    .join('<br>');
}

function arrowsOf(node: AnyStateNode): Arrow[] {
  const groups: [string, readonly AnyTransitionDefinition[]][] = [
    ...node.transitions,
    ['always', node.always ?? []],
  ];
  return groups.flatMap(([trigger, transitions]) =>
    transitions.map((transition, position) => ({
      trigger,
      guard: transition.guard ? nameOf(transition.guard) : position > 0 ? 'else' : '',
      actions: transition.actions.map(nameOf).join(', '),
      target: transition.target?.[0]?.key ?? null,
    })),
  );
}

/** Guards and actions are named in every machine; one that isn't can't be drawn. */
function nameOf(part: unknown): string {
  if (typeof part === 'string') return part;
  if (typeof part === 'object' && part !== null && 'type' in part) return String(part.type);
  throw new Error('a guard or an action of a machine has no name');
}

const statesOf = (machine: AnyStateMachine): AnyStateNode[] => Object.values(machine.root.states);
