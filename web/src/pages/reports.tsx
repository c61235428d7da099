import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { ApiError, call, sentenceOf, withQuery } from '../api/client';
import { type Asked, useAsk, useQuiet } from '../api/hooks';
import type { Kept, Levels, ProductReport, Summary, Unusual } from '../api/reports';
import type { CamelPage } from '../api/types';
import { download } from '../download';
import {
  counted,
  DAY_MS,
  formatChange,
  formatDay,
  formatHours,
  formatMonth,
  formatNumber,
  formatShare,
  formatWeek,
} from '../format';
import { announceProblem } from '../ui/announce';
import { Chart } from '../ui/chart';
import { Dialog } from '../ui/dialog';
import { Choice, Field } from '../ui/form';
import { usePaged } from '../ui/paging';
import { Instead, Link, Pager, PageTitle, Table, Time } from '../ui/parts';

const SORTS = [
  ['busiest', 'Busiest'],
  ['idlest', 'Idlest'],
  ['outOfStock', 'Longest out of stock'],
  ['refused', 'Most refused'],
] as const;
type Sort = (typeof SORTS)[number][0];
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
/** The day after one; what is no day stays what it is, so that the API says so. */
function dayAfter(day: string): string {
  const ms = Date.parse(day);
  return Number.isNaN(ms) ? day : dayOf(ms + DAY_MS);
}

/** What the store did in a period, as figures, charts and tables, and as CSV. */
export function Reports() {
  const [from, setFrom] = useState(() => dayOf(Date.now() - 29 * DAY_MS));
  const [last, setLast] = useState(() => dayOf(Date.now()));
  const [sort, setSort] = useState<Sort>('busiest');
  // The API's period ends before its last day, a reader's after it.
  const period = { from: useQuiet(from), to: dayAfter(useQuiet(last)) };

  const summary = useAsk<Summary>(withQuery('/api/reports/summary', period));
  const levels = useAsk<Levels>(withQuery('/api/reports/levels', period));
  const products = useAsk<CamelPage<ProductReport>>(
    withQuery('/api/reports/products', { ...period, sort, limit: 20 }),
  );
  const unusual = useAsk<Unusual>(withQuery('/api/reports/unusual', { ...period, limit: 20 }));
  const about = (field: string) =>
    summary.error instanceof ApiError ? summary.error.about(field) : null;
  const isPeriodWrong = about('from') !== null || about('to') !== null;

  return (
    <>
      <PageTitle title="Reports" />
      <search class="filters row">
        <Field label="First day" type="date" value={from} onValue={setFrom} error={about('from')} />
        <Field label="Last day" type="date" value={last} onValue={setLast} error={about('to')} />
      </search>
      {isPeriodWrong ? null : (
        <>
          <section class="panel" aria-labelledby="figures">
            <Heading
              id="figures"
              title={sayPeriod(summary.data)}
              csvName="Figures"
              csv={withQuery('/api/reports/summary', period)}
            />
            <Instead of={summary} empty={null} />
            {summary.data && <SummaryFigures summary={summary.data} />}
          </section>
          <section class="panel" aria-labelledby="levels">
            <Heading id="levels" title="Levels" csv={withQuery('/api/reports/levels', period)} />
            <Instead of={levels} empty={null} />
            {levels.data && <LevelsChart levels={levels.data} />}
          </section>
          <section class="panel" aria-labelledby="by-product">
            <Heading
              id="by-product"
              title="Products"
              csv={withQuery('/api/reports/products', { ...period, sort, limit: 1000 })}
            >
              <Choice label="Order" value={sort} options={SORTS} onValue={setSort} />
            </Heading>
            <ProductRows products={products} />
          </section>
          <section class="panel" aria-labelledby="unusual">
            <Heading
              id="unusual"
              title="Unusual changes"
              csv={withQuery('/api/reports/unusual', { ...period, limit: 1000 })}
            />
            <UnusualRows unusual={unusual} />
          </section>
        </>
      )}
      <KeptReports />
    </>
  );
}

/** What was reported on: whole days in UTC, the last one up to now where it is not over. */
function sayPeriod(reported: Summary | null): string {
  if (!reported) return 'The period';
  const last = new Date(Date.parse(reported.to) - 1).toISOString();
  const first = formatDay(reported.from);
  return formatDay(last) === first ? first : `${first} to ${formatDay(last)}`;
}

