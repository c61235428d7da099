type Observer = Record<string, (...args: never[]) => void>;

/**
 * An observer whose methods never throw. Logs and metrics look on: whatever becomes of them (a full
 * disk under the log, say), it must not change what is done, least of all after a COMMIT.
 */
export function guarded<T extends object>(observer: T & { [K in keyof T]: Observer[string] }): T {
  const safe = Object.entries<Observer[string]>(observer).map(([name, method]) => [
    name,
    (...args: never[]) => {
      try {
        method.apply(observer, args);
      } catch {
        // There is nowhere left to tell it: the log is what may have failed.
      }
    },
  ]);
  return Object.fromEntries(safe) as T;
}
