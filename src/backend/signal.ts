/** The callback that the addon calls when it has something to tell. */

/**
 * The addon holds its callback for as long as it lives: the callback must not hold the store, or none is ever collected. So
 * whoever wants to be told keeps its own function, and this one knows it weakly.
 */
export class Signal {
  readonly #told: WeakRef<() => void>[] = [];

  /** For the addon. */
  readonly send = (): void => {
    for (const reference of this.#told) reference.deref()?.();
  };

  /** Calls `listener` at each signal for as long as somebody else holds it. */
  tell(listener: () => void): void {
    this.#told.push(new WeakRef(listener));
  }
}
