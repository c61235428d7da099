import type { Exchange, Told } from './checker.js';
import { tokenFor, type Who } from './service.js';

/** Clients that write down what they sent and what they were told, for the checker. */
export interface Recorder {
  readonly exchanges: Exchange[];
  /** Sends a request. null: its client never learns what became of it. */
  send(url: string, request: RequestToSend): Promise<Told | null>;
}

export interface RequestToSend {
  readonly method?: Exchange['method'];
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly key?: string | null;
  readonly storeId?: number;
  /** a customer with this `sub`; else an admin asks */
  readonly customer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const GIVE_UP_MS = 30_000;

export function createRecorder(): Recorder {
  const exchanges: Exchange[] = [];
  const tokens = new Map<string, Promise<string>>();
  const token = (who: Who) => {
    const name = `${who.storeId} ${who.sub}`;
    const known = tokens.get(name) ?? tokenFor(who);
    tokens.set(name, known);
    return known;
  };

  return {
    exchanges,
    async send(url, { customer, ...asked }) {
      const { method = 'POST', path, body, key = null, storeId = 1, headers = {} } = asked;
      const who: Who =
        customer === undefined
          ? { sub: 'tester', role: 'admin', storeId }
          : { sub: customer, role: 'customer', storeId };
      const request = { method, path, body, key, storeId, sub: who.sub };
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: {
            Authorization: `Bearer ${await token(who)}`,
            ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
            ...(key === null ? {} : { 'Idempotency-Key': key }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(GIVE_UP_MS),
        });
        const text = await response.text();
        const answer = {
          status: response.status,
          body: text === '' ? undefined : JSON.parse(text),
          replayed: response.headers.get('idempotency-replayed') === 'true',
          retryAfter: response.headers.get('retry-after'),
        };
        exchanges.push({ ...request, answer });
        return answer;
      } catch (error) {
        // Nobody listened, so nothing was sent.
        if (!wasRefused(error)) exchanges.push({ ...request, answer: null });
        return null;
      }
    },
  };
}

function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

let orders = 0;

/** A rental of a product under an order of its own, by which the checker knows it again. */
export function rentalOf(productId: number, quantity = 1): Record<string, unknown> {
  return { product_id: productId, quantity, order_id: `order-${++orders}` };
}

/** Runs `work` in so many loops at once until `until` resolves, then lets each finish its turn. */
export async function underLoad(
  loops: number,
  work: (loop: number) => Promise<unknown>,
  until: () => Promise<unknown>,
): Promise<void> {
  let over = false;
  const all = Array.from({ length: loops }, async (_, loop) => {
    while (!over) await work(loop);
  });
  try {
    await until();
  } finally {
    over = true;
    await Promise.all(all);
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks again until the answer is yes. Throws where it is not within `ms`. */
export async function eventually(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  ms = 25_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`after ${ms} ms still not so: ${what}`);
    await sleep(25);
  }
}
