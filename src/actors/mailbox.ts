/** A first-in-first-out queue with a bound. It knows nothing of what it carries. */
export class Mailbox<T> {
  readonly #max: number;
  #items: (T | undefined)[] = [];
  #head = 0;

  /** `max` items at most. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  get isFull(): boolean {
    return this.size >= this.#max;
  }

  /** Adds an item at the end; whoever asks has looked at `isFull`. */
  enqueue(item: T): void {
    if (this.isFull) throw new RangeError('the mailbox is full');
    this.#items.push(item);
  }

  /** The oldest item, which stays. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest item out. */
  take(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head++;
    // Shifting for each item would copy the whole queue each time.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
