import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type BatchResult, Committer, type CommitterOptions } from '../../src/actors/committer.js';
import { Unavailable } from '../../src/actors/unavailable.js';
import { systemClock } from '../../src/clock.js';
import type { Command } from '../../src/domain/command.js';
import { rent } from '../helpers/commands.js';

/** A command that says itself which products it concerns and how many lines it takes. */
type Shaped = Command & { readonly products: readonly number[]; readonly lines: number };

/** A batch that was begun, and ends when the test says so. */
interface Flight {
  readonly ids: readonly string[];
  readonly commands: readonly Shaped[];
  land(results?: readonly BatchResult[]): void;
  crash(error: Error): void;
}

const DEFAULTS = {
  batchMax: 8,
  concurrency: 2,
  mailboxMax: 100,
  waitingLinesMax: 10_000,
  waitMaxMs: 60_000,
};
const nothing = () => {};

/** Lets everything happen that can. */
async function settle() {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}

function start(options: Partial<CommitterOptions> = {}) {
  const flights: Flight[] = [];
  const open = new Set<Flight>();
  const answers = new Map<string, string[]>();
  const answered = (id: string, what: string) =>
    answers.set(id, [...(answers.get(id) ?? []), what]);
  const committer = new Committer(
    { ...DEFAULTS, ...options },
    (commands) =>
      new Promise((resolve, reject) => {
        const flight: Flight = {
          commands: commands as readonly Shaped[],
          ids: commands.map(({ id }) => id),
          land(results) {
            open.delete(flight);
            const settlement = { outcome: { ok: true, value: null }, replayed: false } as const;
            resolve(results ?? commands.map(() => settlement));
          },
          crash(error) {
            open.delete(flight);
            reject(error);
          },
        };
        flights.push(flight);
        open.add(flight);
      }),
    {
      clock: systemClock,
      observer: { batchEnded: nothing, commandTaken: nothing },
      shape: {
        productIdsOf: (command) => (command as Shaped).products,
        linesOf: (command) => (command as Shaped).lines,
      },
    },
  );
  return {
    committer,
    /** all that were ever begun */
    flights,
    /** those in flight */
    open,
    /** what each command was told, in words */
    answers,
    /** Sends a command on these products. */
    send(id: string, products: readonly number[], lines = 1) {
      const command: Shaped = Object.assign(rent(1, { id }), { products, lines });
      committer.send(command).then(
        () => answered(id, 'done'),
        (error: Error) => answered(id, error instanceof Unavailable ? error.reason : error.message),
      );
    },
    settle,
    async landAll() {
      while (open.size > 0) {
        for (const flight of open) flight.land();
        await settle();
      }
    },
    ids: () => flights.map((flight) => flight.ids),
  };
}

