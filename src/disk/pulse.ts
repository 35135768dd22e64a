/** The one timer of a store: beats while anybody waits, and keeps the process alive for them. */

export class Pulse {
  static readonly INTERVAL_MS = 250;
  /** How often it has beaten. */
  beats = 0;
  readonly #onBeat: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isAwake = false;

  constructor(onBeat: () => void) {
    this.#onBeat = onBeat;
  }

  /** Somebody waits: the process stays alive. */
  start(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setInterval(() => this.#beat(), Pulse.INTERVAL_MS);
  }

  /** Nobody waits any more. The timer is kept for a beat, in case somebody does at once. */
  rest(): void {
    if (!this.#isAwake) return;
    this.#isAwake = false;
    this.#timer?.unref();
  }

  #beat(): void {
    this.beats += 1;
    if (this.#isAwake) {
      this.#onBeat();
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
