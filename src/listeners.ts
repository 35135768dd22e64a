/** The listeners of a store's events. */

type Listener = (event: never) => void;
const NONE: readonly Listener[] = [];

/** The listeners of one store, by event name. If one throws, the others are still called, and its error becomes a process warning. */
export class Listeners<Events> {
  readonly #names: readonly string[];
  /** Arrays that are never changed in place, so that a running `notify` sees no change. A copy at each event would be costly. */
  readonly #byName = new Map<string, readonly Listener[]>();
  #isClosed = false;

  /** `names`: the events that exist. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws TypeError if there is no such event, or the listener is not a function. */
  add(name: string, listener: Listener): void {
    if (!this.#names.includes(name)) {
      throw new TypeError(`there is no session event ${String(name)}, only ${this.#names.join(', ')}`);
    }
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${name} must be a function`);
    const listeners = this.#of(name);
    if (!listeners.includes(listener)) this.#byName.set(name, [...listeners, listener]);
  }

  remove(name: string, listener: Listener): void {
    this.#byName.set(
      name,
      this.#of(name).filter((other) => other !== listener),
    );
  }

  has(name: string): boolean {
    return this.#of(name).length > 0;
  }

  /** Removes all listeners. None is called afterwards, even in the middle of an event. */
  close(): void {
    this.#isClosed = true;
    this.#byName.clear();
  }

  /** Calls the listeners of one event; false if there are none. */
  notify<Name extends keyof Events & string>(name: Name, event: Events[Name]): boolean {
    const listeners = this.#of(name);
    // A listener that is added meanwhile is called from the next event on; one that is removed meanwhile is not called.
    for (const listener of listeners) {
      if (this.#of(name) !== listeners && !this.#of(name).includes(listener)) continue;
      try {
        (listener as (event: unknown) => void)(event);
      } catch (error) {
        warnOfListener(name, error);
      }
    }
    return listeners.length > 0;
  }

  #of(name: string): readonly Listener[] {
    return this.#byName.get(name) ?? NONE;
  }
}

/** Emits the process warning for a listener that threw. */
export function warnOfListener(name: string, cause: unknown): void {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.emitWarning(`a listener of the session event "${name}" threw; the others were still called`, {
    type: 'SessionWarning',
    code: 'SESSION_LISTENER_THREW',
    detail,
  });
}
