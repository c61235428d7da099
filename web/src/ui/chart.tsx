import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatAxis } from '../format';

export interface Series {
  readonly label: string;
  /** a custom property of the stylesheet, like `--free` */
  readonly color: string;
  /** null: not known */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  /** a sentence with what it shows, for whoever can't see it */
  readonly summary: string;
  /** seconds since 1970 */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** values hold until the next one, and are no points on a line */
  readonly isStepped?: boolean;
  readonly height?: number;
}

/** A chart over time, as wide as its place; its colours are the theme's. */
export function Chart(props: ChartProps) {
  const { title, summary, times, series, isStepped = false, height = 180 } = props;
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = () => {
      element.replaceChildren();
      const data = [[...times], ...series.map(({ values }) => [...values])];
      return new uPlot(
        optionsFor({ series, isStepped, height, width: element.clientWidth }),
        data as uPlot.AlignedData,
        element,
      );
    };
    let chart = draw();
    const redraw = () => {
      chart.destroy();
      chart = draw();
    };
    const resized = new ResizeObserver(() => {
      if (element.clientWidth > 0) chart.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', redraw);
    addEventListener('themechanged', redraw);
    return () => {
      resized.disconnect();
      system.removeEventListener('change', redraw);
      removeEventListener('themechanged', redraw);
      chart.destroy();
    };
  }, [times, series, isStepped, height]);

  return (
    <figure class="chart">
      <figcaption>
        {title}
        <span class="legend" aria-hidden="true">
          {series.map(({ label, color }) => (
            <span key={label}>
              <i style={{ background: `var(${color})` }} /> {label}
            </span>
          ))}
        </span>
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={`${title}. ${summary}`}
        style={{ minHeight: `${height}px` }}
      />
    </figure>
  );
}

/** Units are whole, so a step on the axis is as well. */
const STEPS = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

function optionsFor(chart: {
  series: readonly Series[];
  isStepped: boolean;
  width: number;
  height: number;
}): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const paths = chart.isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  const grid = { stroke: color('--line'), width: 1 };
  const axis = { stroke: color('--quiet'), grid, ticks: grid, font: '11px system-ui' };
  return {
    width: chart.width,
    height: chart.height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, values: (_chart, splits, _axis, _space, step) => formatAxis(splits, step) },
      { ...axis, size: 54, incrs: STEPS },
    ],
    series: [
      {},
      ...chart.series.map(({ label, color: name }) => ({
        label,
        stroke: color(name),
        width: 2,
        points: { show: false },
        ...(paths ? { paths } : {}),
      })),
    ],
  };
}
