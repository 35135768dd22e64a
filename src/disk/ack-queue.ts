/** The queue of the writes that wait for the disk. */

/** An entry of the ring, which is reused. */
interface Waiter {
  /** The log sequence number of the write. */
  lsn: number;
  /** The tick at which the wait began. */
  since: number;
  /** The value that the promise resolves with. */
  result: unknown;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

/** A ring of waiters in the order of their writes. Once the ring has grown, a wait allocates its promise and nothing else. */
export class AckQueue {
  /** The newest write that need not wait any more. */
  acknowledged = 0;
  #ring: Waiter[] = Array.from({ length: 16 }, emptyWaiter);
  #head = 0;
  #size = 0;
  /** The waiter whose promise is being constructed. */
  #filling: Waiter;
  readonly #executor = (resolve: (result: never) => void, reject: (error: unknown) => void): void => {
    this.#filling.resolve = resolve;
    this.#filling.reject = reject;
  };

  constructor() {
    this.#filling = this.#ring[0]!;
  }

  get size(): number {
    return this.#size;
  }

  /** A promise that resolves with `result` once the write `lsn` is acknowledged. */
  wait<T>(lsn: number, result: T, now: number): Promise<T> {
    if (this.#size === this.#ring.length) this.#grow();
    const waiter = this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)]!;
    this.#size += 1;
    waiter.lsn = lsn;
    waiter.since = now;
    waiter.result = result;
    this.#filling = waiter;
    return new Promise<T>(this.#executor);
  }

  /** Notes that all writes up to `upTo` are acknowledged, and resolves their promises. */
  acknowledge(upTo: number): void {
    if (upTo > this.acknowledged) this.acknowledged = upTo;
    this.resolve(this.acknowledged);
  }

  /** Resolves the promises of all writes up to `upTo`, acknowledged or not. */
  resolve(upTo: number): void {
    while (this.#size > 0 && this.#first.lsn <= upTo) {
      const { resolve, result } = this.#first;
      this.#drop();
      resolve(result as never);
    }
  }

  /** Rejects the promises of all writes up to `upTo`, each with an error of its own. */
  reject(upTo: number, error: () => unknown): void {
    while (this.#size > 0 && this.#first.lsn <= upTo) this.#rejectFirst(error());
  }

  /** Rejects the promises that have waited since the tick `since` or longer. */
  expire(since: number, error: () => unknown): void {
    while (this.#size > 0 && this.#first.since <= since) this.#rejectFirst(error());
  }

  #rejectFirst(error: unknown): void {
    const { reject } = this.#first;
    this.#drop();
    reject(error);
  }

  get #first(): Waiter {
    return this.#ring[this.#head]!;
  }

  /** Removes the first waiter, and leaves no references of it in the ring. */
  #drop(): void {
    const waiter = this.#first;
    waiter.result = undefined;
    waiter.resolve = ignore;
    waiter.reject = ignore;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size -= 1;
  }

  #grow(): void {
    const inOrder = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    this.#ring = [...inOrder, ...Array.from({ length: inOrder.length }, emptyWaiter)];
    this.#head = 0;
  }
}

function ignore(): void {}

function emptyWaiter(): Waiter {
  return { lsn: 0, since: 0, result: undefined, resolve: ignore, reject: ignore };
}
