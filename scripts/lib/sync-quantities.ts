import type { Counters } from '../../machines/product.js';
import { readConfig } from '../../src/config.js';
import type { Core } from '../../src/core.js';
import type { Drift, DriftCause } from '../../src/domain/drift.js';
import type { SyncReport } from '../../src/domain/sync-run.js';
import { newId } from '../../src/ids.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
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

/** What each cause means, for whoever reads the report. */
const MEANINGS: Readonly<Record<DriftCause, string>> = {
  over_committed:
    'MORE UNITS ARE OUT THAN ARE OWNED. They exist, so the owned count was raised: count this product.',
  rental_changed_outside:
    'A rental was ended, changed or deleted in the database, past the service. The rentals were believed.',
  reservation_changed_outside:
    'A hold was ended, changed or deleted in the database, past the service. The holds were believed.',
  counter_changed_outside:
    "The product's row was edited in the database, past the service. The owned count was believed.",
};

const COLUMNS = ['product', 'store', 'owned', 'free', 'reserved', 'rented', 'status', 'cause'];

async function printReport(core: Core, report: SyncReport, terminal: Terminal): Promise<void> {
  const { run, driftedProducts } = report;
  const looked = `Products looked at: ${run.totalProducts}`;
  if (driftedProducts === 0) {
    terminal.print(`${looked}. Nothing has drifted.`);
    return;
  }
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
  for (const cause of causes) terminal.print(`${cause}: ${MEANINGS[cause]}`);
  const done = run.dryRun ? 'nothing was repaired' : 'all were repaired';
  terminal.print(`${looked}. Drifted: ${driftedProducts}; ${done}. Run ${run.id}.`);
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
