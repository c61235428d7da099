import { useState } from 'preact/hooks';
import { ApiError, call, sentenceOf } from '../api/client';
import { UNTOLD, useAsk, useProducts } from '../api/hooks';
import type { Counters, Drift as Finding, Page, SyncReport, SyncRun } from '../api/types';
import { counted, formatNumber, formatTime, formatWord } from '../format';
import { useIsAdmin } from '../session';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Form } from '../ui/form';
import { Instead, Link, PageTitle, Status, Table, Time } from '../ui/parts';

const COUNTERS: readonly (readonly [keyof Counters, string])[] = [
  ['quantity', 'Owned'],
  ['quantity_available', 'Free'],
  ['quantity_reserved', 'Held'],
  ['quantity_rented', 'Out'],
];

/** What happened, whether or not it is repaired yet. */
const CAUSES: Readonly<Record<string, string>> = {
  over_committed:
    'More units are out or held than are owned. They exist, so a repair raises the owned count to them: count the units.',
  counter_changed_outside:
    "The product's row was edited past the service. A repair works out what is free from what is owned, out and held.",
  rental_changed_outside:
    'A rental was changed past the service. A repair takes the units out from the rentals as they are.',
  reservation_changed_outside:
    'A hold was changed past the service. A repair takes the units held from the holds as they are.',
};

const STARTERS: Readonly<Record<string, string>> = {
  http: 'somebody',
  script: 'a script',
  cron: 'the service',
};

/** What a dry run found, and what became of it since. */
interface Found {
  readonly report: SyncReport;
  /** how it was looked for: a repair looks in the same way */
  readonly isDeep: boolean;
  /** products that are in order since, whoever repaired them */
  readonly repaired: number;
}

/** Looks for counters that disagree with what they count, and mends them. */
export function Drift() {
  const isAdmin = useIsAdmin();
  const runs = useAsk<Page<SyncRun>>(
    isAdmin ? '/api/products/sync-quantities/status?limit=20' : null,
    ({ type }) => type === 'drift.found',
    UNTOLD,
  );
  const [found, setFound] = useState<Found | null>(null);
  const [isDeep, setDeep] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState<'all' | number | null>(null);

  if (!isAdmin) {
    return (
      <>
        <PageTitle title="Drift" />
        <p class="box">This needs the role admin.</p>
      </>
    );
  }

  const look = async () => {
    setBusy(true);
    setError(null);
    try {
      const path = `/api/products/sync-quantities?dry_run=true&deep=${isDeep}`;
      const report = await call<SyncReport>('POST', path);
      setFound({ report, isDeep, repaired: 0 });
    } catch (reason) {
      if (!(reason instanceof ApiError && reason.status === 401)) setError(reason);
    } finally {
      setBusy(false);
      runs.reload();
    }
  };
  const repair = async (key: string) => {
    if (asked === null || !found) return;
    const path =
      asked === 'all'
        ? `/api/products/sync-quantities?deep=${found.isDeep}`
        : `/api/products/${asked}/sync-quantity?deep=${found.isDeep}`;
    const { synced_products: repaired } = await call<SyncReport>('POST', path, { key });
    announce(repaired === 0 ? IN_ORDER[asked === 'all' ? 'all' : 'one'] : sayRepaired(repaired));
    // Whatever the repair did not find any more is in order as well: somebody was there before.
    setFound(asked === 'all' ? allInOrder(found) : oneInOrder(found, asked));
    setAsked(null);
    runs.reload();
  };
  return (
    <>
      <PageTitle title="Drift" />
      <section class="panel" aria-label="Look for drift">
        <div class="row between">
          <label class="check">
            <input
              type="checkbox"
              checked={isDeep}
              onChange={(event) => setDeep(event.currentTarget.checked)}
            />
            Add every ledger up line by line (slower)
          </label>
          <button type="button" class="primary" disabled={isBusy} onClick={() => void look()}>
            {isBusy ? 'Looking …' : 'Look for drift'}
          </button>
        </div>
        <p class="quiet">A dry run: it finds what is wrong, and changes nothing.</p>
        <div role="alert">{error !== null && <p class="wrong box">{sentenceOf(error)}</p>}</div>
        <p role="status">{found && sayFound(found)}</p>
        {found && found.report.details.length > 0 && (
          <>
            <Findings findings={found.report.details} onRepair={setAsked} />
            {found.report.details_truncated && <p class="quiet">The first 1,000 are shown.</p>}
            <div class="row end">
              <button type="button" class="primary" onClick={() => setAsked('all')}>
                Repair all
              </button>
            </div>
          </>
        )}
      </section>
      {asked !== null && (
        <Dialog title={asked === 'all' ? 'Repair all' : 'Repair'} onClose={() => setAsked(null)}>
          <p>
            The counters become what rentals and holds say, with a line in the ledger. This can not
            be undone.
          </p>
          <Form onSend={repair} submit="Repair" fields={[]} onCancel={() => setAsked(null)}>
            {() => null}
          </Form>
        </Dialog>
      )}
      <section class="panel" aria-labelledby="runs">
        <h2 id="runs">Past runs</h2>
        <Instead
          of={runs}
          empty={runs.data?.data.length === 0 ? 'Drift was never looked for.' : null}
        />
        {runs.data && runs.data.data.length > 0 && <Runs runs={runs.data.data} />}
      </section>
    </>
  );
}

