import type { Send } from '../core.js';
import type { Cleanup, CleanupSummary } from '../domain/command.js';
import { guarded } from '../guarded.js';
import { newId } from '../ids.js';
import type { Database } from '../persistence/database.js';
import { readClockAndRecords } from '../persistence/idempotency-keys.js';
import { leases } from '../persistence/leases.js';
import { type DueProduct, listDueProducts } from '../persistence/reads/reservations.js';

/** Writing down that holds are over. They block nobody meanwhile: see DueHolds. */
export interface Cleanups {
  /**
   * Ends all holds that are due, of a store or (null) of all, in as many batches as it takes. A
   * product that can't be done counts as an error and is left for the next time. Throws a
   * DatabaseFault where the due products can't be read.
   */
  run(storeId: number | null, options?: CleanupOptions): Promise<CleanupSummary>;
  /**
   * Carries out, or on, what the command `start_cleanup` began for a caller's key, and keeps the
   * summary as the key's answer. null where another copy is at it.
   */
  carryOut(begun: {
    cleanup: Cleanup;
    storeId: number;
    keyHash: string;
    /** who the ledger names */
    actor: string;
  }): Promise<CleanupSummary | null>;
}

export interface CleanupOptions {
  /** who the ledger names */
  readonly actor?: string;
  /** told after each round over the products */
  onProgress?(summary: CleanupSummary): void;
  /** asked before each round; a run that is told no ends there */
  goOn?(): boolean | Promise<boolean>;
}

export interface CleanupObserver {
  ended(run: { readonly ms: number; readonly batches: number; readonly errors: number }): void;
}

const LEASE_SECONDS = 60;

export function createCleanups(
  send: Send,
  parts: { database: Database; batchSize: number; observer: CleanupObserver },
): Cleanups {
  const { database, batchSize } = parts;
  const observer = guarded(parts.observer);
  const underWay = new Map<string, Promise<CleanupSummary | null>>();
  const ours = leases(database, newId());

  async function run(
    storeId: number | null,
    { actor = 'cleanup', onProgress = () => {}, goOn = () => true }: CleanupOptions = {},
  ): Promise<CleanupSummary> {
    const startedMs = performance.now();
    const failed: number[] = [];
    let [expired, released, batches] = [0, 0, 0];

    const expireSome = async ({ id: productId, storeId }: DueProduct, max: number) => {
      batches++;
      try {
        const { outcome } = await send({
          kind: 'expire',
          id: newId(),
          storeId,
          actor,
          idempotency: null,
          productId,
          max,
        });
        if (!outcome.ok) throw new Error(`product ${productId} is gone: ${outcome.refusal.code}`);
        expired += outcome.value.expired;
        released += outcome.value.released;
      } catch {
        // It was logged where it failed; what is due blocks nobody until the next run.
        failed.push(productId);
      }
    };

    while (await goOn()) {
      const due = await listDueProducts(database, { storeId, limit: batchSize, except: failed });
      if (due.length === 0) break;
      // About one batch a round, be it of one product or of many: more would crowd out who rents.
      const max = Math.max(1, Math.floor(batchSize / due.length));
      await Promise.all(due.map((product) => expireSome(product, max)));
      onProgress({ expired, released, errors: failed.length });
    }
    const errors = failed.length;
    observer.ended({ ms: performance.now() - startedMs, batches, errors });
    return { expired, released, errors };
  }

  async function carryOut(begun: {
    cleanup: Cleanup;
    storeId: number;
    keyHash: string;
    /** who the ledger names */
    actor: string;
  }): Promise<CleanupSummary | null> {
    const { cleanup, storeId, keyHash, actor } = begun;
    if (cleanup.summary) return cleanup.summary;
    const lease = `cleanup:${cleanup.runId}`;
    if (!(await ours.hold(lease, LEASE_SECONDS))) return null;
    // Whoever had the lease before may have been done since this one was told that it had begun.
    const done = await findSummary(keyHash);
    if (done) {
      await ours.release(lease);
      return done;
    }
    const goOn = () => ours.hold(lease, LEASE_SECONDS);
    const summary = await run(storeId, { actor, goOn });
    // A run that took longer than its lease may have been taken over meanwhile.
    if (!(await goOn())) return null;
    await send({
      kind: 'finish_cleanup',
      id: newId(),
      storeId,
      actor,
      idempotency: null,
      keyHash,
      cleanup: { runId: cleanup.runId, summary },
    });
    await ours.release(lease);
    return summary;
  }

  async function findSummary(keyHash: string): Promise<CleanupSummary | null> {
    const { records } = await readClockAndRecords(database, [keyHash]);
    const outcome = records[0]?.outcome;
    // The key was given to start_cleanup, so it has the outcome of one.
    return outcome?.ok ? (outcome.value as Cleanup).summary : null;
  }

  return {
    run,
    carryOut(begun) {
      const { runId } = begun.cleanup;
      const known = underWay.get(runId);
      if (known !== undefined) return known;
      const running = carryOut(begun).finally(() => underWay.delete(runId));
      underWay.set(runId, running);
      return running;
    },
  };
}
