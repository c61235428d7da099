import { useEffect, useMemo, useState } from 'preact/hooks';
import { call, sentenceOf, withQuery } from '../api/client';
import { useQuiet } from '../api/hooks';
import type { Movement, Page } from '../api/types';
import { counted, formatTime } from '../format';
import { Chart } from '../ui/chart';

const PAGE = 200;
const PAGES_MAX = 5;
const REDRAW_MS = 1_000;

/** Free, held and out over time, as far back as the newest thousand lines of the ledger reach. */
export function History({ productId, version }: { productId: number; version: number }) {
  const [lines, setLines] = useState<readonly Movement[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const drawn = useQuiet(version, lines === null ? 0 : REDRAW_MS);

  // Another version has more lines.
  useEffect(() => {
    const abort = new AbortController();
    readLines(productId, abort.signal).then(
      (read) => {
        setLines(read);
        setError(null);
      },
      (reason: unknown) => {
        if (!abort.signal.aborted) setError(reason);
      },
    );
    return () => abort.abort();
  }, [productId, drawn]);

  const { times, series } = useMemo(() => seriesOf(lines ?? []), [lines]);
  const first = lines?.[0];
  return (
    <section class="panel" aria-label="Units over time">
      {error !== null && <p class="wrong">{sentenceOf(error)}</p>}
      {lines === null && error === null && <p class="quiet chart-space">Loading …</p>}
      {first && (
        <Chart
          title="Units over time"
          summary={`${counted(lines.length, 'change')} since ${formatTime(first.created_at)}.`}
          times={times}
          series={series}
          isStepped
        />
      )}
    </section>
  );
}

/** The newest lines, the oldest of them first. */
async function readLines(productId: number, signal: AbortSignal): Promise<Movement[]> {
  const lines: Movement[] = [];
  let cursor: string | null = null;
  for (let i = 0; i < PAGES_MAX; i++) {
    const path = withQuery(`/api/products/${productId}/movements`, { limit: PAGE, cursor });
    const page: Page<Movement> = await call<Page<Movement>>('GET', path, { signal });
    lines.push(...page.data);
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return lines.reverse();
}

function seriesOf(lines: readonly Movement[]) {
  const last = lines.at(-1);
  // What the last line left is so until now.
  const points = last ? [...lines, { ...last, created_at: new Date().toISOString() }] : [];
  const times = points.map(({ created_at }) => Date.parse(created_at) / 1000);
  const values = (of: (line: Movement) => number) => points.map(of);
  return {
    times,
    series: [
      { label: 'free', color: '--free', values: values((line) => line.quantity_available) },
      { label: 'held', color: '--held', values: values((line) => line.quantity_reserved) },
      { label: 'out', color: '--out', values: values((line) => line.quantity_rented) },
    ],
  };
}
