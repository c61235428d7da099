import { describe, expect, it } from '@jest/globals';
import { type BatchObserver, batchRunner } from '../../src/actors/run-batch.js';
import type { Clock } from '../../src/clock.js';
import type { Command } from '../../src/domain/command.js';
import type { Product } from '../../src/domain/product.js';
import type { BatchStore } from '../../src/persistence/batch-store.js';
import { CommitUnknown, DatabaseFault, type FaultKind } from '../../src/persistence/faults.js';
import { rent } from '../helpers/commands.js';

const SESSION = 42;
const RETRIES = 3;
const DEADLINE_MS = 10_000;

const PRODUCT: Product = {
  id: 1,
  storeId: 1,
  sku: 'A',
  name: 'A',
  parentId: null,
  quantity: 5,
  quantityAvailable: 5,
  quantityReserved: 0,
  quantityRented: 0,
  availabilityStatus: 'available',
  lowStockThreshold: null,
  priceAmount: null,
  priceCurrency: null,
  supplierEmail: null,
  nextHoldDueAt: null,
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};

type Step = 'begin' | 'load' | 'save' | 'commit' | 'look_up';

const fault = (kind: FaultKind) => new DatabaseFault(kind, new Error(kind));
const unknown = () => new CommitUnknown(SESSION, new Error('gone'));

/**
 * A store that fails where and as often as a test says. `commits` says for each COMMIT whose answer
 * is lost whether it was done all the same; `poison` is a rental that no statement takes.
 */
function fakeStore(script: {
  fail?: (step: Step, time: number) => Error | undefined;
  wasDone?: boolean;
  poison?: readonly string[];
}) {
  const journal: string[] = [];
  const times: Record<string, number> = {};
  const step = (name: Step) => {
    journal.push(name);
    times[name] = (times[name] ?? 0) + 1;
    const error = script.fail?.(name, times[name]);
    if (error) throw error;
  };
  const store: BatchStore = {
    async begin() {
      step('begin');
      return {
        async load() {
          step('load');
          return {
            now: 1_000,
            products: [PRODUCT],
            rentals: [],
            reservations: [],
            dueHolds: [],
            customers: [],
            cartItems: [],
            orders: [],
            knownPaymentEventIds: [],
            records: [],
            takenSkus: [],
            apiKeys: [],
            webhooks: { endpoints: [], deliveries: [], counts: [] },
          };
        },
        loadTruths: async () => [],
        async save(changes, { firstCommandId }) {
          step('save');
          const units = changes.newRentals.map(({ id }) => id);
          if (units.some((id) => script.poison?.includes(id))) throw fault('rejected');
          return changes.movements.length > 0 ? firstCommandId : null;
        },
        commit: async () => step('commit'),
        rollback: async () => void journal.push('rollback'),
      };
    },
    async wasCommitted(_mark, sessionId) {
      expect(sessionId).toBe(SESSION);
      step('look_up');
      return script.wasDone === true;
    },
  };
  return { store, journal };
}

function start(script: Parameters<typeof fakeStore>[0], stepMs = 0) {
  const { store, journal } = fakeStore(script);
  const seen: string[] = [];
  let nowMs = 0;
  const clock: Clock = {
    monotonicMs: () => {
      nowMs += stepMs;
      return nowMs;
    },
    async sleep(ms) {
      nowMs += ms;
    },
  };
  const observer: BatchObserver = {
    retried: (cause) => void seen.push(`retried ${cause}`),
    commandFailed: ({ id }) => void seen.push(`failed ${id}`),
    commitResolved: (fate) => void seen.push(fate),
    committed: () => {},
    writable: (isWritable) => void seen.push(isWritable ? 'writable' : 'unwritable'),
  };
  const run = batchRunner(
    store,
    {
      retriesMax: RETRIES,
      deadlineMs: DEADLINE_MS,
      idempotencyTtlMs: 1_000,
      holdMaxMs: 1_000,
      activeHoldsMax: 1,
      webhookEndpointsMax: 1,
    },
    { clock, observer },
  );
  /** What each command was told, in a word. */
  const tell = async (commands: readonly Command[]) => {
    try {
      const results = await run(commands);
      return results.map((result) =>
        result instanceof Error
          ? 'reason' in result
            ? result.reason
            : 'fault'
          : result.outcome.ok
            ? 'done'
            : result.outcome.refusal.code,
      );
    } catch (error) {
      return error instanceof Error && 'reason' in error ? error.reason : error;
    }
  };
  return { tell, journal, seen };
}

const two = () => [rent(1, { rentalId: 'r1' }), rent(1, { rentalId: 'r2' })];
const failing = (at: Step, error: () => Error, times = 1) => ({
  fail: (step: Step, time: number) => (step === at && time <= times ? error() : undefined),
});
const ALWAYS = Number.POSITIVE_INFINITY;

