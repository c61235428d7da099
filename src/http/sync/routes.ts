import { z } from 'zod';
import { AVAILABILITY_STATUSES, type Counters } from '../../../machines/product.js';
import type { Core } from '../../core.js';
import type { CommandHeader } from '../../domain/command.js';
import { DRIFT_CAUSES, type Drift } from '../../domain/drift.js';
import type { SyncReport, SyncRun } from '../../domain/sync-run.js';
import { newId } from '../../ids.js';
import { ADMIN, type Caller } from '../caller.js';
import { endpoint, type Reply, replyTo, type Surface } from '../endpoint.js';
import { listOf, pageReply } from '../lists.js';
import { Problem } from '../problem.js';
import { findProduct } from '../products/routes.js';
import { ProductPath } from '../products/schemas.js';
import { cursorAfterUuid, flag, iso, pageLimit, timestamp, units } from '../schemas.js';

const tag = 'Sync';

const SyncQuery = z.strictObject({
  dry_run: flag.optional().meta({ description: '`true`: find, and repair nothing.' }),
  deep: flag.optional().meta({ description: '`true`: add every ledger up line by line.' }),
});

const CountersReply = z
  .strictObject({
    quantity: units,
    quantity_available: units,
    quantity_reserved: units,
    quantity_rented: units,
  })
  .meta({ id: 'Counters' });

const DriftReply = z
  .strictObject({
    product_id: z.int(),
    old: CountersReply.meta({ description: 'What the row said.' }),
    new: CountersReply.meta({
      description: 'What a repair makes of it; after a dry run the row still says `old`.',
    }),
    old_status: z.enum(AVAILABILITY_STATUSES),
    new_status: z.enum(AVAILABILITY_STATUSES),
    cause: z.enum(DRIFT_CAUSES).meta({ description: 'The gravest of `causes`.' }),
    causes: z.array(z.enum(DRIFT_CAUSES)).meta({
      description:
        '`over_committed`: more units are out or held than are owned, so the owned count is raised to them, and wants counting. ' +
        '`rental_changed_outside`, `reservation_changed_outside`: rentals or holds were changed past the service, and the counters follow what they are now. ' +
        "`counter_changed_outside`: the product's row was edited past the service; what is free, and the status, are worked out from what is owned, out and held.",
    }),
  })
  .meta({ id: 'Drift' });

const SyncReply = z
  .strictObject({
    success: z.literal(true),
    run_id: z.uuid(),
    dry_run: z.boolean(),
    total_products: z.int().meta({ description: 'Products looked at.' }),
    synced_products: z
      .int()
      .meta({ description: 'Those that had drifted: repaired, or (dry run) only found.' }),
    details: z.array(DriftReply).meta({ description: 'Up to 1,000 of them.' }),
    details_truncated: z.literal(true).optional(),
  })
  .meta({ id: 'SyncReport' });

const RunReply = z
  .strictObject({
    id: z.uuid(),
    started_by: z.string(),
    product_id: z.int().nullable(),
    dry_run: z.boolean(),
    deep: z.boolean(),
    status: z.enum(['running', 'finished']),
    total_products: z.int(),
    synced_products: z.int(),
    started_at: timestamp,
    finished_at: timestamp.nullable(),
    details: z.array(DriftReply).meta({ description: 'The first of its findings.' }),
    details_truncated: z.literal(true).optional(),
  })
  .meta({ id: 'SyncRun' });

const syncAll = endpoint({
  method: 'post',
  path: '/api/products/sync-quantities',
  operationId: 'syncQuantities',
  summary: "Find and repair drift in all of the store's products",
  tag,
  roles: ADMIN,
  query: SyncQuery,
  replies: { 200: { description: 'What had drifted.', schema: SyncReply } },
  problems: ['idempotency_in_progress'],
  handle({ core, caller, query, header }) {
    return runSync(core, caller, { header: header(), productId: null, query });
  },
});

