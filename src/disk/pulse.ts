/** The one timer of a store on disk. */

/** A timer that ticks while somebody waits for the disk, and keeps the process alive meanwhile. */
export class Pulse {
  static readonly INTERVAL_MS = 250;
  /** How often it has ticked. */
  ticks = 0;
  readonly #onTick: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isActive = false;

  constructor(onTick: () => void) {
    this.#onTick = onTick;
  }

  /** Ticks from now on, and keeps the process alive. */
  start(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setInterval(() => this.#tick(), Pulse.INTERVAL_MS);
  }

  /** Stops. The timer itself lives for one more tick, in case `start` is called again soon. */
  stop(): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#timer?.unref();
  }

  #tick(): void {
    this.ticks += 1;
    if (this.#isActive) {
      this.#onTick();
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
