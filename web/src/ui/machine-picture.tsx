import { formatWord } from '../format';
import { PRODUCT_STATES, PRODUCT_TRANSITIONS, type ProductState } from './product-machine';

const WIDTH = 112;
const HEIGHT = 38;
/** the left upper corner of each state's box */
const PLACES: Readonly<Record<ProductState, readonly [x: number, y: number]>> = {
  draft: [154, 8],
  available: [8, 138],
  rented_out: [300, 138],
};

/** Where each arrow runs, and where its label stands. */
const ARROWS: Readonly<Record<string, { d: string; x: number; y: number; anchor: string }>> = {
  'draft available': { d: 'M172 47 L66 136', x: 106, y: 90, anchor: 'end' },
  'available draft': { d: 'M98 137 L204 48', x: 148, y: 108, anchor: 'start' },
  'available rented_out': { d: 'M121 149 H297', x: 210, y: 143, anchor: 'middle' },
  'rented_out available': { d: 'M299 167 H123', x: 210, y: 182, anchor: 'middle' },
  'rented_out draft': { d: 'M356 137 L250 48', x: 314, y: 90, anchor: 'start' },
};

/** The machine of a product, with the state that it is in lit. */
export function MachinePicture({ state }: { state: ProductState }) {
  const leads = PRODUCT_TRANSITIONS.filter(({ from }) => from === state);
  const label =
    `The product is ${formatWord(state)}. From here: ` +
    `${leads.map(({ label, to }) => `${label}, to ${formatWord(to)}`).join('; ')}.`;
  return (
    <svg class="machine" viewBox="0 0 420 192" role="img" aria-label={label}>
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerUnits="userSpaceOnUse"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" class="tip" />
        </marker>
      </defs>
      {PRODUCT_TRANSITIONS.map(({ from, to, label: text }) => {
        const arrow = ARROWS[`${from} ${to}`];
        if (!arrow) return null;
        return (
          <g key={`${from} ${to}`} class={from === state ? 'arrow leads' : 'arrow'}>
            <path d={arrow.d} marker-end="url(#tip)" />
            <text x={arrow.x} y={arrow.y} text-anchor={arrow.anchor}>
              {text}
            </text>
          </g>
        );
      })}
      {PRODUCT_STATES.map((each) => {
        const [x, y] = PLACES[each];
        return (
          <g key={each} class={each === state ? 'state lit' : 'state'} data-state={each}>
            <rect x={x} y={y} width={WIDTH} height={HEIGHT} rx="9" />
            <text x={x + WIDTH / 2} y={y + HEIGHT / 2 + 5}>
              {formatWord(each)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
