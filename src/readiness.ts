import type { Database } from './persistence/database.js';
import { writeProbe } from './persistence/write-probe.js';
import { within } from './within.js';

const ANSWER_WITHIN_MS = 900;

/** Whether this copy of the service can be sent requests. */
export class Readiness {
  readonly #database: Database;
  #started = false;
  #stopping = false;
  #writable = true;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The database is there and its tables are up to date. */
  get isStarted(): boolean {
    return this.#started;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  started(): void {
    this.#started = true;
  }

  stopping(): void {
    this.#stopping = true;
  }

  /** What the last write met: a disk that takes writes, or one that is full or read-only. */
  writable(isWritable: boolean): void {
    this.#writable = isWritable;
  }

  /** Why not; null where it is ready. Answers within a second, whatever the database does. */
  async notReady(): Promise<string | null> {
    if (this.#stopping) return 'shutting down';
    if (!this.#started) return 'waiting for the database and its migrations';
    return within(ANSWER_WITHIN_MS, this.#probe(), 'the database does not answer');
  }

  async #probe(): Promise<string | null> {
    try {
      await this.#database.select('SELECT 1');
      if (!this.#writable) await this.#tryToWrite();
      return null;
    } catch {
      return this.#writable
        ? 'the database can not be reached'
        : 'the disk of the database is full or read-only';
    }
  }

  /**
   * After a write that met a full disk, one as large as a batch's is tried, and taken back: a few
   * bytes find room on a disk where no batch does.
   */
  async #tryToWrite(): Promise<void> {
    await writeProbe(this.#database);
    this.#writable = true;
  }
}
