/** The progress of a long inspection. */
import type { When } from './arguments.js';

/** Nothing is shown before this time, in milliseconds. */
const LONG = 1_000;
const WIDTH = 30;
/** Moves to the start of the line and clears it. */
const CLEAR = '\r\u001b[K';

/** A bar on a terminal; elsewhere a line for each tenth. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #when: When;
  readonly #start = performance.now();
  /** The tenth that was printed last. */
  #printed = -1;
  #hasBar = false;

  constructor(stream: NodeJS.WriteStream, when: When) {
    this.#stream = stream;
    this.#when = when;
  }

  show(read: number, total: number): void {
    const isDue = this.#when === 'always' || (this.#when === 'auto' && performance.now() - this.#start > LONG);
    if (!isDue || total === 0) return;
    const part = Math.min(read / total, 1);
    const text = `${Math.floor(part * 100)} % read`;
    if (this.#stream.isTTY) {
      const full = Math.round(part * WIDTH);
      this.#stream.write(`${CLEAR}[${'='.repeat(full)}${' '.repeat(WIDTH - full)}] ${text}`);
      this.#hasBar = true;
      return;
    }
    const tenth = Math.floor(part * 10);
    if (tenth === this.#printed) return;
    this.#printed = tenth;
    this.#stream.write(`${text}\n`);
  }

  /** Removes the bar. */
  end(): void {
    if (this.#hasBar) this.#stream.write(CLEAR);
  }
}
