import { useMemo } from 'preact/hooks';
import { sentenceOf } from '../api/client';
import { type Asked, UNTOLD, useAsk, useProducts } from '../api/hooks';
import type { CamelPage, Order, Overview, Page, Rental, WebhookEndpoint } from '../api/types';
import { counted, formatNumber, formatTime } from '../format';
import { useSession } from '../session';
import { Chart } from '../ui/chart';
import { Span } from '../ui/clock';
import { Figure, Instead, Link, PageTitle, UnitsBar } from '../ui/parts';

const always = () => true;
const SHOWN = 8;
const SHOWN_FEW = 3;
const COUNTED_MAX = 50;
/** The service reads it every two seconds at most; that a run of sync is over is told by no event. */
const OVERVIEW = { isOldMs: 2_100, ...UNTOLD };

/** How the shop stands at this moment. */
export function Now() {
  const overview = useAsk<Overview>('/api/overview', always, OVERVIEW);
  return (
    <>
      <PageTitle title="Now">
        {overview.data && (
          <span class="quiet">as of {new Date(overview.data.at).toLocaleTimeString('en-GB')}</span>
        )}
      </PageTitle>
      <Instead of={overview} empty={null} />
      {overview.data && <Figures overview={overview.data} />}
      <div class="columns">
        <Attention figures={overview} />
        <LowStock overview={overview.data} />
        <Overdue />
      </div>
      {overview.data && <Activity overview={overview.data} />}
    </>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const { units, products } = overview;
  const lastMinutes = overview.activity.slice(-6, -1);
  /** On average, over those of the last five minutes that were counted. */
  const perMinute = (what: 'rentals' | 'holds' | 'refusals') => {
    const counts = lastMinutes.flatMap((minute) => minute[what] ?? []);
    if (counts.length === 0) return null;
    return Math.round((counts.reduce((sum, n) => sum + n, 0) / counts.length) * 10) / 10;
  };
  return (
    <div class="panel">
      <dl class="figures">
        <Figure label="Units owned" value={units.quantity} />
        <Figure label="Free" value={units.quantity_available} tone="free" />
        <Figure
          label="Held"
          value={units.quantity_reserved}
          tone="held"
          to="/reservations?status=reserved"
        />
        <Figure label="Out" value={units.quantity_rented} tone="out" to="/rentals?status=active" />
      </dl>
      <UnitsBar
        free={units.quantity_available}
        held={units.quantity_reserved}
        out={units.quantity_rented}
      />
      <dl class="figures small">
        <Figure
          label="Products available"
          value={products.available}
          to="/products?status=available"
        />
        <Figure label="Rented out" value={products.rented_out} to="/products?status=rented_out" />
        <Figure label="Drafts" value={products.draft} to="/products?status=draft" />
        <Figure label="Low, or out" value={overview.low_products} to="/products?status=low" />
        <Figure label="Overdue" value={overview.overdue_rentals} to="/rentals?overdue=true" />
        <Figure label="Rentals a minute" value={perMinute('rentals')} />
        <Figure label="Holds a minute" value={perMinute('holds')} />
        <Figure label="Refused a minute" value={perMinute('refusals')} />
      </dl>
    </div>
  );
}

function Activity({ overview }: { overview: Overview }) {
  const { activity, at: now } = overview;
  // The minute that is under way reaches up to now.
  const minutes = useMemo(
    () => [...activity, ...activity.slice(-1).map((last) => ({ ...last, at: now }))],
    [activity, now],
  );
  const times = useMemo(() => minutes.map(({ at }) => Date.parse(at) / 1000), [minutes]);
  const series = useMemo(
    () => [
      { label: 'rentals', color: '--out', values: minutes.map(({ rentals }) => rentals) },
      { label: 'back, cancelled', color: '--free', values: minutes.map(({ returns }) => returns) },
      { label: 'holds', color: '--held', values: minutes.map(({ holds }) => holds) },
      { label: 'refused', color: '--bad', values: minutes.map(({ refusals }) => refusals) },
    ],
    [minutes],
  );
  const sums = series.map(
    ({ label, values }) =>
      `${formatNumber(values.slice(0, -1).reduce<number>((sum, n) => sum + (n ?? 0), 0))} ${label}`,
  );
  return (
    <section class="panel" aria-label="The last half hour">
      <Chart
        title="The last half hour, minute by minute"
        summary={`${sums.join(', ')}.`}
        times={times}
        series={series}
        isStepped
      />
    </section>
  );
}

/** What somebody has to look after. */
function Attention({ figures }: { figures: Asked<Overview> }) {
  const { role } = useSession();
  const overview = figures.data;
  const refunds = useAsk<CamelPage<Order>>(
    `/api/orders?status=refund_required&limit=${COUNTED_MAX}`,
    ({ type }) => type.startsWith('order.'),
    UNTOLD,
  );
  const mayAskWebhooks = role === 'admin' || role === 'service';
  const webhooks = useAsk<CamelPage<WebhookEndpoint>>(
    mayAskWebhooks ? '/api/webhook-endpoints?limit=200' : null,
    ({ type }) => type === 'webhook_endpoint.disabled',
    UNTOLD,
  );
  const refund = refunds.data?.data.length ?? 0;
  const failing = (webhooks.data?.data ?? []).filter(
    ({ disabledReason, failingSince }) => disabledReason !== null || failingSince !== null,
  );
  const drift = role === 'admin' ? overview : null;
  const unrepaired = drift?.last_sync?.unrepaired_products ?? 0;
  const questions: readonly (readonly [about: string, asked: Asked<unknown>])[] = [
    ['Stock, rentals and drift', figures],
    ['Orders to refund', refunds],
    ...(mayAskWebhooks ? [['Webhooks', webhooks] as const] : []),
  ];
  const unanswered = questions.filter(([, { error }]) => error !== null);
  const isAllAnswered = questions.every(([, { data, error }]) => data !== null && error === null);
  const overdue = overview?.overdue_rentals ?? 0;
  const empty = overview?.empty_products ?? 0;
  const isQuiet = refund + unrepaired + failing.length + overdue + empty === 0;
  return (
    <section class="panel" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      {unanswered.length > 0 && (
        <div class="wrong box" role="alert">
          {unanswered.map(([about, { error }]) => (
            <p key={about}>
              {about} could not be looked at: {sentenceOf(error)}
            </p>
          ))}
          <button
            type="button"
            onClick={() => {
              for (const [, { reload }] of unanswered) reload();
            }}
          >
            Try again
          </button>
        </div>
      )}
      <ul class="plain-list">
        {refund > 0 && (
          <li class="bad">
            <Link to="/orders?status=refund_required">
              {refunds.data?.nextCursor ? `More than ${refund} orders` : counted(refund, 'order')}{' '}
              to refund
            </Link>
          </li>
        )}
        {unrepaired > 0 && (
          <li class="bad">
            <Link to="/drift">{counted(unrepaired, 'product')} drifted, not repaired</Link>
          </li>
        )}
        {failing.slice(0, SHOWN_FEW).map((endpoint) => (
          <li key={endpoint.id} class="bad">
            {sayFailing(endpoint)}
          </li>
        ))}
        {failing.length > SHOWN_FEW && (
          <li class="bad">{counted(failing.length - SHOWN_FEW, 'webhook')} more failing</li>
        )}
        {overdue > 0 && (
          <li>
            <Link to="/rentals?overdue=true">{counted(overdue, 'rental')} overdue</Link>
          </li>
        )}
        {empty > 0 && (
          <li>
            <Link to="/products?status=rented_out">
              {counted(empty, 'product')} with no unit free
            </Link>
          </li>
        )}
        {isAllAnswered && isQuiet && <li>Nothing needs attention.</li>}
        {drift && (
          <li class="quiet">
            {drift.last_sync ? (
              <>
                All products were looked at for drift <Span at={drift.last_sync.started_at} />:{' '}
                {sayFound(drift.last_sync)}
              </>
            ) : (
              <Link to="/drift">Drift was never looked for</Link>
            )}
          </li>
        )}
      </ul>
    </section>
  );
}

function sayFound({ drifted_products: drifted, dry_run }: NonNullable<Overview['last_sync']>) {
  if (drifted === 0) return 'none had drifted.';
  return `${counted(drifted, 'product')} ${dry_run ? 'had drifted' : 'repaired'}.`;
}

function sayFailing({ url, disabledReason, failingSince }: WebhookEndpoint): string {
  const name = `The webhook to ${new URL(url).host}`;
  if (disabledReason === 'gone') return `${name} is switched off: it answered that it is gone`;
  if (disabledReason === 'failing') return `${name} is switched off: it took nothing for a day`;
  return `${name} is failing${failingSince === null ? '' : ` since ${formatTime(failingSince)}`}`;
}

/** The products that are short, the shortest first. */
function LowStock({ overview }: { overview: Overview | null }) {
  if (!overview) return null;
  const { lowest, empty_products: empty, low_products: low } = overview;
  return (
    <section class="panel" aria-labelledby="low">
      <h2 id="low">Low, or out</h2>
      {low === 0 ? (
        <p class="quiet box">Nothing is low.</p>
      ) : (
        <p>
          <Link to="/products?status=rented_out">{formatNumber(empty)} out</Link>
          {' · '}
          <Link to="/products?status=low">{formatNumber(low)} low, or out</Link>
        </p>
      )}
      <ul class="plain-list">
        {lowest.map((product) => (
          <li key={product.product_id} class="row between">
            <span class="cut">
              <Link to={`/products/${product.product_id}`}>{product.name}</Link>
            </span>
            <span class={product.quantity_available === 0 ? 'bad' : ''}>
              {formatNumber(product.quantity_available)} of {formatNumber(product.quantity)} free
            </span>
          </li>
        ))}
      </ul>
      <p class="quiet">
        Low is {counted(overview.low_stock_threshold, 'free unit')} or fewer, where a product has no
        threshold of its own.
      </p>
    </section>
  );
}

function Overdue() {
  const overdue = useAsk<Page<Rental>>(`/api/rentals?overdue=true&limit=${SHOWN}`, ({ type }) =>
    type.startsWith('rental.'),
  );
  const rows = overdue.data?.data ?? [];
  const products = useProducts(rows.map(({ product_id }) => product_id));
  return (
    <section class="panel" aria-labelledby="overdue">
      <h2 id="overdue">Overdue</h2>
      <Instead
        of={overdue}
        empty={overdue.data && rows.length === 0 ? 'Nothing is overdue.' : null}
      />
      <ul class="plain-list">
        {rows.map((rental) => (
          <li key={rental.id} class="row between">
            <span class="cut">
              <Link to={`/products/${rental.product_id}`}>
                {products.get(rental.product_id)?.name ?? `Product ${rental.product_id}`}
              </Link>
              {rental.user_id !== null && ` · ${rental.user_id}`}
            </span>
            <span class="bad">{rental.ends_at !== null && <Span at={rental.ends_at} />}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
