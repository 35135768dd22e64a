/** Adding and removing the listeners of a store. */
import { EventEmitter } from 'node:events';
import type { Listeners } from '../listeners.js';
import { ownOptions, typeError } from '../options.js';

/** Options of a listener. */
export interface ListenerOptions {
  /** Removes the listener when it is aborted. */
  signal?: AbortSignal | undefined;
}

type Added = (...args: unknown[]) => void;

/** A listener that a signal will remove. */
interface Signalled {
  readonly name: string | symbol;
  readonly listener: Added;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
}

/**
 * The part of a store that is an `EventEmitter` of Node.js, so that `once`, `listenerCount` and, of `node:events`, `once(store, name)` and
 * `on(store, name)` work as with any other. Events are delivered asynchronously and in batches, on this thread. Listeners do not keep the
 * process alive and are never called after `close`. If one throws, the others are still called.
 */
export abstract class StoreEvents<Events> extends EventEmitter {
  readonly #listeners: Listeners<Events>;
  readonly #onChange: () => void;
  readonly #signalled: Signalled[] = [];

  /** @internal `onChange` is called when events have got their first listener, or lost their last. */
  constructor(listeners: Listeners<Events>, onChange: () => void) {
    super();
    this.#listeners = listeners;
    this.#onChange = onChange;
    listeners.attach(this);
  }

  /**
   * Calls `listener` at each event of that name, until `off`, or until `signal` is aborted. Events come later, in batches, on this thread,
   * in the order in which they happened. Listeners do not keep the process alive, and are not called after `close`. If one throws, the
   * others are still called, and its error becomes a process warning, `SESSION_LISTENER_THREW`. Up to 16 MiB of events wait for the
   * listeners of a store object; newer ones are dropped and counted in `stats().eventsDropped`. Events without a listener cost nothing.
   *
   * A store is an `EventEmitter`: its other methods are there, and `once(store, name)` and `on(store, name)` of `node:events` work.
   * @throws TypeError if there is no such event, or the listener is not a function.
   */
  override on<Name extends keyof Events & string>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options: ListenerOptions = {},
  ): this {
    return this.#add(name, listener, options, (name, listener) => super.on(name, listener));
  }

  /** Calls `listener` at the next event of that name, unless it is removed before. @throws TypeError as `on`. */
  override once<Name extends keyof Events & string>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options: ListenerOptions = {},
  ): this {
    // The inherited method calls `on`.
    return this.#add(name, listener, options, (name, listener) => super.once(name, listener));
  }

  /** Removes a listener. */
  override off<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): this {
    return this.removeListener(name, listener);
  }

  /** The same as `on`. */
  override addListener<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): this {
    return this.on(name, listener);
  }

  /** As `on`, but before the listeners that are there. */
  override prependListener<Name extends keyof Events & string>(
    name: Name,
    listener: (event: Events[Name]) => void,
  ): this {
    return this.#add(name, listener, {}, (name, listener) => super.prependListener(name, listener));
  }

  /** The same as `off`. */
  override removeListener<Name extends keyof Events & string>(
    name: Name,
    listener: (event: Events[Name]) => void,
  ): this {
    super.removeListener(name, listener);
    this.#release((added) => added.name === name && added.listener === (originalOf(listener) as Added));
    return this.#changed();
  }

  /** Removes the listeners of an event, or of all. */
  override removeAllListeners<Name extends keyof Events & string>(name?: Name): this {
    // Without an argument, not with `undefined`: Node.js counts them.
    if (name === undefined) super.removeAllListeners();
    else super.removeAllListeners(name);
    this.#release((added) => name === undefined || added.name === name);
    return this.#changed();
  }

  #add(name: string, given: unknown, options: ListenerOptions, add: (name: string, listener: Added) => unknown): this {
    this.#listeners.check(name, given);
    const listener = given as Added;
    const { signal } = ownOptions('on', options, ['signal']);
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw typeError('signal', signal, 'pass an AbortSignal');
    if (signal?.aborted) return this;
    // A closed store refuses this.
    if (this.#listeners.isClosed) this.#onChange();
    add(name, listener);
    if (signal) {
      const onAbort = (): unknown => this.removeListener(name as never, listener as never);
      this.#signalled.push({ name, listener, signal, onAbort });
      signal.addEventListener('abort', onAbort, { once: true });
    }
    return this.#changed();
  }

  /** Forgets the signals of listeners that were removed: one signal may be given to many listeners, and outlive them. */
  #release(isRemoved: (added: Signalled) => boolean): void {
    for (let at = this.#signalled.length - 1; at >= 0; at -= 1) {
      const added = this.#signalled[at]!;
      if (!isRemoved(added)) continue;
      added.signal.removeEventListener('abort', added.onAbort);
      this.#signalled.splice(at, 1);
    }
  }

  #changed(): this {
    this.#listeners.changed();
    if (!this.#listeners.isClosed) this.#onChange();
    return this;
  }
}

/** The listener that was given to `once`, which Node.js wraps; any other listener itself. */
function originalOf(listener: unknown): unknown {
  return (listener as { listener?: unknown }).listener ?? listener;
}
