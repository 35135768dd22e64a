/** The calls of a backend, besides writes, that are in progress: the response waits for them. */
export class Pending {
  /** The calls that are in progress or failed. */
  readonly #calls = new Set<Promise<void>>();
  readonly #errors = new Set<unknown>();

  /** Makes the response wait for `call` and fail with its error, whether or not the handler waits too. */
  add(call: Promise<unknown>): Promise<void> {
    const done = call.then(() => undefined);
    this.#calls.add(done);
    // The response handles a failure, so one that the handler does not wait for must not become an unhandled rejection.
    done.then(
      () => this.#calls.delete(done),
      (error: unknown) => this.#errors.add(error),
    );
    return done;
  }

  /** A promise of all calls that were added since the last time; `undefined` if each of them has succeeded already. */
  take(): Promise<unknown> | undefined {
    if (this.#calls.size === 0) return undefined;
    const all = Promise.all(this.#calls);
    this.#calls.clear();
    return all;
  }

  /** Whether one of the promises that the handler was given rejected with this error. */
  failedWith(error: unknown): boolean {
    return this.#errors.has(error);
  }
}
