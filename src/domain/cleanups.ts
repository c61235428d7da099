import type { Batch } from './batch.js';
import {
  type Cleanup,
  done,
  type FinishCleanup,
  type Outcome,
  type StartCleanup,
} from './command.js';

/** Begins a cleanup; what it does is sent as commands of its own. */
export function startCleanup(_batch: Batch, command: StartCleanup): Outcome<Cleanup> {
  return done({ runId: command.runId, summary: null });
}

/** Keeps what a cleanup did as the answer to the key that it was begun with. */
export function finishCleanup(batch: Batch, command: FinishCleanup): Outcome<null> {
  batch.changes.changedOutcomes.set(command.keyHash, done(command.cleanup));
  return done(null);
}
