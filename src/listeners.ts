/** The listeners of a store's events. */
import type { EventEmitter } from 'node:events';

type Listener = (event: never) => void;

/** The name of an event that no store emits. `events.once` and `events.on` of Node.js listen to it on every emitter. */
const ERROR = 'error';
/** Longer names are not shown. */
const MAX_SHOWN = 40;

/**
 * The events of one store, which is the `EventEmitter` that keeps their listeners. If a listener throws, the others are still called, and
 * its error becomes a process warning.
 */
export class Listeners<Events> {
  readonly #names: readonly string[];
  /** The store; `undefined` while it is being made. */
  #emitter: EventEmitter | undefined;
  /** Copies of the emitter's lists, so that a running `notify` sees no change. A copy at each event would be costly. */
  readonly #byName = new Map<string, readonly Listener[]>();
  #isClosed = false;

  /** `names`: the events that exist. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Notes the store that has the listeners. */
  attach(emitter: EventEmitter): void {
    this.#emitter = emitter;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws TypeError if there is no such event, or the listener is not a function. */
  check(name: string | symbol, listener: unknown): void {
    if (name !== ERROR && !this.#names.includes(name as string)) {
      throw new TypeError(`there is no session event ${shown(name)}, only ${this.#names.join(', ')}`);
    }
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${String(name)} must be a function`);
  }

  /** Notes that listeners were added or removed. */
  changed(): void {
    this.#byName.clear();
  }

  has(name: string): boolean {
    return this.#of(name).length > 0;
  }

  /** Removes all listeners. None is called afterwards, even in the middle of an event. */
  close(): void {
    this.#isClosed = true;
    this.#emitter?.removeAllListeners();
    this.#byName.clear();
  }

  /** Calls the listeners of one event; false if there are none. */
  notify<Name extends keyof Events & string>(name: Name, event: Events[Name]): boolean {
    const listeners = this.#of(name);
    // A listener that is added meanwhile is called from the next event on; one that is removed meanwhile is not called.
    for (const listener of listeners) {
      const now = this.#of(name);
      if (now !== listeners && !now.includes(listener)) continue;
      try {
        Reflect.apply(listener, this.#emitter, [event]);
      } catch (error) {
        warnOfListener(name, error);
      }
    }
    return listeners.length > 0;
  }

  #of(name: string): readonly Listener[] {
    let listeners = this.#byName.get(name);
    if (listeners === undefined) {
      listeners = (this.#emitter?.rawListeners(name) ?? []) as Listener[];
      this.#byName.set(name, listeners);
    }
    return listeners;
  }
}

/** The name for a message, if it is short: a session's id, which is a secret, may have been passed by mistake. */
function shown(name: string | symbol): string {
  const text = String(name);
  return text.length > MAX_SHOWN ? `of ${text.length} characters` : text;
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
