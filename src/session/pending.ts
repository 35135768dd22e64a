/** What a backend was told besides writes, as the end of a session, and has not answered yet: the response waits for it. */
export class Pending {
  #all: Promise<unknown> | undefined;
  readonly #errors = new Set<unknown>();

  /** Has the response wait, and fail with it, whether or not the handler waits too. */
  add(told: Promise<unknown>): Promise<void> {
    const done = told.then(() => undefined);
    this.#all = this.#all ? Promise.all([this.#all, done]) : done;
    // The response answers for a failure; a handler that does not wait is not to be told by the end of the process.
    done.catch((error: unknown) => this.#errors.add(error));
    this.#all.catch(() => undefined);
    return done;
  }

  /** What is to be waited for; not again the next time. */
  take(): Promise<unknown> | undefined {
    const all = this.#all;
    this.#all = undefined;
    return all;
  }

  /** Whether a promise that the handler was given was broken with this error. */
  failedWith(error: unknown): boolean {
    return this.#errors.has(error);
  }
}
