import type { Counters } from '../../machines/product.js';
import { readConfig } from '../../src/config.js';
import type { Core } from '../../src/core.js';
import { DRIFT_CAUSES, type Drift, type DriftCause } from '../../src/domain/drift.js';
import type { SyncReport } from '../../src/domain/sync-run.js';
import { newId } from '../../src/ids.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
import { sayDatabase } from './name-database.js';
import { countingProgress } from './progress.js';
import { requireDatabase } from './require-database.js';
import { ScriptError, script, storeNumber, type Terminal, wholeNumber } from './script.js';

const EXIT_NO_DRIFT = 0;
const EXIT_FAILED = 1;
const EXIT_DRIFT = 2;

/** `npm run sync-quantities`: finds products whose counters drifted, and repairs them. */
export const syncQuantities = script({
  help: `
Compares each product's counters with its ledger and its active rentals, and repairs what drifted.
The service may run meanwhile, and nobody is held up. What was found is kept, and shown by
GET /api/products/sync-quantities/status as well.

  npm run sync-quantities                        all products of all stores
  npm run sync-quantities -- --store=1           all products of one store
  npm run sync-quantities -- --product-id=123    one product
  npm run sync-quantities:dry-run                finds, and repairs nothing (the same as --dry-run)
  npm run sync-quantities -- --deep              also adds every ledger up line by line

Exits with 0 where nothing had drifted, 2 where something had, 1 when it failed.
`,
  options: {
    store: { type: 'string' },
    'product-id': { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    deep: { type: 'boolean', default: false },
  },
  positionalsMax: 0,
  usageCode: EXIT_FAILED,
  async run({ values }, terminal) {
    const storeId = values.store === undefined ? null : storeNumber(values.store);
    const productId =
      values['product-id'] === undefined
        ? null
        : wholeNumber(values['product-id'], {
            option: '--product-id',
            min: 1,
            max: Number.MAX_SAFE_INTEGER,
          });
    const config = readConfig(terminal.environment);
    requireDatabase(config.database);
    sayDatabase(terminal, config.database);
    const { core, close } = await openCore(config, createLogger('warn', 2));
    try {
      await requireProducts(core, { storeId, productId });
      const runId = newId();
      await core.send({
        kind: 'start_sync',
        id: newId(),
        storeId: storeId ?? 0,
        actor: 'sync:script',
        idempotency: null,
        run: {
          id: runId,
          storeId,
          productId,
          startedBy: 'script',
          dryRun: values['dry-run'],
          deep: values.deep,
        },
      });
      const report = await carryOut(core, runId, terminal);
      await printReport(core, report, terminal);
      return report.driftedProducts === 0 ? EXIT_NO_DRIFT : EXIT_DRIFT;
    } finally {
      await close();
    }
  },
});

/** Throws a ScriptError where what was named is not there: looking at nothing finds no drift. */
async function requireProducts(
  core: Core,
  scope: { storeId: number | null; productId: number | null },
): Promise<void> {
  const { storeId, productId } = scope;
  if (storeId === null && productId === null) return;
  if (await core.sync.hasProducts(scope)) return;
  const inStore = storeId === null ? '' : ` in store ${storeId}`;
  throw new ScriptError(
    productId === null
      ? `There are no products${inStore}.`
      : `There is no product ${productId}${inStore}.`,
  );
}

async function carryOut(core: Core, runId: string, terminal: Terminal): Promise<SyncReport> {
  const progress = countingProgress(
    terminal,
    (lookedAt, drifted) => `${lookedAt} products looked at, ${drifted} drifted`,
  );
  try {
    const report = await core.sync.carryOut(runId, ({ lookedAt, drifted }) =>
      progress.show(lookedAt, drifted),
    );
    if (!report) throw new ScriptError('Another process took this run over. Run it again.');
    return report;
  } finally {
    progress.stop();
  }
}

interface Meaning {
  /** what is wrong, and how it got there */
  readonly happened: string;
  /** what the run made of it; `was` is "would be" in a dry run */
  repair(was: string): string;
  /** what is left to whoever reads the report */
  readonly now: string;
}

const MEANINGS: Readonly<Record<DriftCause, Meaning>> = {
  over_committed: {
    happened: 'more units are out or held than the product owns.',
    repair: (was) => `Those units exist, so the owned count ${was} raised to them.`,
    now: "Count the product's units today, and PATCH its quantity to what you counted.",
  },
  rental_changed_outside: {
    happened: 'a rental was ended, changed or deleted in the database, past the service.',
    repair: (was) => `The units out ${was} taken from the rentals as they are now.`,
    now: "Compare the product's movements with its rentals: units of a deleted rental may still be out.",
  },
  reservation_changed_outside: {
    happened: 'a hold was ended, changed or deleted in the database, past the service.',
    repair: (was) => `The units reserved ${was} taken from the holds as they are now.`,
    now: 'Nothing, where the carts are right: units that are held by nobody are free again.',
  },
  counter_changed_outside: {
    happened: "the product's row was edited in the database, past the service.",
    repair: (was) =>
      `What is free, and the status, ${was} worked out from what is owned, out and held.`,
    now: 'Look whether the owned count is right, PATCH it where not, and find who edits the table.',
  },
};

/** What a cause means, what the run did about it (or would do), and what is left to do. */
function explain(cause: DriftCause, { dryRun }: { dryRun: boolean }): string {
  const { happened, repair, now } = MEANINGS[cause];
  return `${cause}: ${happened}\n  ${repair(dryRun ? 'would be' : 'was')}\n  To do: ${now}`;
}

const COLUMNS = ['product', 'store', 'owned', 'free', 'reserved', 'rented', 'status', 'cause'];

async function printReport(core: Core, report: SyncReport, terminal: Terminal): Promise<void> {
  const { run, driftedProducts } = report;
  const looked = `Products looked at: ${run.totalProducts}`;
  if (driftedProducts === 0) {
    terminal.print(`${looked}. Nothing has drifted.`);
    return;
  }
  if (run.dryRun) terminal.print('A dry run: nothing was changed. A repair would make it so:\n');
  const causes = new Set<DriftCause>();
  let widths: number[] | null = null;
  for (let after: number | null = 0; after !== null; ) {
    const drifts: Drift[] = await core.sync.listFindings(run.id, after);
    const rows = drifts.map(toRow);
    // The first page decides, so that a report of any length needs no more memory than one page.
    widths ??= widthsOf([COLUMNS, ...rows]);
    if (after === 0) terminal.print(toLine(COLUMNS, widths));
    for (const row of rows) terminal.print(toLine(row, widths));
    for (const drift of drifts) for (const cause of drift.causes) causes.add(cause);
    after = drifts.at(-1)?.productId ?? null;
  }
  terminal.print('');
  for (const cause of DRIFT_CAUSES) if (causes.has(cause)) terminal.print(explain(cause, run));
  const done = run.dryRun
    ? 'nothing was repaired; the same without the dry run repairs it'
    : 'all were repaired, each with a line in its ledger';
  terminal.print(`\n${looked}. Drifted: ${driftedProducts}; ${done}. Run ${run.id}.`);
}

function toRow(drift: Drift): string[] {
  const counter = (name: keyof Counters) => change(drift.old[name], drift.new[name]);
  return [
    String(drift.productId),
    String(drift.storeId),
    counter('quantity'),
    counter('quantityAvailable'),
    counter('quantityReserved'),
    counter('quantityRented'),
    change(drift.oldStatus, drift.newStatus),
    drift.causes.join(', '),
  ];
}

const change = (old: string | number, now: string | number) =>
  old === now ? String(now) : `${old} → ${now}`;

const widthsOf = (rows: readonly (readonly string[])[]) =>
  COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));

const toLine = (row: readonly string[], widths: readonly number[]) =>
  row
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join('  ')
    .trimEnd();
