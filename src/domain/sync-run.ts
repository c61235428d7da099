import type { Drift } from './drift.js';
import type { Instant } from './instant.js';

export const SYNC_STARTERS = ['http', 'script', 'cron'] as const;
export type SyncStarter = (typeof SYNC_STARTERS)[number];

/** What a run of sync is to look at, and whether it repairs. */
export interface NewSyncRun {
  /** UUIDv7 */
  readonly id: string;
  /** null: all stores */
  readonly storeId: number | null;
  /** null: all products */
  readonly productId: number | null;
  readonly startedBy: SyncStarter;
  /** find, and repair nothing */
  readonly dryRun: boolean;
  /** add every ledger up line by line */
  readonly deep: boolean;
}

/** A run of sync, under way or over. */
export interface SyncRun extends NewSyncRun {
  /** products looked at so far */
  readonly totalProducts: number;
  readonly lastProductId: number;
  readonly startedAt: Instant;
  /** null while it is under way */
  readonly finishedAt: Instant | null;
}

/** A drifted product that a run found, and (unless it was a dry run) repaired. */
export interface SyncFinding {
  readonly runId: string;
  readonly drift: Drift;
}

/** A run of sync, and what it found (so far, where it is under way). */
export interface SyncReport {
  readonly run: SyncRun;
  /** how many products had drifted */
  readonly driftedProducts: number;
  /** the first of them, in order of id */
  readonly details: readonly Drift[];
}
