import type { Database } from '../persistence/database.js';
import { type AttemptMade, saveAttempt } from '../persistence/webhook-deliveries.js';
import { noteAttempt } from '../persistence/webhook-endpoints.js';

export interface Attempt extends AttemptMade {
  readonly endpointId: string;
  readonly succeeded: boolean;
}

/**
 * Writes down what became of attempts. Those that end while a transaction commits share the next
 * one: a disk is asked to keep many as fast as one.
 */
export class AttemptLog {
  readonly #database: Database;
  #waiting: { attempt: Attempt; done: () => void; failed: (error: unknown) => void }[] = [];
  #isWriting = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Resolves when it is committed. Throws a DatabaseFault or CommitUnknown. */
  write(attempt: Attempt): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ attempt, done, failed });
      if (!this.#isWriting) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const some = this.#waiting;
      this.#waiting = [];
      try {
        await this.#save(some.map(({ attempt }) => attempt));
        for (const { done } of some) done();
      } catch (error) {
        for (const { failed } of some) failed(error);
      }
    }
    this.#isWriting = false;
  }

  async #save(attempts: readonly Attempt[]): Promise<void> {
    const session = await this.#database.begin();
    try {
      // Commands lock an endpoint before its deliveries, in order of their ids.
      for (const [endpointId, succeeded] of lastOfEach(attempts)) {
        await noteAttempt(session, { endpointId, succeeded });
      }
      for (const attempt of attempts) await saveAttempt(session, attempt);
      await session.commit();
    } catch (error) {
      await session.rollback();
      throw error;
    }
  }
}

function lastOfEach(attempts: readonly Attempt[]): [string, boolean][] {
  const last = new Map(attempts.map(({ endpointId, succeeded }) => [endpointId, succeeded]));
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1));
}
