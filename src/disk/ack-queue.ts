/** Those who wait for the disk, first come first served. */

/** A place in the ring, used again and again. */
interface Waiter {
  /** Of the write that is waited for. */
  lsn: number;
  /** The beat at which the wait began. */
  since: number;
  /** What the promise is kept with. */
  answer: unknown;
  resolve: (answer: never) => void;
  reject: (error: unknown) => void;
}

/** A ring of waiters in the order of their writes: a wait costs its promise, and nothing else once the ring has grown. */
export class AckQueue {
  /** The newest write that needs no waiting any more. */
  acknowledged = 0;
  #ring: Waiter[] = Array.from({ length: 16 }, emptyWaiter);
  #head = 0;
  #size = 0;
  /** The waiter whose promise is being made. */
  #filling: Waiter;
  readonly #executor = (resolve: (answer: never) => void, reject: (error: unknown) => void): void => {
    this.#filling.resolve = resolve;
    this.#filling.reject = reject;
  };

  constructor() {
    this.#filling = this.#ring[0]!;
  }

  get size(): number {
    return this.#size;
  }

  /** The promise of `answer`, kept once the write `lsn` is acknowledged. */
  wait<T>(lsn: number, answer: T, now: number): Promise<T> {
    if (this.#size === this.#ring.length) this.#grow();
    const waiter = this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)]!;
    this.#size += 1;
    waiter.lsn = lsn;
    waiter.since = now;
    waiter.answer = answer;
    this.#filling = waiter;
    return new Promise<T>(this.#executor);
  }

  /** Keeps the promises of all that is acknowledged by now. */
  acknowledge(upTo: number): void {
    if (upTo > this.acknowledged) this.acknowledged = upTo;
    this.release(this.acknowledged);
  }

  /** Keeps the promises up to a write, acknowledged or not. */
  release(upTo: number): void {
    while (this.#size > 0 && this.#first.lsn <= upTo) {
      const { resolve, answer } = this.#first;
      this.#drop();
      resolve(answer as never);
    }
  }

  /** Breaks the promises up to a write, each with an error of its own. */
  fail(upTo: number, error: () => unknown): void {
    while (this.#size > 0 && this.#first.lsn <= upTo) this.#breakFirst(error());
  }

  /** Breaks the promises that were given at the beat `since` or before. */
  expire(since: number, error: () => unknown): void {
    while (this.#size > 0 && this.#first.since <= since) this.#breakFirst(error());
  }

  #breakFirst(error: unknown): void {
    const { reject } = this.#first;
    this.#drop();
    reject(error);
  }

  get #first(): Waiter {
    return this.#ring[this.#head]!;
  }

  /** Takes the first out, and leaves nothing of it behind in the ring. */
  #drop(): void {
    const waiter = this.#first;
    waiter.answer = undefined;
    waiter.resolve = nobody;
    waiter.reject = nobody;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size -= 1;
  }

  #grow(): void {
    const inOrder = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    this.#ring = [...inOrder, ...Array.from({ length: inOrder.length }, emptyWaiter)];
    this.#head = 0;
  }
}

function nobody(): void {}

function emptyWaiter(): Waiter {
  return { lsn: 0, since: 0, answer: undefined, resolve: nobody, reject: nobody };
}
