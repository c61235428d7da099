import type { Batch } from './batch.js';
import { done, type Outcome, refused, type StartSync, type SyncProduct } from './command.js';
import type { Drift } from './drift.js';

/** Begins a run of sync. */
export function startSync(batch: Batch, command: StartSync): Outcome<{ runId: string }> {
  batch.changes.newSyncRuns.push(command.run);
  return done({ runId: command.run.id });
}

/** Looks at one product under its lock, notes what drifted, and repairs it unless it is a dry run. */
export function syncProduct(batch: Batch, command: SyncProduct): Outcome<Drift | null> {
  const product = batch.product(command);
  if (!product) return refused({ code: 'product_not_found' });
  const drift = batch.driftOf(product);
  if (!drift) return done(null);
  batch.changes.syncFindings.push({ runId: command.runId, drift });
  batch.tell(command, {
    type: 'drift.found',
    productId: drift.productId,
    data: { ...drift, runId: command.runId, dryRun: command.dryRun },
  });
  if (!command.dryRun) batch.repair(product, drift, command);
  return done(drift);
}