describe('an observer that throws', () => {
  it('changes nothing: what is committed is committed once, and answered', async () => {
    const { store, journal } = fakeStore({});
    const fail = () => {
      throw new Error('the disk under the log is full');
    };
    const run = batchRunner(
      store,
      {
        retriesMax: RETRIES,
        deadlineMs: DEADLINE_MS,
        idempotencyTtlMs: 1_000,
        holdMaxMs: 1_000,
        activeHoldsMax: 1,
        webhookEndpointsMax: 1,
      },
      {
        clock: { monotonicMs: () => 0, sleep: async () => {} },
        observer: {
          retried: fail,
          commandFailed: fail,
          commitResolved: fail,
          committed: fail,
          writable: fail,
        },
      },
    );
    const results = await run([rent(1), rent(2)]);
    expect(results).toEqual([
      expect.objectContaining({ outcome: expect.objectContaining({ ok: true }) }),
      expect.objectContaining({ outcome: expect.objectContaining({ ok: true }) }),
    ]);
    expect(journal.filter((step) => step === 'commit')).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('is locked, decided, saved and committed, and then answered', async () => {
    const { tell, journal, seen } = start({});
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal).toEqual(['begin', 'load', 'save', 'commit']);
    expect(seen).toEqual(['writable']);
  });

  it('in which all are refused commits nothing', async () => {
    const { tell, journal } = start({});
    expect(await tell([rent(6), rent(1, { productId: 9 })])).toEqual([
      'insufficient_stock',
      'product_not_found',
    ]);
    expect(journal).toEqual(['begin', 'load', 'save', 'rollback']);
  });

  it.each<[string, Step, FaultKind]>([
    ['a deadlock or a lock wait', 'load', 'conflict'],
    ['a conflict at COMMIT, as Galera has them', 'commit', 'conflict'],
    ['a busy file', 'begin', 'conflict'],
    ['a connection lost before COMMIT', 'save', 'connection_lost'],
    ['somebody who was first with a unique key', 'save', 'clash'],
    ['a disk that was full', 'save', 'unwritable'],
  ])('is run again as a whole after %s', async (_, at, kind) => {
    const { tell, journal, seen } = start(failing(at, () => fault(kind)));
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal.filter((step) => step === 'begin')).toHaveLength(2);
    expect(journal.filter((step) => step === 'rollback')).toHaveLength(at === 'begin' ? 0 : 1);
    expect(seen).toContain(`retried ${kind}`);
  });

  it.each<[string, FaultKind, string, number]>([
    ['conflicts that stay', 'conflict', 'database', 1 + RETRIES],
    ['a server that stays away', 'connection_lost', 'database', 1 + RETRIES],
    ['a disk that stays full', 'unwritable', 'database', 2],
    ['no connection to be had', 'overloaded', 'no_connection', 1],
  ])('is given up after %s', async (_, kind, reason, attempts) => {
    const { tell, journal, seen } = start(failing('begin', () => fault(kind), ALWAYS));
    expect(await tell(two())).toBe(reason);
    expect(journal).toHaveLength(attempts);
    expect(seen.includes('unwritable')).toBe(kind === 'unwritable');
  });

  it('is given up when its time is over, whatever retries are left', async () => {
    const { tell, journal } = start(
      failing('load', () => fault('conflict'), ALWAYS),
      DEADLINE_MS / 2,
    );
    expect(await tell(two())).toBe('database');
    expect(journal.filter((step) => step === 'begin').length).toBeLessThan(1 + RETRIES);
  });

  it('whose COMMIT got no answer is answered where it is found to be done', async () => {
    const { tell, journal, seen } = start({ ...failing('commit', unknown), wasDone: true });
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal).toEqual(['begin', 'load', 'save', 'commit', 'look_up']);
    expect(seen).toEqual(['committed']);
  });

  it('whose COMMIT got no answer is run again where it was not done', async () => {
    const { tell, seen, journal } = start({ ...failing('commit', unknown), wasDone: false });
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal.filter((step) => step === 'begin')).toHaveLength(2);
    expect(seen).toEqual(['rolled_back', 'retried commit_unknown', 'writable']);
  });

  it('is looked up until the server is back', async () => {
    const { tell, journal } = start({
      wasDone: true,
      fail: (step, time) => {
        if (step === 'commit') return unknown();
        return step === 'look_up' && time < 5 ? fault('connection_lost') : undefined;
      },
    });
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal.filter((step) => step === 'look_up')).toHaveLength(5);
  });

  it('whose fate can not be found out says so, and is not run again', async () => {
    const { tell, journal, seen } = start({
      fail: (step) => {
        if (step === 'commit') return unknown();
        return step === 'look_up' ? fault('connection_lost') : undefined;
      },
    });
    expect(await tell(two())).toBe('outcome_unknown');
    expect(journal.filter((step) => step === 'begin')).toHaveLength(1);
    expect(seen).toEqual(['unknown']);
  });

  it('with a command that the database will never take is run one at a time: that one fails', async () => {
    const { tell, seen } = start({ poison: ['bad'] });
    const [first, last] = two();
    const bad = rent(1, { rentalId: 'bad' });
    expect(await tell([first, bad, last] as Command[])).toEqual(['done', 'fault', 'done']);
    expect(seen.filter((event) => event.startsWith('failed'))).toEqual([`failed ${bad.id}`]);
  });

  it('that meets a bug of ours is run one at a time as well', async () => {
    const { tell } = start(failing('save', () => new TypeError('a bug')));
    expect(await tell(two())).toEqual(['done', 'done']);
  });

  it('with a key that clashes for ever is run one at a time', async () => {
    const { tell, journal } = start(failing('save', () => fault('clash'), 1 + RETRIES));
    expect(await tell(two())).toEqual(['done', 'done']);
    expect(journal.filter((step) => step === 'commit')).toHaveLength(2);
  });

  it('run one at a time does not wait for a server that is away once for each', async () => {
    const { tell, journal } = start({
      fail: (step, time) => {
        if (step === 'save' && time === 1) return fault('rejected');
        return step === 'begin' && time > 2 ? fault('connection_lost') : undefined;
      },
    });
    const commands = [...two(), rent(1), rent(1)];
    expect(await tell(commands)).toEqual(['done', 'database', 'database', 'database']);
    expect(journal.filter((step) => step === 'begin')).toHaveLength(2 + 1 + RETRIES);
  });
});
