import DataLoader from 'dataloader';

/**
 * With few keys each, one query is under way while the answers of another are written. Were all
 * that wait sent at once, the process and the database would take turns at doing nothing.
 */
const FEW_KEYS = { inFlightMax: 2, keysMax: 16 };

/**
 * Lets reads that arrive together share one query. A read joins only a query that was not sent
 * yet, so whoever wrote something before reading it, reads it. Nothing is remembered.
 *
 * At most `inFlightMax` queries are under way; while they are, the next ones gather, each up to
 * `keysMax` keys. The busier, the more reads share a query.
 */
export function sharedQuery<Key, Value>(
  query: (keys: readonly Key[]) => Promise<readonly Value[]>,
  options: { inFlightMax: number; keysMax: number } = FEW_KEYS,
): (key: Key) => Promise<Value> {
  const waiting: (() => void)[] = [];
  let inFlight = 0;
  const sendNext = () => {
    while (inFlight < options.inFlightMax) {
      const send = waiting.shift();
      if (!send) return;
      inFlight++;
      send();
    }
  };
  const loader = new DataLoader<Key, Value>(
    async (keys) => {
      try {
        return await query(keys);
      } finally {
        inFlight--;
        sendNext();
      }
    },
    {
      cache: false,
      maxBatchSize: options.keysMax,
      batchScheduleFn: (send) => {
        waiting.push(send);
        setImmediate(sendNext);
      },
    },
  );
  return (key) => loader.load(key);
}
