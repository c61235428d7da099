import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import {
  type Command,
  linesOf,
  type Outcome,
  productIdsOf,
  type ValueOf,
} from '../domain/command.js';
import type { Settlement } from '../domain/decide.js';
import { guarded } from '../guarded.js';
import { within } from '../within.js';
import { Mailbox } from './mailbox.js';
import { Unavailable } from './unavailable.js';

/** A command in its mailboxes, and whoever waits for its answer. */
interface Letter {
  readonly command: Command;
  readonly lines: number;
  /** the products whose mailboxes it stands in; empty where it concerns none */
  readonly actors: readonly ProductActor[];
  /** one number for the whole letter: the order in which commands came */
  readonly arrival: number;
  readonly arrivedAtMs: number;
  /** `withdrawn` letters were answered already, and are passed over where they still stand */
  state: 'waiting' | 'taken' | 'withdrawn';
  resolve(settlement: Settlement): void;
  reject(error: Error): void;
}

/**
 * What is kept of a product between requests: its mailbox, and whether a batch with it is in
 * flight. Its machine lives in the batch, restored from the locked row. It is entered with the
 * first command for the product and dropped when its mailbox is empty and nothing is in flight.
 */
interface ProductActor {
  readonly productId: number;
  readonly mailbox: Mailbox<Letter>;
  inFlight: boolean;
}

export interface CommitterOptions {
  /** lines of commands in one batch at most; a command that alone has more goes by itself */
  readonly batchMax: number;
  /** batches in flight at most */
  readonly concurrency: number;
  /** commands waiting for one product at most */
  readonly mailboxMax: number;
  /** lines of commands that wait for all products together at most; one command always may */
  readonly waitingLinesMax: number;
  /** longest wait for a turn, in ms */
  readonly waitMaxMs: number;
}

/**
 * Answers given in one turn of the event loop. Whoever gets one goes on at once, with much more work
 * than the batch that flies meanwhile needs for its next statement: few, so that it does not wait.
 */
const ANSWERS_A_TURN = 2;

/** Turns over which the answers of a batch are spread at most, so that the last does not wait long. */
const ANSWER_TURNS_MAX = 16;

/** Runs a batch: commits it and returns a settlement for each command, or throws Unavailable. */
export type RunBatch = (commands: readonly Command[]) => Promise<readonly BatchResult[]>;

/** What became of one command of a batch: an answer, or a fault that is its own. */
export type BatchResult = Settlement | Error;

export interface CommitterObserver {
  /** a batch ended: its commands, and how long it took in ms */
  batchEnded(commands: number, ms: number): void;
  /** a command was taken into a batch after waiting so long, in ms */
  commandTaken(waitedMs: number): void;
}

/** All that the committer wants to know of a command; the domain's own, but for tests. */
export interface CommandShape {
  productIdsOf(command: Command): readonly number[];
  linesOf(command: Command): number;
}

/** An answer, and whether it was given before to the same idempotency key. */
export type Answer<C extends Command> = {
  readonly outcome: Outcome<ValueOf<C>>;
  readonly replayed: boolean;
};

