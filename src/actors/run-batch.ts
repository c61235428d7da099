import type { Clock } from '../clock.js';
import type { Changes } from '../domain/changes.js';
import type { Command } from '../domain/command.js';
import { type Decision, type DecisionRules, decide, productsToMend } from '../domain/decide.js';
import { needsOf } from '../domain/needs.js';
import { guarded } from '../guarded.js';
import type { BatchStore, Mark } from '../persistence/batch-store.js';
import { asFault, CommitUnknown, DatabaseFault, type FaultKind } from '../persistence/faults.js';
import type { BatchResult, RunBatch } from './committer.js';
import { Unavailable } from './unavailable.js';

export interface BatchOptions extends DecisionRules {
  /** times that a batch is run again */
  readonly retriesMax: number;
  /** longest time in ms for a batch with all its repeats */
  readonly deadlineMs: number;
}

export interface BatchObserver {
  retried(cause: FaultKind | 'commit_unknown'): void;
  /** a command that can't be carried out, whatever is tried: a bug, or a row edited from outside */
  commandFailed(command: Command, error: unknown): void;
  /** the outcome of a COMMIT was unknown, and then known, or not */
  commitResolved(fate: 'committed' | 'rolled_back' | 'unknown'): void;
  /** a batch is committed, and did this */
  committed(changes: Changes): void;
  /** a write was refused by a full or read-only disk; or one was accepted */
  writable(isWritable: boolean): void;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;
/** What became of a COMMIT is worth a wait, even where the batch's own time is up. */
const LOOK_UP_MS = 5_000;

/**
 * One batch, from the lock to the answers: lock and load, decide, save, commit. Nothing is
 * answered before COMMIT. What went wrong decides what is done next:
 *
 * - a conflict, a clash on a unique key, a lost connection: the whole batch again, after a pause
 * - COMMIT sent and its answer lost: look its mark up, then answer or run again
 * - a statement that no retry mends: one command at a time, so that only the culprit fails
 * - no connection, a full disk, no retries left: Unavailable
 */
export function batchRunner(
  store: BatchStore,
  options: BatchOptions,
  parts: { clock: Clock; observer: BatchObserver },
): RunBatch {
  const { clock } = parts;
  const observer = guarded(parts.observer);

  async function run(commands: readonly Command[]): Promise<readonly BatchResult[]> {
    try {
      return await commitWithRetries(commands);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const [only] = commands;
      if (only && commands.length === 1) {
        observer.commandFailed(only, error);
        return [error instanceof Error ? error : new Error(String(error))];
      }
      return oneAtATime(commands);
    }
  }

  async function oneAtATime(commands: readonly Command[]): Promise<readonly BatchResult[]> {
    const results: BatchResult[] = [];
    let away: Unavailable | null = null;
    for (const command of commands) {
      if (away) {
        results.push(away);
        continue;
      }
      try {
        results.push(...(await run([command])));
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        results.push(error);
        // Those behind it are not tried: each would wait for the same database as long.
        away = new Unavailable('database', error);
      }
    }
    return results;
  }

  async function commitWithRetries(commands: readonly Command[]): Promise<readonly BatchResult[]> {
    const deadlineMs = clock.monotonicMs() + options.deadlineMs;
    for (let attempt = 0; ; attempt++) {
      try {
        const settlements = await attemptOnce(commands);
        return settlements;
      } catch (error) {
        if (error instanceof LostBatch) {
          const fate = await fateOf(error, deadlineMs);
          observer.commitResolved(fate);
          if (fate === 'committed') {
            observer.committed(error.decision.changes);
            return error.decision.settlements;
          }
          if (fate === 'unknown') throw new Unavailable('outcome_unknown', error);
        }
        const cause = causeOf(error);
        if (cause === null || cause === 'rejected') throw error;
        if (cause === 'unwritable') observer.writable(false);
        if (cause === 'overloaded') throw new Unavailable('no_connection', error);
        // A disk is asked once more, on a connection that is opened anew, and not again.
        const retriesMax = cause === 'unwritable' ? 1 : options.retriesMax;
        const isLast = attempt >= retriesMax || clock.monotonicMs() >= deadlineMs;
        // A clash that stays is somebody's own fault: found by running them one at a time.
        if (isLast && cause === 'clash') throw error;
        if (isLast) throw new Unavailable('database', error);
        observer.retried(cause);
        await clock.sleep(pauseMs(attempt));
      }
    }
  }

  async function attemptOnce(commands: readonly Command[]): Promise<readonly BatchResult[]> {
    const transaction = await store.begin();
    try {
      const needs = needsOf(commands);
      const loaded = await transaction.load(needs);
      // Mending is rare, so the ledger is added up: an earlier edit may be covered by later lines.
      const deep = [...new Set([...needs.deepSyncIds, ...productsToMend(loaded)])];
      const plain = needs.syncIds.filter((id) => !deep.includes(id));
      const truths = [
        ...(await transaction.loadTruths(plain, { deep: false })),
        ...(await transaction.loadTruths(deep, { deep: true })),
      ];
      const decision = decide(commands, { ...loaded, truths }, options);
      const { settlements, changes } = decision;
      const firstCommandId = commands[0]?.id ?? '';
      const mark = await transaction.save(changes, { now: loaded.now, firstCommandId });
      if (mark === null) {
        await transaction.rollback();
        return settlements;
      }
      await commit(transaction, mark, decision);
      observer.writable(true);
      observer.committed(changes);
      return settlements;
    } catch (error) {
      if (!(error instanceof LostBatch)) await transaction.rollback();
      throw error;
    }
  }

  async function commit(
    transaction: { commit(): Promise<void> },
    mark: Mark,
    decision: Decision,
  ): Promise<void> {
    try {
      await transaction.commit();
    } catch (error) {
      if (error instanceof CommitUnknown) throw new LostBatch(mark, decision, error);
      throw error;
    }
  }

  /** Asks until there is an answer or the time is up: the server may be away just now. */
  async function fateOf(
    lost: LostBatch,
    deadlineMs: number,
  ): Promise<'committed' | 'rolled_back' | 'unknown'> {
    const lastMs = Math.max(deadlineMs, clock.monotonicMs() + LOOK_UP_MS);
    for (let attempt = 0; ; attempt++) {
      try {
        const committed = await store.wasCommitted(lost.mark, lost.sessionId);
        return committed ? 'committed' : 'rolled_back';
      } catch (error) {
        // What is no fault of the database would go on for ever; running again may do it twice.
        const isHopeless = !(error instanceof DatabaseFault) || clock.monotonicMs() >= lastMs;
        if (isHopeless) return 'unknown';
        await clock.sleep(pauseMs(attempt));
      }
    }
  }

  return run;
}

/** A batch whose COMMIT was sent and not answered, with the replies that are given if it was done. */
class LostBatch extends Error {
  readonly mark: Mark;
  readonly decision: Decision;
  readonly sessionId: number | null;
  /** it was a full disk that COMMIT met */
  readonly isUnwritable: boolean;

  constructor(mark: Mark, decision: Decision, cause: CommitUnknown) {
    super(cause.message, { cause });
    this.name = 'LostBatch';
    this.mark = mark;
    this.decision = decision;
    this.sessionId = cause.sessionId;
    this.isUnwritable = asFault(cause.cause).kind === 'unwritable';
  }
}

/** null: not the database's doing. */
function causeOf(error: unknown): FaultKind | 'commit_unknown' | null {
  if (error instanceof LostBatch) return error.isUnwritable ? 'unwritable' : 'commit_unknown';
  return error instanceof DatabaseFault ? error.kind : null;
}

/** Doubles with each attempt, and is drawn at random so that two that clash do not clash again. */
function pauseMs(attempt: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return longest / 2 + Math.random() * (longest / 2);
}
