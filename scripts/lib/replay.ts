import { z } from 'zod';
import { newId } from '../../src/ids.js';
import { progressOf } from './progress.js';
import {
  type PastRental,
  type ProductHistory,
  type RentalEvent,
  readHistory,
} from './rental-history.js';
import { ScriptError, type Terminal } from './script.js';
import { type ServiceAnswer, type ServiceClient, serviceClient } from './service-client.js';

/** What became of the rentals that were sent. */
export interface ReplayReport {
  /** rentals that the service took */
  readonly accepted: number;
  /** rentals that it refused (409) */
  readonly refused: number;
  /** rentals that came back */
  readonly completed: number;
  /** units out at the end, as the service counts them */
  readonly out: number;
  /** products `rented_out` at the end */
  readonly rentedOut: number;
  /** how often a rental took the last free unit of a product */
  readonly lastUnitsOut: number;
  /** requests for rentals and returns, each counted once however often it had to be sent */
  readonly requests: number;
  /** requests that had to be sent again */
  readonly repeats: number;
  /** for the rentals and returns alone */
  readonly seconds: number;
}

export interface ReplayOptions {
  /** where the service listens */
  readonly url: string;
  /** of an admin, a reseller or a service; it says which store */
  readonly token: string;
  /** holds `products.csv` and `rentals.csv` */
  readonly folder: string;
  /** products whose rentals are sent at the same time */
  readonly concurrency: number;
  /** ends the replay early; the promise is then rejected with a ScriptError */
  readonly signal?: AbortSignal;
}

/**
 * Sends a folder of past rentals through a running service: makes the products, then for each
 * product its rentals and returns in order of time, one after the other, and many products at
 * once. Throws a ScriptError where the store has one of the products already, or where the service
 * gives an answer that is neither an acceptance nor a refusal.
 */
export async function replay(options: ReplayOptions, terminal: Terminal): Promise<ReplayReport> {
  const histories = readHistory(options.folder);
  const client = serviceClient({ ...options, connections: options.concurrency });
  try {
    // A run's keys are its own: only its own repeats are recognized.
    const run = newId();
    await makeProducts(client, histories, run);
    const sent = await sendHistories(client, histories, { ...options, run }, terminal);
    return { ...sent, ...(await readEnd(client, histories)), repeats: client.repeats };
  } finally {
    client.close();
  }
}

const PRODUCTS_IN_REQUEST = 500;
const PAGE = 200;

const Made = z.object({ data: z.array(z.object({ status: z.int() })) });
const Taken = z.object({ id: z.string(), quantity_available: z.int() });
const ProductPage = z.object({
  data: z.array(
    z.object({ sku: z.string(), quantity_rented: z.int(), availability_status: z.string() }),
  ),
  next_cursor: z.string().nullable(),
});

async function makeProducts(
  client: ServiceClient,
  histories: readonly ProductHistory[],
  run: string,
): Promise<void> {
  let existing = 0;
  for (let from = 0; from < histories.length; from += PRODUCTS_IN_REQUEST) {
    const products = histories
      .slice(from, from + PRODUCTS_IN_REQUEST)
      .map(({ product }) => product);
    const answer = await client.post(
      '/api/products/batch',
      { products },
      `${run}-products-${from}`,
    );
    const { data } = bodyOf(answer, 200, Made);
    existing += data.filter(({ status }) => status !== 201).length;
  }
  if (existing > 0) {
    throw new ScriptError(
      `The store has ${existing} of these products already, so the answer would not be the sample's: use a token of another store.`,
    );
  }
}

/** Counts while a replay runs. */
interface Tally {
  accepted: number;
  refused: number;
  completed: number;
  lastUnitsOut: number;
  requests: number;
}

