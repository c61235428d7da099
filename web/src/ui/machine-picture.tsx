import { formatWord } from '../format';
import { PRODUCT_STATES, PRODUCT_TRANSITIONS, type ProductState } from './product-machine';

const WIDTH = 108;
const HEIGHT = 40;
/** the left upper corner of each state's box */
const PLACES: Readonly<Record<ProductState, readonly [x: number, y: number]>> = {
  draft: [8, 62],
  available: [206, 62],
  rented_out: [404, 62],
};

/** Where each arrow runs, and where its label stands. */
const ARROWS: Readonly<Record<string, { d: string; x: number; y: number }>> = {
  'draft available': { d: 'M116 74 H204', x: 160, y: 67 },
  'available draft': { d: 'M206 92 H118', x: 162, y: 108 },
  'available rented_out': { d: 'M314 74 H402', x: 358, y: 67 },
  'rented_out available': { d: 'M404 92 H316', x: 360, y: 108 },
  'rented_out draft': { d: 'M458 62 V34 Q458 22 446 22 H74 Q62 22 62 34 V60', x: 260, y: 16 },
};

/** The machine of a product, with the state that it is in lit. */
export function MachinePicture({ state }: { state: ProductState }) {
  const leads = PRODUCT_TRANSITIONS.filter(({ from }) => from === state);
  const label =
    `The product is ${formatWord(state)}. From here: ` +
    `${leads.map(({ label, to }) => `${label}, to ${formatWord(to)}`).join('; ')}.`;
  return (
    <svg class="machine" viewBox="0 0 520 120" role="img" aria-label={label}>
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
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
            <text x={arrow.x} y={arrow.y}>
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
