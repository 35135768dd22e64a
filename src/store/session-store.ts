/** The typed store in memory, which is also how one on disk is opened. */
import { NativeBackend, openMemory } from '../backend/native-backend.js';
import { Signal } from '../backend/signal.js';
import { checkStoreOptions, type SessionStoreOptions } from '../backend/store-options.js';
import { nativeClock } from '../clock.js';
import type { DefaultSessionData } from '../data.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from '../disk/options.js';
import { Listeners } from '../listeners.js';
import { openDurableStore, type DurableSessionStore } from './durable-session-store.js';
import { sessionEventNames, type SessionEvents } from './events.js';
import { StoreWrites } from './store-writes.js';

/**
 * Sessions in this process's memory, off the JavaScript heap, bounded, and expiring on time. Synchronous: every call takes a few
 * microseconds at most, plus the JSON of the data. One store serves any number of middlewares.
 */
export class SessionStore<Data extends object = DefaultSessionData> extends StoreWrites<Data, 'memory', SessionEvents> {
  readonly #native: NativeBackend;
  readonly #listeners: Listeners<SessionEvents>;

  /**
   * Opens a store on disk, in the directory `path`: its sessions survive the process.
   * @throws TypeError, RangeError for a wrong option; SessionError `ERR_SESSION_PATH`, `ERR_SESSION_LOCKED`, `ERR_SESSION_OPTIONS`,
   * `ERR_SESSION_CORRUPT`, `ERR_SESSION_FORMAT_NEWER`, `ERR_SESSION_IO`, `ERR_SESSION_SYSTEM`.
   */
  static async open<Data extends object = DefaultSessionData>(
    options: DurableStoreOptions = {},
  ): Promise<DurableSessionStore<Data>> {
    return openDurableStore<Data>(checkDurableOptions(options));
  }

  /** @throws TypeError, RangeError for a wrong option. */
  constructor(options: SessionStoreOptions = {}) {
    refuseDurable(options);
    const limits = checkStoreOptions(options);
    const signal = new Signal();
    const open = openMemory(limits, signal.send, options.clock && nativeClock(options.clock));
    const native = new NativeBackend(limits, open);
    const listeners = new Listeners<SessionEvents>(sessionEventNames);
    super(native, listeners, signal);
    this.#native = native;
    this.#listeners = listeners;
  }

  /** Removes all sessions from memory; every later call except `close` throws `ERR_SESSION_CLOSED`. */
  close(): void {
    this.#listeners.close();
    this.#native.native.close();
    this.#native.watchers.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Refuses options of a store on disk: whoever passes one expects the sessions to survive. */
function refuseDurable(options: object): void {
  if (typeof options !== 'object' || options === null) return;
  for (const name of durableOptionNames) {
    if (name in options) {
      throw new TypeError(
        `option SessionStore.${name}: a store on disk takes a moment to open: use \`await SessionStore.open(options)\``,
      );
    }
  }
}