/**
 * Group commit. Commands wait in the mailboxes of their products; what waits, in turn across
 * products, goes into one batch, which is one transaction. While a batch commits the next one
 * fills, and while the next one commits the first one's answers are written: the busier, the larger
 * the batch and the cheaper each command. A product is in one batch at a time, so that one locked
 * row does not hold up the rest.
 *
 * A command on several products stands in all their mailboxes under one arrival number, and goes
 * when it is first in each of them: the oldest command always is, so nothing waits for ever.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #runBatch: RunBatch;
  readonly #clock: Clock;
  readonly #observer: CommitterObserver;
  readonly #shape: CommandShape;
  readonly #actors = new Map<number, ProductActor>();
  /** those with letters waiting and no batch in flight, in the order in which they get a turn */
  readonly #ready = new Set<ProductActor>();
  /** commands that concern no product */
  readonly #unbound: Mailbox<Letter>;
  readonly #sweeper: NodeJS.Timeout;
  readonly #drained: (() => void)[] = [];
  /** the letters of each batch in flight */
  readonly #flying = new Set<readonly Letter[]>();
  /** batches that ended, and of which not all are answered yet */
  #answering = 0;
  #arrivals = 0;
  #waiting = 0;
  #waitingLines = 0;
  #pumpScheduled = false;
  #closed = false;

  constructor(
    options: CommitterOptions,
    runBatch: RunBatch,
    parts: { clock: Clock; observer: CommitterObserver; shape?: CommandShape },
  ) {
    this.#options = options;
    this.#runBatch = runBatch;
    this.#clock = parts.clock;
    this.#observer = guarded(parts.observer);
    this.#shape = parts.shape ?? { productIdsOf, linesOf };
    this.#unbound = new Mailbox(options.mailboxMax);
    this.#sweeper = setInterval(() => this.#withdrawLate(), Math.min(options.waitMaxMs / 4, 250));
    this.#sweeper.unref();
  }

  /** commands that wait for their turn */
  get waiting(): number {
    return this.#waiting;
  }

  /** commands that wait for one product, at most */
  get deepestMailbox(): number {
    let deepest = this.#unbound.size;
    for (const { mailbox } of this.#actors.values()) deepest = Math.max(deepest, mailbox.size);
    return deepest;
  }

  get batchesInFlight(): number {
    return this.#flying.size;
  }

  /**
   * Resolves once the command's batch is committed, with its outcome or its refusal. Rejects with
   * Unavailable where nothing was done (or, if it says so, where that could not be found out), and
   * with another error where the command itself can't be carried out.
   */
  send<C extends Command>(command: C): Promise<Answer<C>> {
    return new Promise((resolve, reject) => {
      // The outcome of a command has its kind's value: decide() is a table from kinds to functions.
      this.#post(command, (settlement) => resolve(settlement as Answer<C>), reject);
    });
  }

  /**
   * Takes no more commands and resolves when all that wait are answered, with true. After
   * `graceMs` it is false: those that still wait are told that the service is shutting down, those
   * in a batch that it is not known what becomes of them.
   */
  async close(graceMs: number): Promise<boolean> {
    this.#closed = true;
    const allAnswered = await within(graceMs, this.#whenDrained(), false);
    clearInterval(this.#sweeper);
    this.#withdraw(() => true, new Unavailable('shutting_down'));
    for (const letter of [...this.#flying].flat())
      letter.reject(new Unavailable('outcome_unknown'));
    return allAnswered;
  }

  #post(
    command: Command,
    resolve: (settlement: Settlement) => void,
    reject: (error: Error) => void,
  ): void {
    if (this.#closed) {
      reject(new Unavailable('shutting_down'));
      return;
    }
    const actors = [...new Set(this.#shape.productIdsOf(command))].map((id) => this.#actor(id));
    const mailboxes = actors.length > 0 ? actors.map((actor) => actor.mailbox) : [this.#unbound];
    const lines = this.#shape.linesOf(command);
    const isTooMuch =
      this.#waiting > 0 && this.#waitingLines + lines > this.#options.waitingLinesMax;
    if (isTooMuch || mailboxes.some((mailbox) => mailbox.isFull)) {
      reject(new Unavailable('mailbox_full'));
      return;
    }
    const letter: Letter = {
      command,
      lines,
      actors,
      arrival: this.#arrivals++,
      arrivedAtMs: this.#clock.monotonicMs(),
      state: 'waiting',
      resolve,
      reject,
    };
    for (const mailbox of mailboxes) mailbox.enqueue(letter);
    for (const actor of actors) if (!actor.inFlight) this.#ready.add(actor);
    this.#waiting++;
    this.#waitingLines += lines;
    this.#schedulePump();
  }

  #actor(productId: number): ProductActor {
    const known = this.#actors.get(productId);
    if (known) return known;
    const actor = {
      productId,
      mailbox: new Mailbox<Letter>(this.#options.mailboxMax),
      inFlight: false,
    };
    this.#actors.set(productId, actor);
    return actor;
  }

  /**
   * Batches are formed after the requests that arrived in the same turn of the event loop have been
   * read. That is not waiting for company: nothing else could have been done in between.
   */
  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      while (this.#flying.size < this.#options.concurrency) {
        const letters = this.#formBatch();
        if (letters.length === 0) break;
        void this.#fly(letters);
      }
    });
  }

  /** Takes what goes next, in turn across products; returns it in order of arrival. */
  #formBatch(): Letter[] {
    const letters: Letter[] = [];
    const chosen = new Set<ProductActor>();
    let lines = 0;
    const turns = this.#turns();
    // A letter that was taken adds turns for whoever stood behind it.
    for (const { mailbox, actor } of turns) {
      const letter = firstWaiting(mailbox);
      if (!letter) {
        if (actor && !chosen.has(actor)) this.#drop(actor);
        continue;
      }
      if (letters.length > 0 && lines + letter.lines > this.#options.batchMax) break;
      const held = letter.actors.some(
        (other) => other.inFlight || firstWaiting(other.mailbox) !== letter,
      );
      if (held) continue;

      letter.state = 'taken';
      letters.push(letter);
      lines += letter.lines;
      if (!actor) turns.push({ mailbox, actor });
      for (const other of letter.actors) {
        chosen.add(other);
        turns.push({ mailbox: other.mailbox, actor: other });
      }
    }
    return letters.sort((a, b) => a.arrival - b.arrival);
  }

  /** Everyone who gets a turn, whoever has waited longest for one first. */
  #turns(): Turn[] {
    const turns: Turn[] = [];
    for (const actor of this.#ready) turns.push({ mailbox: actor.mailbox, actor });
    const unbound = firstWaiting(this.#unbound);
    if (!unbound) return turns;
    const first = turns[0] && firstWaiting(turns[0].mailbox);
    const turn = { mailbox: this.#unbound, actor: null };
    if (first && first.arrival < unbound.arrival) turns.push(turn);
    else turns.unshift(turn);
    return turns;
  }

  #drop(actor: ProductActor): void {
    this.#ready.delete(actor);
    this.#actors.delete(actor.productId);
  }

  async #fly(letters: readonly Letter[]): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const actors = new Set(letters.flatMap((letter) => letter.actors));
    for (const actor of actors) {
      actor.inFlight = true;
      this.#ready.delete(actor);
    }
    this.#flying.add(letters);
    this.#waiting -= letters.length;
    for (const letter of letters) this.#waitingLines -= letter.lines;
    for (const letter of letters) this.#observer.commandTaken(startedMs - letter.arrivedAtMs);
    const answers = await this.#run(letters);
    this.#flying.delete(letters);
    for (const actor of actors) this.#land(actor);
    this.#observer.batchEnded(letters.length, this.#clock.monotonicMs() - startedMs);
    this.#schedulePump();
    await this.#give(answers);
  }

  /** Finds out what becomes of each letter of a batch. */
  async #run(letters: readonly Letter[]): Promise<readonly (() => void)[]> {
    try {
      const results = await this.#runBatch(letters.map((letter) => letter.command));
      return letters.map((letter, i) => () => {
        const result = results[i] ?? new Error('the batch gave this command no answer');
        if (result instanceof Error) letter.reject(result);
        else letter.resolve(result);
      });
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error));
      return letters.map((letter) => () => letter.reject(fault));
    }
  }

  /** Gives a batch's answers, behind what waits: its transaction runs while they are written. */
  async #give(answers: readonly (() => void)[]): Promise<void> {
    const answersATurn = Math.max(ANSWERS_A_TURN, Math.ceil(answers.length / ANSWER_TURNS_MAX));
    this.#answering++;
    for (const [i, answer] of answers.entries()) {
      if (i % answersATurn === 0) await nextTurn();
      answer();
    }
    this.#answering--;
    this.#tellIfDrained();
  }

  #land(actor: ProductActor): void {
    actor.inFlight = false;
    if (firstWaiting(actor.mailbox)) this.#ready.add(actor);
    else this.#drop(actor);
  }

  #withdrawLate(): void {
    const latest = this.#clock.monotonicMs() - this.#options.waitMaxMs;
    this.#withdraw((letter) => letter.arrivedAtMs < latest, new Unavailable('waited_too_long'));
  }

  /** Answers letters that wait, from the oldest of each mailbox on, as long as `which` holds. */
  #withdraw(which: (letter: Letter) => boolean, reason: Unavailable): void {
    const mailboxes = [...this.#actors.values()].map((actor) => actor.mailbox);
    for (const mailbox of [...mailboxes, this.#unbound]) {
      for (let letter = firstWaiting(mailbox); letter && which(letter); ) {
        letter.state = 'withdrawn';
        this.#waiting--;
        this.#waitingLines -= letter.lines;
        letter.reject(reason);
        letter = firstWaiting(mailbox);
      }
    }
    for (const actor of this.#actors.values()) {
      if (!actor.inFlight && !firstWaiting(actor.mailbox)) this.#drop(actor);
    }
    this.#tellIfDrained();
  }

  #whenDrained(): Promise<true> {
    return new Promise((resolve) => {
      this.#drained.push(() => resolve(true));
      this.#tellIfDrained();
    });
  }

  #tellIfDrained(): void {
    if (this.#waiting > 0 || this.#flying.size > 0 || this.#answering > 0) return;
    for (const tell of this.#drained.splice(0)) tell();
  }
}

interface Turn {
  readonly mailbox: Mailbox<Letter>;
  /** null: commands that concern no product */
  readonly actor: ProductActor | null;
}

/** The oldest letter of a mailbox that nobody answered yet; those that were are dropped. */
function firstWaiting(mailbox: Mailbox<Letter>): Letter | undefined {
  let letter = mailbox.peek();
  while (letter && letter.state !== 'waiting') {
    mailbox.take();
    letter = mailbox.peek();
  }
  return letter;
}
