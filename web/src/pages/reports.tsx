import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { ApiError, call, sentenceOf, withQuery } from '../api/client';
import { type Asked, useAsk, useQuiet } from '../api/hooks';
import type { Kept, Levels, ProductReport, Summary, Unusual } from '../api/reports';
import type { CamelPage } from '../api/types';
import { download } from '../download';
import {
  counted,
  formatChange,
  formatHours,
  formatNumber,
  formatShare,
  formatWord,
} from '../format';
import { announceProblem } from '../ui/announce';
import { Chart } from '../ui/chart';
import { Dialog } from '../ui/dialog';
import { Choice, Field } from '../ui/form';
import { Instead, Link, PageTitle, Table, Time } from '../ui/parts';

const SORTS = [
  ['busiest', 'Busiest'],
  ['idlest', 'Idlest'],
  ['outOfStock', 'Longest out of stock'],
  ['refused', 'Most refused'],
] as const;
type Sort = (typeof SORTS)[number][0];
const DAY_MS = 86_400_000;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** What the store did in a period, as figures, charts and tables, and as CSV. */
export function Reports() {
  const [from, setFrom] = useState(() => dayOf(Date.now() - 29 * DAY_MS));
  const [to, setTo] = useState(() => dayOf(Date.now() + DAY_MS));
  const [sort, setSort] = useState<Sort>('busiest');
  const period = { from: useQuiet(from), to: useQuiet(to) };

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
        <Field label="From" type="date" value={from} onValue={setFrom} error={about('from')} />
        <Field label="To, not in it" type="date" value={to} onValue={setTo} error={about('to')} />
      </search>
      {isPeriodWrong ? null : (
        <>
          <section class="panel" aria-labelledby="figures">
            <Heading
              id="figures"
              title="The period"
              csv={withQuery('/api/reports/summary', period)}
            />
            <Instead of={summary} empty={null} />
            {summary.data && <SummaryFigures summary={summary.data} />}
          </section>
          <section class="panel" aria-label="Levels">
            <Instead of={levels} empty={null} />
            {levels.data && <LevelsChart levels={levels.data} />}
          </section>
          <section class="panel" aria-labelledby="by-product">
            <Heading
              id="by-product"
              title="Products"
              csv={withQuery('/api/reports/products', { ...period, sort, limit: 1000 })}
            >
              <Choice label="First" value={sort} options={SORTS} onValue={setSort} />
            </Heading>
            <ProductRows products={products} />
          </section>
          <section class="panel" aria-labelledby="unusual">
            <Heading
              id="unusual"
              title="Unusual changes"
              csv={withQuery('/api/reports/unusual', period)}
            />
            <UnusualRows unusual={unusual} />
          </section>
        </>
      )}
      <KeptReports />
    </>
  );
}

interface HeadingProps {
  readonly id: string;
  readonly title: string;
  /** where the same is to be had as CSV */
  readonly csv: string;
  readonly children?: ComponentChildren;
}

function Heading({ id, title, csv, children }: HeadingProps) {
  const save = () => {
    const [path = '', query = ''] = csv.split('?');
    const asCsv = `${path}?${query}${query === '' ? '' : '&'}format=csv`;
    download(asCsv, `${path.split('/').at(-1)}.csv`).catch((error: unknown) =>
      announceProblem(sentenceOf(error)),
    );
  };
  return (
    <div class="row between">
      <h2 id={id}>{title}</h2>
      <div class="row">
        {children}
        <button type="button" aria-label={`${title} as CSV`} onClick={save}>
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
    ['Utilisation', formatShare(summary.utilisation), 'unit-hours out of those owned'],
    ['Turnover', summary.turnover?.toFixed(2) ?? '–', 'rented over owned'],
    [
      'Rentals',
      formatNumber(rentals.begun.count),
      `${formatNumber(rentals.returned.count)} came back`,
    ],
    ['Refused', formatNumber(refusals), 'requests'],
    ['Out of stock', formatHours(summary.outOfStockHours), formatShare(summary.outOfStockShare)],
    [
      'Holds made',
      formatNumber(holds.made.count),
      holds.conversion === null
        ? 'none has ended yet'
        : `${formatShare(holds.conversion)} became rentals`,
    ],
    ['Holds lost', formatNumber(holds.lost.count), counted(holds.lost.units, 'unit')],
    ['Stock accuracy', formatShare(stock.accuracy), counted(summary.driftFound, 'drift')],
    ['Restocked', formatNumber(stock.restocks.units), 'units'],
    ['Found, missing', `${stock.foundUnits}, ${stock.missingUnits}`, 'units'],
    ['Owned', formatNumber(Math.round(average.quantity)), 'on average'],
    ['Out', formatNumber(Math.round(average.quantityRented)), 'on average'],
  ];
  return (
    <dl class="figures small first">
      {figures.map(([label, value, note]) => (
        <div key={label} class="figure">
          <dt>{label}</dt>
          <dd>
            {value}
            {note !== undefined && <small class="block quiet">{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function LevelsChart({ levels }: { levels: Levels }) {
  const { data } = levels;
  const times = useMemo(() => data.map(({ at }) => Date.parse(at) / 1000), [data]);
  const series = useMemo(
    () => [
      { label: 'free', color: '--free', values: data.map((point) => point.quantityAvailable) },
      { label: 'held', color: '--held', values: data.map((point) => point.quantityReserved) },
      { label: 'out', color: '--out', values: data.map((point) => point.quantityRented) },
    ],
    [data],
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

/** The reports that were sent by mail, as they were then. */
function KeptReports() {
  const kept = useAsk<CamelPage<Kept>>('/api/reports?limit=20');
  const [open, setOpen] = useState<{ title: string; text: string } | null>(null);
  const rows = kept.data?.data ?? [];
  const show = async (id: string) => {
    try {
      setOpen(await call<{ title: string; text: string }>('GET', `/api/reports/${id}`));
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
            <span class="cut">
              {title} · {formatWord(kind)} · {period} · <Time at={createdAt} />
            </span>
            <button type="button" aria-label={`Show ${title}`} onClick={() => void show(id)}>
              Show
            </button>
          </li>
        ))}
      </ul>
      {open && (
        <Dialog title={open.title} onClose={() => setOpen(null)} isWide>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <pre tabIndex={0}>{open.text}</pre>
        </Dialog>
      )}
    </section>
  );
}
