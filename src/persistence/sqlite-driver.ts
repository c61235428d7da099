import * as namespace from '@appthreat/sqlite3';

// The package's types promise named exports, its module has a default one only.
const sqlite3 = (namespace as unknown as { default: typeof namespace }).default;

/** How long a statement waits for another process that is writing, in ms. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * The embedded database's driver, with what every connection needs. FULL is what makes a commit
 * survive a power cut in WAL mode.
 */
class Database extends sqlite3.Database {
  constructor(file: string, mode: number, callback: (error: Error | null) => void) {
    super(file, mode, (error) => {
      if (error) {
        callback(error);
        return;
      }
      this.configure('busyTimeout', BUSY_TIMEOUT_MS);
      this.exec(
        'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;',
        callback,
      );
    });
  }
}

export const sqliteDriver = { ...sqlite3, Database };
