/** The calls of a backend, besides writes, that are in progress: the response waits for them. */
export class Pending {
  #all: Promise<unknown> | undefined;
  readonly #errors = new Set<unknown>();

  /** Makes the response wait for `call` and fail with its error, whether or not the handler waits too. */
  add(call: Promise<unknown>): Promise<void> {
    const done = call.then(() => undefined);
    this.#all = this.#all ? Promise.all([this.#all, done]) : done;
    // The response handles a failure, so one that the handler does not wait for must not become an unhandled rejection.
    done.catch((error: unknown) => this.#errors.add(error));
    this.#all.catch(() => undefined);
    return done;
  }

  /** A promise of all calls; `undefined` if none was added since the last time. */
  take(): Promise<unknown> | undefined {
    const all = this.#all;
    this.#all = undefined;
    return all;
  }

  /** Whether one of the promises that the handler was given rejected with this error. */
  failedWith(error: unknown): boolean {
    return this.#errors.has(error);
  }
}
