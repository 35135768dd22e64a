/** The callback through which the addon notifies a store that events or acknowledgements are waiting. */

/**
 * The addon holds its callback as long as it lives. If the callback held the store, no store would ever be garbage-collected, so
 * listeners are held weakly here: whoever adds one must hold it.
 */
export class Signal {
  readonly #listeners: WeakRef<() => void>[] = [];

  /** The callback for the addon. */
  readonly send = (): void => {
    for (const reference of this.#listeners) reference.deref()?.();
  };

  /** Calls `listener` at each signal, as long as somebody else holds it. */
  listen(listener: () => void): void {
    this.#listeners.push(new WeakRef(listener));
  }
}