interface HeadingProps {
  readonly id: string;
  readonly title: string;
  /** what the CSV is of, where the title does not say so */
  readonly csvName?: string;
  /** where the same is to be had as CSV */
  readonly csv: string;
  readonly children?: ComponentChildren;
}

function Heading({ id, title, csv, csvName = title, children }: HeadingProps) {
  const save = () => {
    const [path = '', query = ''] = csv.split('?');
    const asCsv = `${path}?${query}${query === '' ? '' : '&'}format=csv`;
    const given = new URLSearchParams(query);
    const days = [given.get('from'), given.get('to')].filter(Boolean).join('-until-');
    download(asCsv, `${path.split('/').at(-1)}-${days}.csv`).catch((error: unknown) =>
      announceProblem(sentenceOf(error)),
    );
  };
  return (
    <div class="row between">
      <h2 id={id}>{title}</h2>
      <div class="row">
        {children}
        <button type="button" aria-label={`${csvName} as CSV`} onClick={save}>
          CSV
        </button>
      </div>
    </div>
  );
}

function SummaryFigures({ summary }: { summary: Summary }) {
  const { rentals, holds, stock, refused, averageLevels: average } = summary;
  const refusals =
    refused.outOfStock.requests +
    refused.insufficientStock.requests +
    refused.notAvailable.requests;
  const figures: readonly (readonly [label: string, value: string, note?: string])[] = [
    ['Utilisation', formatShare(summary.utilisation), 'of the hours of all units, they were out'],
    ['Turnover', summary.turnover?.toFixed(2) ?? '–', 'rentals of a unit, on average'],
    [
      'Rentals',
      formatNumber(rentals.begun.count),
      `${formatNumber(rentals.returned.count)} came back, ${formatNumber(rentals.cancelled.count)} cancelled`,
    ],
    ['Refused', formatNumber(refusals), 'no unit, too few, or a draft'],
    [
      'Out of stock',
      formatHours(summary.outOfStockHours),
      `${formatShare(summary.outOfStockShare)} of the hours of all products; ${counted(refused.outOfStock.requests, 'request')} refused meanwhile`,
    ],
    [
      'Holds made',
      formatNumber(holds.made.count),
      holds.conversion === null
        ? 'none has ended yet'
        : `${formatShare(holds.conversion)} became rentals`,
    ],
    ['Holds lost', formatNumber(holds.lost.count), counted(holds.lost.units, 'unit')],
    [
      'Stock accuracy',
      formatShare(stock.accuracy),
      `drift found ${counted(summary.driftFound, 'time')}`,
    ],
    ['Restocked', formatNumber(stock.restocks.units), 'units'],
    [
      'Counted',
      formatChange(stock.foundUnits - stock.missingUnits),
      `${formatNumber(stock.foundUnits)} found, ${formatNumber(stock.missingUnits)} missing`,
    ],
    ['Units owned', formatNumber(Math.round(average.quantity)), 'on average'],
    [
      'Units out',
      formatNumber(Math.round(average.quantityRented)),
      `on average; ${formatNumber(Math.round(average.quantityAvailable))} free, ${formatNumber(Math.round(average.quantityReserved))} held`,
    ],
  ];
  return (
    <dl class="figures small first">
      {figures.map(([label, value, note]) => (
        <div key={label} class="figure">
          <dt>{label}</dt>
          <dd>
            <span>{value}</span>
            {note !== undefined && <small class="block quiet">{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function LevelsChart({ levels }: { levels: Levels }) {
  const { data, to } = levels;
  // What the last step had is so until the end.
  const points = useMemo(
    () => [...data, ...data.slice(-1).map((one) => ({ ...one, at: to }))],
    [data, to],
  );
  const times = useMemo(() => points.map(({ at }) => Date.parse(at) / 1000), [points]);
  const series = useMemo(
    () => [
      { label: 'free', color: '--free', values: points.map((point) => point.quantityAvailable) },
      { label: 'held', color: '--held', values: points.map((point) => point.quantityReserved) },
      { label: 'out', color: '--out', values: points.map((point) => point.quantityRented) },
    ],
    [points],
  );
  if (data.length === 0) return <p class="quiet">There was nothing yet.</p>;
  const last = data.at(-1);
  const end = last ? `${Math.round(last.quantityRented)} out of ${Math.round(last.quantity)}` : '';
  return (
    <Chart
      title="Units over the period, on average"
      summary={`At the end ${end}.`}
      times={times}
      series={series}
      isStepped
    />
  );
}

function ProductRows({ products }: { products: Asked<CamelPage<ProductReport>> }) {
  const rows = products.data?.data ?? [];
  if (rows.length === 0)
    return <Instead of={products} empty={products.data && 'No product did.'} />;
  return (
    <Table label="Products">
      <thead>
        <tr>
          <th>Product</th>
          <th class="number">Utilisation</th>
          <th class="number">Rentals</th>
          <th class="number">Hours out</th>
          <th class="number">Out of stock</th>
          <th class="number">Refused</th>
          <th class="number">Turnover</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.productId}>
            <td class="name">
              <Link to={`/products/${row.productId}`}>{row.name}</Link>
            </td>
            <td class="number">{formatShare(row.utilisation)}</td>
            <td class="number">{formatNumber(row.rentals.begun.count)}</td>
            <td class="number">{formatHours(row.unitHours.quantityRented)}</td>
            <td class="number">{formatHours(row.outOfStockHours)}</td>
            <td class="number">{formatNumber(row.refused.requests)}</td>
            <td class="number">{row.turnover?.toFixed(2) ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function UnusualRows({ unusual }: { unusual: Asked<Unusual> }) {
  const rows = unusual.data?.data ?? [];
  if (rows.length === 0) return <Instead of={unusual} empty={unusual.data && 'None was.'} />;
  return (
    <Table label="Unusual changes">
      <thead>
        <tr>
          <th>When</th>
          <th>SKU</th>
          <th class="number">Change</th>
          <th class="number">Usual</th>
          <th>Reason</th>
          <th>By</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <td class="nowrap">
              <Time at={row.createdAt} />
            </td>
            <td class="code">
              <Link to={`/products/${row.productId}`}>{row.sku}</Link>
            </td>
            <td class="number">{formatChange(row.change)}</td>
            <td class="number">{formatNumber(row.usual)}</td>
            <td>{row.reason}</td>
            <td>{row.actor}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const KINDS: Readonly<Record<Kept['kind'], string>> = {
  low_stock: 'Low stock',
  reconciliation: 'Drift and movements',
  stock_review: 'Stock advice and suppliers',
};

/** A day, a week or a month: 2026-11-21, 2026-W47, 2026-11. */
function sayKept(period: string): string {
  if (period.includes('W')) return formatWeek(period);
  return period.length === 7 ? formatMonth(period) : formatDay(period);
}

/** What a title says behind its kind and period. */
const headlineOf = (title: string) => title.slice(title.indexOf(': ') + 2);

/** The reports that were sent by mail, as they were then. */
function KeptReports() {
  const kept = usePaged<Kept>('/api/reports?limit=20');
  const [open, setOpen] = useState<(Kept & { readonly text: string }) | null>(null);
  const { rows } = kept;
  const show = async (id: string) => {
    try {
      setOpen(await call<Kept & { text: string }>('GET', `/api/reports/${id}`));
    } catch (error) {
      announceProblem(sentenceOf(error));
    }
  };
  return (
    <section class="panel" aria-labelledby="kept">
      <h2 id="kept">Daily, weekly, monthly</h2>
      <Instead of={kept} empty={kept.data && rows.length === 0 ? 'None was made yet.' : null} />
      <ul class="plain-list">
        {rows.map(({ id, title, kind, period, createdAt }) => (
          <li key={id} class="row between">
            <span>
              <strong>
                {KINDS[kind]}, {sayKept(period)}
              </strong>
              <span class="block quiet">
                {headlineOf(title)} · made <Time at={createdAt} />
              </span>
            </span>
            <button
              type="button"
              aria-label={`Show ${KINDS[kind]}, ${sayKept(period)}`}
              onClick={() => void show(id)}
            >
              Show
            </button>
          </li>
        ))}
      </ul>
      <Pager {...kept} />
      {open && (
        <Dialog
          title={`${KINDS[open.kind]}, ${sayKept(open.period)}`}
          onClose={() => setOpen(null)}
          isWide
        >
          <p>{headlineOf(open.title)}</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <pre tabIndex={0}>{open.text.slice(open.title.length).trim()}</pre>
        </Dialog>
      )}
    </section>
  );
}