const IN_ORDER = {
  one: 'The product was in order already.',
  all: 'All products were in order already.',
} as const;

const sayRepaired = (repaired: number) => `${counted(repaired, 'product')} repaired.`;

function sayFound({ report, repaired }: Found): string {
  const { total_products: total, synced_products: drifted } = report;
  const found = `${counted(total, 'product')} looked at, ${formatNumber(drifted)} drifted`;
  if (repaired === 0) return `${found}.`;
  return `${found}; ${formatNumber(repaired)} of ${formatNumber(drifted)} repaired since.`;
}

const allInOrder = (found: Found): Found => ({
  ...found,
  report: { ...found.report, details: [] },
  repaired: found.report.synced_products,
});

function oneInOrder(found: Found, productId: number): Found {
  const details = found.report.details.filter(({ product_id }) => product_id !== productId);
  return { ...found, report: { ...found.report, details }, repaired: found.repaired + 1 };
}

interface FindingsProps {
  readonly findings: readonly Finding[];
  readonly onRepair: ((productId: number) => void) | null;
}

function Findings({ findings, onRepair }: FindingsProps) {
  const products = useProducts(findings.map(({ product_id }) => product_id));
  return (
    <Table label="What had drifted">
      <thead>
        <tr>
          <th>Product</th>
          {COUNTERS.map(([name, label]) => (
            <th key={name} class="number">
              {label}
            </th>
          ))}
          <th>Status</th>
          <th>Cause</th>
          {onRepair && <th>Actions</th>}
        </tr>
      </thead>
      <tbody>
        {findings.map((finding) => {
          const name = products.get(finding.product_id)?.name ?? `Product ${finding.product_id}`;
          return (
            <tr key={finding.product_id}>
              <td class="name">
                <Link to={`/products/${finding.product_id}`}>{name}</Link>
              </td>
              {COUNTERS.map(([counter]) => (
                <td key={counter} class="number nowrap">
                  <Change from={finding.old[counter]} to={finding.new[counter]} />
                </td>
              ))}
              <td class="nowrap">
                {finding.old_status !== finding.new_status && (
                  <>
                    <Status of={finding.old_status} /> →{' '}
                  </>
                )}
                <Status of={finding.new_status} />
              </td>
              <td title={finding.causes.map((cause) => CAUSES[cause]).join('\n')}>
                {finding.causes.map(formatWord).join(', ')}
              </td>
              {onRepair && (
                <td>
                  <button
                    type="button"
                    aria-label={`Repair ${name}`}
                    onClick={() => onRepair(finding.product_id)}
                  >
                    Repair
                  </button>
                </td>
              )}
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function Change({ from, to }: { from: number; to: number }) {
  if (from === to) return <>{formatNumber(to)}</>;
  return (
    <>
      <del>{formatNumber(from)}</del> → <ins>{formatNumber(to)}</ins>
    </>
  );
}

function Runs({ runs }: { runs: readonly SyncRun[] }) {
  const [open, setOpen] = useState<SyncRun | null>(null);
  return (
    <>
      <Table label="Past runs">
        <thead>
          <tr>
            <th>When</th>
            <th>Kind</th>
            <th>By</th>
            <th>Status</th>
            <th class="number">Looked at</th>
            <th class="number">Drifted</th>
            <th>Findings</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td class="nowrap">
                <Time at={run.started_at} />
              </td>
              <td>
                {run.dry_run ? 'dry run' : 'repair'}
                {run.deep && ', deep'}
                {run.product_id !== null && `, product ${run.product_id}`}
              </td>
              <td>{STARTERS[run.started_by] ?? run.started_by}</td>
              <td>
                <Status of={run.status} />
              </td>
              <td class="number">{formatNumber(run.total_products)}</td>
              <td class="number">{formatNumber(run.synced_products)}</td>
              <td>
                {run.details.length > 0 && (
                  <button
                    type="button"
                    aria-label={`Show the findings of ${formatTime(run.started_at)}`}
                    onClick={() => setOpen(run)}
                  >
                    Show
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {open && (
        <Dialog
          title={open.dry_run ? 'Found, and not repaired: a dry run' : 'Found and repaired'}
          onClose={() => setOpen(null)}
          isWide
        >
          <Findings findings={open.details} onRepair={null} />
        </Dialog>
      )}
    </>
  );
}
