import type { Send } from '../core.js';
import type { Drift } from '../domain/drift.js';
import type { SyncReport, SyncRun } from '../domain/sync-run.js';
import { newId } from '../ids.js';
import type { Database } from '../persistence/database.js';
import { hasProducts, scanForDrift } from '../persistence/drift-scan.js';
import { type Page, pageOf } from '../persistence/reads/products.js';
import {
  advanceSyncRun,
  countSyncFindings,
  findSyncRun,
  holdSyncRun,
  listSyncFindings,
  listSyncRuns,
} from '../persistence/sync-runs.js';

export interface SyncProgress {
  readonly lookedAt: number;
  readonly drifted: number;
}

/** Finding drift, and repairing it. A run begins with the command `start_sync`. */
export interface Sync {
  /**
   * Whether there is any product to look at. To be asked before a run of one product begins: a run
   * of nothing would be kept as if something had been looked at.
   */
  hasProducts(scope: { storeId: number | null; productId: number | null }): Promise<boolean>;
  /**
   * Carries a run out, or on where a dead process left it: page by page, in constant memory. What
   * looks like drift goes down the one path as a command, which looks again under the lock.
   *
   * Returns the report of the finished run, or null where another process is at it; whoever asks
   * while this process is at it waits for the same report. Throws what a command throws
   * (Unavailable), after which the run can be carried on.
   */
  carryOut(
    runId: string,
    onProgress?: (progress: SyncProgress) => void,
  ): Promise<SyncReport | null>;
  /** The runs over a store, or over all of them, newest first, with what they found in the store. */
  listRuns(query: {
    storeId: number;
    before: string | null;
    limit: number;
  }): Promise<Page<SyncReport>>;
  /** What a run found, page by page: drifts after the product `after`. */
  listFindings(runId: string, after: number): Promise<Drift[]>;
}

const REPORTED_DETAILS_MAX = 1_000;
const LISTED_DETAILS_MAX = 20;
const PAGE_PRODUCTS = 500;
const LOOKED_AT_ONCE = 50;
/** renewed with each page; as long as another copy waits before it takes a dead one's run over */
const HOLD_SECONDS = 60;

export function createSync(send: Send, database: Database): Sync {
  const underWay = new Map<string, Promise<SyncReport | null>>();

  function carryOut(
    runId: string,
    onProgress: (progress: SyncProgress) => void = () => {},
  ): Promise<SyncReport | null> {
    const known = underWay.get(runId);
    if (known !== undefined) return known;
    const run = carryOutAlone(runId, onProgress).finally(() => underWay.delete(runId));
    underWay.set(runId, run);
    return run;
  }

  async function carryOutAlone(
    runId: string,
    onProgress: (progress: SyncProgress) => void,
  ): Promise<SyncReport | null> {
    const holder = newId();
    const hold = () => holdSyncRun(database, runId, { holder, seconds: HOLD_SECONDS });
    const isOurs = await hold();
    const run = await findSyncRun(database, runId);
    if (!run) throw new Error(`there is no sync run ${runId}`);
    if (!isOurs) return run.finishedAt === null ? null : report(run);

    let { totalProducts: lookedAt } = run;
    let drifted = 0;
    for (let after: number | null = run.lastProductId; after !== null; ) {
      const page = await scanForDrift(database, run, { after, limit: PAGE_PRODUCTS });
      drifted += await lookAgain(run, page.suspects);
      // A run that took longer than its hold may have been taken over meanwhile.
      if (!(await hold())) return null;
      const { lookedAt: looked, last: lastProductId } = page;
      await advanceSyncRun(database, runId, { holder, lookedAt: looked, lastProductId });
      lookedAt += looked;
      onProgress({ lookedAt, drifted });
      after = lastProductId;
    }
    const finished = await findSyncRun(database, runId);
    return finished && report(finished);
  }

  /** Asks under the lock which suspects really drifted; returns how many did. */
  async function lookAgain(run: SyncRun, suspects: readonly Drift[]): Promise<number> {
    let drifted = 0;
    for (let i = 0; i < suspects.length; i += LOOKED_AT_ONCE) {
      const some = suspects.slice(i, i + LOOKED_AT_ONCE);
      const answers = await Promise.all(
        some.map((suspect) =>
          send({
            kind: 'sync',
            id: newId(),
            storeId: suspect.storeId,
            actor: `sync:${run.startedBy}`,
            idempotency: null,
            productId: suspect.productId,
            runId: run.id,
            dryRun: run.dryRun,
            deep: run.deep,
          }),
        ),
      );
      drifted += answers.filter(({ outcome }) => outcome.ok && outcome.value !== null).length;
    }
    return drifted;
  }

  async function report(run: SyncRun): Promise<SyncReport> {
    const { id: runId, storeId } = run;
    const counts = await countSyncFindings(database, { runIds: [runId], storeId });
    const limit = REPORTED_DETAILS_MAX;
    const details = await listSyncFindings(database, { runId, storeId, after: 0, limit });
    return { run, driftedProducts: counts.get(runId) ?? 0, details };
  }

  return {
    hasProducts: (scope) => hasProducts(database, scope),
    carryOut,
    async listRuns({ storeId, before, limit }) {
      const runs = await listSyncRuns(database, { storeId, before, limit: limit + 1 });
      const runIds = runs.map((run) => run.id);
      const counts = await countSyncFindings(database, { runIds, storeId });
      const reports = runs.map(async (run) => {
        const driftedProducts = counts.get(run.id) ?? 0;
        const query = { runId: run.id, storeId, after: 0, limit: LISTED_DETAILS_MAX };
        const details = driftedProducts > 0 ? await listSyncFindings(database, query) : [];
        return { run, driftedProducts, details };
      });
      return pageOf(await Promise.all(reports), limit);
    },
    listFindings: (runId, after) =>
      listSyncFindings(database, { runId, storeId: null, after, limit: REPORTED_DETAILS_MAX }),
  };
}
