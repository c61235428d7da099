import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../log.js';
import type { Feed, Listener, Round } from './feed.js';

/**
 * Carries events from the copy whose relay told them to the clients of the others, through Redis.
 * Nothing depends on it: what it does not bring, they read in the outbox.
 */
export interface Carrier {
  /** whether it brought something just now, so that looking into the outbox can wait */
  readonly isBringing: boolean;
  stop(): Promise<void>;
}

/** Past this, what was brought last says nothing about what comes next. */
const BROUGHT_LATELY_MS = 2_000;
const LOOK_MS = 500;
const COMMAND_MS = 1_000;
const RECONNECT_MS_MAX = 2_000;
/** rounds under way to Redis: one that hangs must not fill the memory */
const ROUNDS_UNDER_WAY_MAX = 10;

const OPTIONS = {
  lazyConnect: true,
  // A command either goes out now, or the outbox does without it.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_MS,
  connectTimeout: COMMAND_MS,
  retryStrategy: (times: number) => Math.min(RECONNECT_MS_MAX, times * 100),
} satisfies RedisOptions;

/**
 * `channel` is the same for all copies on one database, and for no others. `isAtWork` says whether
 * the relay of this copy is the one that tells.
 */
export function startCarrier(
  { url, channel }: { url: string; channel: string },
  parts: { feed: Feed; isAtWork: () => boolean; log: Logger },
): Carrier {
  const { feed, isAtWork, log } = parts;
  const publisher = connect(url, log);
  const subscriber = connect(url, log);
  let isSubscribed = false;
  let isSending = false;
  let underWay = 0;
  let broughtAtMs = Number.NEGATIVE_INFINITY;

  subscriber.on('message', (_channel, message) => {
    const round = readRound(message);
    if (!round) return;
    broughtAtMs = performance.now();
    feed.received(round);
  });
  // After a reconnect it subscribes again by itself.

  /** Sends on what this copy tells, all of it: it is not known who wants what elsewhere. */
  const sender: Listener = {
    wants: () => true,
    take(round) {
      if (underWay >= ROUNDS_UNDER_WAY_MAX || !isAtWork()) return;
      underWay++;
      publisher
        .publish(channel, JSON.stringify(round))
        // Whoever waits for it sees the hole, and reads the outbox.
        .catch(() => publisher.disconnect(true))
        .finally(() => underWay--);
    },
  };

  const look = async () => {
    const hasListeners = feed.listeners > (isSending ? 1 : 0);
    if (hasListeners !== isSubscribed) {
      if (hasListeners) await subscriber.subscribe(channel);
      else await subscriber.unsubscribe(channel);
      isSubscribed = hasListeners;
    }
    const areOthers = isAtWork() && (await subscribers()) > (isSubscribed ? 1 : 0);
    if (areOthers && !isSending) isSending = feed.join(sender, await feed.lastSequence());
    if (!areOthers && isSending) {
      feed.leave(sender);
      isSending = false;
    }
  };
  const subscribers = async () => Number((await publisher.pubsub('NUMSUB', channel))[1] ?? 0);

  let stopped = false;
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // What fails here is tried again; that Redis is away was logged by its connection.
    looking = looking.then(() => (stopped ? undefined : look())).catch(() => undefined);
  }, LOOK_MS);
  for (const client of [publisher, subscriber]) client.connect().catch(() => undefined);

  return {
    get isBringing() {
      return performance.now() - broughtAtMs < BROUGHT_LATELY_MS;
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await looking;
      for (const client of [publisher, subscriber]) client.disconnect();
    },
  };
}

/** A connection that says once that Redis is away, and once that it is there again. */
function connect(url: string, log: Logger): Redis {
  const client = new Redis(url, OPTIONS);
  let isAway = false;
  client.on('error', (error) => {
    if (!isAway) log.warn({ err: error }, 'Redis is away; events are read in the database');
    isAway = true;
  });
  client.on('ready', () => {
    if (isAway) log.info('Redis is there again');
    isAway = false;
  });
  return client;
}

/** null where somebody else has written something into the channel. */
function readRound(message: string): Round | null {
  try {
    const round: unknown = JSON.parse(message);
    const isRound =
      typeof round === 'object' &&
      round !== null &&
      'after' in round &&
      'last' in round &&
      'events' in round &&
      Array.isArray(round.events);
    // Written by the sender of another copy.
    return isRound ? (round as Round) : null;
  } catch {
    return null;
  }
}