async function sendHistories(
  client: ServiceClient,
  histories: readonly ProductHistory[],
  options: ReplayOptions & { run: string },
  terminal: Terminal,
): Promise<Tally & { seconds: number }> {
  const tally = { accepted: 0, refused: 0, completed: 0, lastUnitsOut: 0, requests: 0 };
  const total = histories.reduce((sum, { events }) => sum + events.length, 0);
  const progress = progressOf(terminal, total, 'rentals and returns');
  const startedMs = performance.now();
  try {
    await inLanes(histories, options.concurrency, async (history, mayGoOn) => {
      const sender = new HistorySender(client, history.product.sku, { run: options.run, tally });
      for (const event of history.events) {
        if (options.signal?.aborted) throw new ScriptError('Stopped before the end.');
        if (!mayGoOn()) return;
        await sender.send(event);
        progress.add(1);
      }
    });
  } finally {
    progress.stop();
  }
  return { ...tally, seconds: (performance.now() - startedMs) / 1000 };
}

/** Sends what happened to one product, and keeps in mind which rental is which. */
class HistorySender {
  readonly #client: ServiceClient;
  readonly #sku: string;
  readonly #run: string;
  readonly #tally: Tally;
  /** ids that the service gave, by the line of the rental */
  readonly #rentalIds = new Map<number, string>();

  constructor(client: ServiceClient, sku: string, parts: { run: string; tally: Tally }) {
    this.#client = client;
    this.#sku = sku;
    this.#run = parts.run;
    this.#tally = parts.tally;
  }

  send({ type, rental }: RentalEvent): Promise<void> {
    const key = `${this.#run}-${type}-${rental.line}`;
    return type === 'rent' ? this.#rent(rental, key) : this.#complete(rental, key);
  }

  async #rent(rental: PastRental, key: string): Promise<void> {
    this.#tally.requests++;
    const { userId, startsAt } = rental;
    const body = { product_id: this.#sku, user_id: userId, starts_at: startsAt };
    const answer = await this.#client.post('/api/rentals', body, key);
    if (answer.status === 409) {
      this.#tally.refused++;
      return;
    }
    const taken = bodyOf(answer, 201, Taken);
    this.#rentalIds.set(rental.line, taken.id);
    this.#tally.accepted++;
    if (taken.quantity_available === 0) this.#tally.lastUnitsOut++;
  }

  async #complete(rental: PastRental, key: string): Promise<void> {
    const rentalId = this.#rentalIds.get(rental.line);
    // Its rental was refused, so there is nothing to bring back.
    if (rentalId === undefined) return;
    this.#tally.requests++;
    const answer = await this.#client.post(`/api/rentals/${rentalId}/complete`, null, key);
    bodyOf(answer, 200, z.unknown());
    this.#tally.completed++;
  }
}

/**
 * Works on so many items at once, each lane taking the next one. After a failure no lane goes on,
 * and once all of them stand still the first error is thrown.
 */
async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, mayGoOn: () => boolean) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const errors: unknown[] = [];
  const lane = async () => {
    try {
      for (const item of waiting) {
        await work(item, () => errors.length === 0);
        if (errors.length > 0) return;
      }
    } catch (error) {
      errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (errors.length > 0) throw errors[0];
}

/** What the service says of the products once all is sent. */
async function readEnd(
  client: ServiceClient,
  histories: readonly ProductHistory[],
): Promise<{ out: number; rentedOut: number }> {
  const ours = new Set(histories.map(({ product }) => product.sku));
  let out = 0;
  let rentedOut = 0;
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await client.get(`/api/products?limit=${PAGE}${after}`);
    const page = bodyOf(answer, 200, ProductPage);
    for (const product of page.data.filter(({ sku }) => ours.has(sku))) {
      out += product.quantity_rented;
      if (product.availability_status === 'rented_out') rentedOut++;
    }
    cursor = page.next_cursor;
  }
  return { out, rentedOut };
}

const ProblemBody = z.object({ detail: z.string() });

/** The body of an answer with the status that it must have. Throws a ScriptError. */
function bodyOf<T>(answer: ServiceAnswer, status: number, schema: z.ZodType<T>): T {
  if (answer.status === status) {
    const body = schema.safeParse(answer.body);
    if (body.success) return body.data;
  }
  const problem = ProblemBody.safeParse(answer.body);
  throw new ScriptError(
    problem.success
      ? `The service answered ${answer.status}: ${problem.data.detail}`
      : `The service answered ${answer.status}, which is no answer of a rental availability service.`,
  );
}