const syncOne = endpoint({
  method: 'post',
  path: '/api/products/:productId/sync-quantity',
  operationId: 'syncQuantity',
  summary: 'Find and repair drift in one product',
  tag,
  roles: ADMIN,
  params: ProductPath,
  query: SyncQuery,
  replies: { 200: { description: 'What had drifted.', schema: SyncReply } },
  problems: ['product_not_found', 'idempotency_in_progress'],
  async handle({ core, caller, params, query, header }) {
    const { id } = await findProduct(core, caller, params.productId);
    return runSync(core, caller, { header: header(), productId: id, query });
  },
});

const getStatus = endpoint({
  method: 'get',
  path: '/api/products/sync-quantities/status',
  operationId: 'listSyncRuns',
  summary: 'The last runs of sync, and what they found in this store',
  tag,
  roles: ADMIN,
  query: z.strictObject({ limit: pageLimit, cursor: cursorAfterUuid.optional() }),
  replies: { 200: { description: 'A page, newest first.', schema: listOf(RunReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const page = await core.sync.listRuns({
      storeId: caller.storeId,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const rows = page.rows.map((report) => renderRun(report));
    return pageReply(rows, page.hasMore ? page.rows.at(-1)?.run.id : null);
  },
});

export const syncSurface: Surface = {
  spelling: 'snake_case',
  endpoints: [syncAll, syncOne, getStatus],
};

/**
 * A run takes more than one transaction, so the first one commits the key together with the run's
 * id. A repeat carries that run on where it was cut off, and in the end gets the same report.
 */
async function runSync(
  core: Core,
  caller: Caller,
  asked: {
    header: CommandHeader;
    productId: number | null;
    query: z.infer<typeof SyncQuery>;
  },
): Promise<Reply> {
  const answer = await core.send({
    ...asked.header,
    kind: 'start_sync',
    run: {
      id: newId(),
      storeId: caller.storeId,
      productId: asked.productId,
      startedBy: 'http',
      dryRun: asked.query.dry_run ?? false,
      deep: asked.query.deep ?? false,
    },
  });
  const report = answer.outcome.ok ? await core.sync.carryOut(answer.outcome.value.runId) : null;
  return replyTo(answer, () => {
    if (!report) {
      throw new Problem(
        'idempotency_in_progress',
        'Another copy of the service is still at this run. Send the request again later.',
        { headers: { 'Retry-After': '5' } },
      );
    }
    return { status: 200, body: renderReport(report) };
  });
}

function renderReport(report: SyncReport): z.infer<typeof SyncReply> {
  return {
    success: true,
    run_id: report.run.id,
    dry_run: report.run.dryRun,
    total_products: report.run.totalProducts,
    synced_products: report.driftedProducts,
    ...renderDetails(report),
  };
}

function renderRun(report: SyncReport): z.infer<typeof RunReply> {
  const run: SyncRun = report.run;
  return {
    id: run.id,
    started_by: run.startedBy,
    product_id: run.productId,
    dry_run: run.dryRun,
    deep: run.deep,
    status: run.finishedAt === null ? 'running' : 'finished',
    total_products: run.totalProducts,
    synced_products: report.driftedProducts,
    started_at: iso(run.startedAt),
    finished_at: iso(run.finishedAt),
    ...renderDetails(report),
  };
}

function renderDetails({ details, driftedProducts }: SyncReport) {
  return {
    details: details.map(renderDrift),
    ...(details.length < driftedProducts ? { details_truncated: true as const } : {}),
  };
}

function renderDrift(drift: Drift): z.infer<typeof DriftReply> {
  return {
    product_id: drift.productId,
    old: renderCounters(drift.old),
    new: renderCounters(drift.new),
    old_status: drift.oldStatus,
    new_status: drift.newStatus,
    cause: drift.cause,
    causes: [...drift.causes],
  };
}

function renderCounters(counters: Counters): z.infer<typeof CountersReply> {
  return {
    quantity: counters.quantity,
    quantity_available: counters.quantityAvailable,
    quantity_reserved: counters.quantityReserved,
    quantity_rented: counters.quantityRented,
  };
}
