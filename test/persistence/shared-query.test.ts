import { describe, expect, it } from '@jest/globals';
import { sharedQuery } from '../../src/persistence/reads/shared-query.js';

/** A query whose answers a test gives one by one. */
function start(limits: { inFlightMax: number; keysMax: number }) {
  const sent: { keys: readonly number[]; answer(): void; fail(error: Error): void }[] = [];
  const read = sharedQuery(
    (keys: readonly number[]) =>
      new Promise<readonly string[]>((resolve, reject) => {
        const answer = () => resolve(keys.map((key) => `value ${key}`));
        sent.push({ keys, answer, fail: reject });
      }),
    limits,
  );
  return { read, sent, keys: () => sent.map((query) => query.keys) };
}

/** Lets whatever is ready happen; timers would race with it on a busy machine. */
async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('reads that share a query', () => {
  it('share it where they arrive together', async () => {
    const { read, sent, keys } = start({ inFlightMax: 1, keysMax: 10 });
    const reads = Promise.all([read(1), read(2), read(1)]);
    await turn();
    expect(keys()).toEqual([[1, 2, 1]]);
    sent[0]?.answer();
    expect(await reads).toEqual(['value 1', 'value 2', 'value 1']);
  });

  it('never join one that was sent already, so that everybody reads their own writes', async () => {
    const { read, sent, keys } = start({ inFlightMax: 2, keysMax: 10 });
    const before = read(1);
    await turn();
    const after = read(1);
    await turn();
    expect(keys()).toEqual([[1], [1]]);
    sent[1]?.answer();
    expect(await after).toBe('value 1');
    sent[0]?.answer();
    expect(await before).toBe('value 1');
  });

  it('wait together while as many as may be are under way', async () => {
    const { read, sent, keys } = start({ inFlightMax: 1, keysMax: 2 });
    const reads = [read(1)];
    await turn();
    reads.push(read(2), read(3), read(4));
    await turn();
    expect(keys()).toEqual([[1]]);
    sent[0]?.answer();
    await turn();
    expect(keys()).toEqual([[1], [2, 3]]);
    sent[1]?.answer();
    await turn();
    sent[2]?.answer();
    expect(await Promise.all(reads)).toEqual(['value 1', 'value 2', 'value 3', 'value 4']);
  });

  it('fail together, and the next ones are asked anew', async () => {
    const { read, sent } = start({ inFlightMax: 1, keysMax: 10 });
    const both = Promise.allSettled([read(1), read(2)]);
    await turn();
    sent[0]?.fail(new Error('away'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = read(1);
    await turn();
    sent[1]?.answer();
    expect(await again).toBe('value 1');
  });
});
