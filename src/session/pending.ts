/** The promises that a session hands out, and what becomes of those that nobody waits for. */
import { warnOfFailure } from '../warnings.js';
import type { SessionContext } from './context.js';

/** A call of the backend whose promise the handler has. */
interface Call {
  readonly promise: Observed<unknown>;
  /** True if the response fails with the call in any case: it must not claim that a logout succeeded. */
  readonly isFinal: boolean;
  /** True once a commit waits for it, or has failed with it. */
  isTaken: boolean;
  error: unknown;
}

/**
 * The calls of a session's methods that are in progress or failed. The response waits for them. One that fails while nobody waits for its
 * promise fails the response; if that has been sent, or there is none, a process warning is emitted. It is never an unhandled rejection,
 * which would end the process.
 */
export class Pending {
  readonly #context: SessionContext;
  readonly #calls = new Set<Call>();
  /** The final ones that failed. */
  readonly #failed = new Set<Call>();

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /**
   * Makes the response wait for a call, and returns the promise to hand out. With `isFinal` the response fails with the call even if the
   * handler waits for the promise too; else whoever waits for it decides alone.
   */
  add<T>(work: Promise<T>, isFinal: boolean): Promise<T> {
    const promise = new Observed<T>((resolve, reject) => work.then(resolve, reject));
    const call: Call = { promise, isFinal, isTaken: false, error: undefined };
    this.#calls.add(call);
    promise.watch(
      () => this.#calls.delete(call),
      (error) => this.#fail(call, error),
    );
    return promise;
  }

  /** A promise of all calls that were added since the last time; `undefined` if each of them has succeeded already. */
  take(): Promise<unknown> | undefined {
    if (this.#calls.size === 0) return undefined;
    const calls = [...this.#calls];
    this.#calls.clear();
    return Promise.all(calls.map((call) => takeCall(call)));
  }

  /** Whether the handler waited for one of the promises, and it rejected with this error. */
  hasReported(error: unknown): boolean {
    return [...this.#failed].some((call) => call.error === error && call.promise.isObserved);
  }

  #fail(call: Call, error: unknown): void {
    call.error = error;
    const { promise, isFinal } = call;
    if (isFinal) this.#failed.add(call);
    // A turn later, because the handler may begin to wait for the promise just now.
    setImmediate(() => {
      if (call.isTaken) return;
      if (!promise.isObserved) {
        if (this.#context.willCommit) return;
        warnOfFailure(error);
      }
      if (!isFinal || this.#context.willCommit === undefined) this.#calls.delete(call);
    });
  }
}

/** Waits for a call. Rejects with its error, unless somebody else waits for it and decides. */
async function takeCall(call: Call): Promise<void> {
  call.isTaken = true;
  await new Promise<void>((resolve, reject) => {
    call.promise.watch(
      () => resolve(),
      (error) => (call.promise.isObserved && !call.isFinal ? resolve() : reject(error)),
    );
  });
}

/** A promise that notes whether anybody waits for it. */
class Observed<T> extends Promise<T> {
  /** What is made of it by `then`, `catch` and `finally` is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** True once `then`, `catch` or `finally` was called, which `await` does as well. */
  isObserved = false;

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isObserved = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Waits for it without being noted. */
  watch(onFulfilled: () => unknown, onRejected: (error: unknown) => unknown): void {
    super.then(onFulfilled, onRejected);
  }
}