describe('the committer', () => {
  it('sends a command off alone where nothing else waits', async () => {
    const { send, settle, ids } = start();
    send('a', [1]);
    await settle();
    expect(ids()).toEqual([['a']]);
  });

  it('gathers what comes while a product is in flight, in order, and lets others pass', async () => {
    const { send, settle, flights, ids } = start();
    send('a', [1]);
    await settle();
    for (const id of ['b', 'c', 'd']) send(id, [1]);
    send('other', [2]);
    await settle();
    expect(ids()).toEqual([['a'], ['other']]);
    flights[0]?.land();
    await settle();
    expect(ids().at(-1)).toEqual(['b', 'c', 'd']);
  });

  it('sends off what waits before it answers the batch that has landed', async () => {
    const { send, settle, flights, answers } = start();
    for (const id of ['a', 'b', 'c']) send(id, [1]);
    await settle();
    send('next', [1]);
    await settle();
    flights[0]?.land();
    while (flights.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(answers.size).toBeLessThan(3);
    await settle();
    expect([...answers.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('keeps to the number of batches in flight', async () => {
    const { send, settle, open, landAll, ids } = start({ concurrency: 2 });
    for (const product of [1, 2, 3, 4]) {
      send(`p${product}`, [product]);
      await settle();
    }
    expect(open.size).toBe(2);
    await landAll();
    expect(ids()).toEqual([['p1'], ['p2'], ['p3', 'p4']]);
  });

  it('gives every product its turn, however many wait for one of them', async () => {
    const { send, settle, landAll, ids } = start({ batchMax: 4, concurrency: 1 });
    for (let i = 0; i < 10; i++) send(`hot ${i}`, [1]);
    for (const product of [2, 3]) send(`cold ${product}`, [product]);
    await settle();
    expect(ids()[0]).toEqual(['hot 0', 'hot 1', 'cold 2', 'cold 3']);
    await landAll();
    expect(ids().flat()).toHaveLength(12);
  });

  it('lets a command with more lines than a batch may have go by itself', async () => {
    const { send, landAll, settle, ids } = start({ batchMax: 4, concurrency: 1 });
    send('small', []);
    send('large', [], 9);
    send('next', []);
    await settle();
    await landAll();
    expect(ids()).toEqual([['small'], ['large'], ['next']]);
  });

  it('runs commands on no product in several batches at once', async () => {
    const { send, settle, open } = start();
    send('a', []);
    await settle();
    send('b', []);
    await settle();
    expect(open.size).toBe(2);
  });

  it('refuses what a full mailbox can not take, for that product alone', async () => {
    const { send, settle, answers, landAll } = start({ mailboxMax: 2 });
    for (const id of ['a', 'b', 'c']) send(id, [1]);
    send('over both', [1, 2]);
    send('other', [2]);
    await settle();
    await landAll();
    expect(Object.fromEntries(answers)).toEqual({
      a: ['done'],
      b: ['done'],
      c: ['mailbox_full'],
      'over both': ['mailbox_full'],
      other: ['done'],
    });
  });

  it('bounds the lines that wait for all products together, but always takes one command', async () => {
    const { send, settle, answers, landAll } = start({ waitingLinesMax: 5 });
    send('large', [1], 9);
    send('beyond it', [2], 1);
    await settle();
    await landAll();
    expect(Object.fromEntries(answers)).toEqual({
      large: ['done'],
      'beyond it': ['mailbox_full'],
    });
  });

  it('tells who waited too long so, and does not carry it out any more', async () => {
    const { send, settle, flights, answers, ids } = start({ waitMaxMs: 40 });
    send('in flight', [1]);
    await settle();
    send('waits', [1]);
    send('waits for two', [1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answers.get('waits')).toEqual(['waited_too_long']);
    send('later', [2]);
    flights[0]?.land();
    await settle();
    expect(ids()).toEqual([['in flight'], ['later']]);
    expect(answers.get('waits for two')).toEqual(['waited_too_long']);
  });

  it('holds a command on several products until it is first with each, and later ones behind it', async () => {
    const { send, settle, flights, ids } = start({ concurrency: 3 });
    send('first', [1]);
    await settle();
    send('both', [1, 2]);
    send('behind on 1', [1]);
    send('behind on 2', [2]);
    send('free', [3]);
    await settle();
    expect(ids()).toEqual([['first'], ['free']]);
    flights[0]?.land();
    await settle();
    expect(ids().at(-1)).toEqual(['both', 'behind on 1', 'behind on 2']);
  });

  it('does not deadlock over products in opposite order', async () => {
    const { send, settle, landAll, answers, ids } = start({ batchMax: 1 });
    send('a', [1, 2]);
    send('b', [2, 1]);
    send('c', [3, 1]);
    send('d', [2, 3, 1]);
    await settle();
    await landAll();
    expect(ids().flat()).toEqual(['a', 'b', 'c', 'd']);
    expect([...answers.values()].flat()).toEqual(['done', 'done', 'done', 'done']);
  });

  it('gives each command its own answer: a result, its own fault, or the fault of all', async () => {
    const { send, settle, flights, answers } = start();
    for (const id of ['good', 'bad', 'forgotten']) send(id, [1]);
    await settle();
    const done = { outcome: { ok: true, value: null }, replayed: false } as const;
    flights[0]?.land([done, new Error('its own')]);
    await settle();
    send('unlucky', [1]);
    send('unlucky too', [2]);
    await settle();
    flights[1]?.crash(new Unavailable('database'));
    await settle();
    expect(Object.fromEntries(answers)).toEqual({
      good: ['done'],
      bad: ['its own'],
      forgotten: ['the batch gave this command no answer'],
      unlucky: ['database'],
      'unlucky too': ['database'],
    });
  });

  it('answers all that wait before it closes, and takes nothing more', async () => {
    const { committer, send, settle, landAll, answers } = start({ batchMax: 1 });
    for (const id of ['a', 'b', 'c']) send(id, [1]);
    const closed = committer.close(10_000);
    send('late', [1]);
    await settle();
    await landAll();
    expect(await closed).toBe(true);
    expect(Object.fromEntries(answers)).toEqual({
      a: ['done'],
      b: ['done'],
      c: ['done'],
      late: ['shutting_down'],
    });
  });

  it('closes only once the last answer of a batch is given', async () => {
    const { committer, send, settle, flights, answers } = start();
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) send(id, [1]);
    await settle();
    const closed = committer.close(10_000);
    flights[0]?.land();
    expect(await closed).toBe(true);
    expect([...answers.keys()]).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('says at the end of the grace what is left: that nothing was done, or that nobody knows', async () => {
    const { committer, send, settle, answers } = start({ batchMax: 1 });
    send('in flight', [1]);
    send('waiting', [1]);
    await settle();
    expect(await committer.close(20)).toBe(false);
    await settle();
    expect(Object.fromEntries(answers)).toEqual({
      'in flight': ['outcome_unknown'],
      waiting: ['shutting_down'],
    });
  });

  it('keeps its promises in any interleaving of arrivals and landings', async () => {
    const products = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ products, lines: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 1, arbitrary: fc.constant('turn' as const) },
      { weight: 2, arbitrary: fc.record({ land: fc.nat() }) },
    );
    const options = fc.record({
      batchMax: fc.integer({ min: 1, max: 6 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 60 }), async (limits, steps) => {
        const { committer, send, settle, landAll, open, flights, answers } = start(limits);
        const sent: { id: string; products: readonly number[] }[] = [];
        const look = () => {
          expect(open.size).toBeLessThanOrEqual(limits.concurrency);
          const inFlight = [...open].flatMap(({ commands }) => [
            ...new Set(commands.flatMap((command) => command.products)),
          ]);
          expect(new Set(inFlight).size).toBe(inFlight.length);
        };
        for (const [i, action] of steps.entries()) {
          if (action === 'turn') await settle();
          else if ('land' in action) [...open][action.land % (open.size || 1)]?.land();
          else {
            sent.push({ id: `c${i}`, products: action.products });
            send(`c${i}`, action.products, action.lines);
          }
          look();
        }
        await settle();
        look();
        await landAll();

        for (const { commands } of flights) {
          const lines = commands.reduce((sum, command) => sum + command.lines, 0);
          if (commands.length > 1) expect(lines).toBeLessThanOrEqual(limits.batchMax);
        }
        expect(Object.fromEntries(answers)).toEqual(
          Object.fromEntries(sent.map(({ id }) => [id, ['done']])),
        );
        const taken = flights.flatMap(({ commands }) => commands);
        for (const product of [1, 2, 3, 4]) {
          const concerns = (command: { products: readonly number[] }) =>
            command.products.includes(product);
          expect(taken.filter(concerns).map(({ id }) => id)).toEqual(
            sent.filter(concerns).map(({ id }) => id),
          );
        }
        expect([committer.waiting, committer.batchesInFlight]).toEqual([0, 0]);
        await committer.close(0);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
