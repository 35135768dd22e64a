/** How long the first waits for the second, in milliseconds. */
const PATIENCE = 20_000;

/** A place where two requests wait for each other, so that what they do afterwards is at the same time. */
export class Meeting {
  /** Who waits, by the name of the meeting. */
  #waiting = new Map();

  /**
   * Resolves once another has come under the same name; true if so, false if nobody came in time.
   * @param {string} name
   * @returns {Promise<boolean>}
   */
  meet(name) {
    const other = this.#waiting.get(name);
    if (other) {
      this.#waiting.delete(name);
      other(true);
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(name);
        resolve(false);
      }, PATIENCE).unref();
      this.#waiting.set(name, (hasCome) => {
        clearTimeout(timer);
        resolve(hasCome);
      });
    });
  }
}
