/** The typed store in memory, which is also how one on disk is opened. */
import { NativeBackend, openMemory } from '../backend/native-backend.js';
import { Signal } from '../backend/signal.js';
import { checkStoreOptions, type SessionStoreOptions } from '../backend/store-options.js';
import { nativeClock } from '../clock.js';
import type { DefaultSessionData } from '../data.js';
import { bare } from '../options.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from '../disk/options.js';
import { Listeners } from '../listeners.js';
import { openDurableStore, type DurableSessionStore } from './durable-session-store.js';
import { sessionEventNames, type SessionEvents } from './events.js';
import { StoreWrites } from './store-writes.js';

/**
 * A store of sessions in this process's memory, off the JavaScript heap, bounded, and expiring on time; for jobs, command-line tools and
 * admin pages as well. Synchronous: every call takes a few microseconds at most, plus the JSON of the data. One store serves any number of
 * middlewares. Its thread for expiry does not keep the process alive.
 *
 * A method that takes an id throws a TypeError for what is no string and for a handle; any other string that is not the id of a live
 * session is not found.
 */
export class SessionStore<Data extends object = DefaultSessionData> extends StoreWrites<Data, 'memory', SessionEvents> {
  readonly #native: NativeBackend;
  readonly #listeners: Listeners<SessionEvents>;

  /**
   * Opens a store on disk, in the directory `path`: its sessions survive the process. A thread of the addon reads the files: the event loop
   * is not blocked, the process stays alive meanwhile, and openings of different directories do not wait for each other. `process.exit()`
   * and `worker.terminate()` cancel it without waiting; the directory is free again at once, or as soon as its disk responds.
   * @throws TypeError, RangeError for a wrong option; SessionError `ERR_SESSION_PATH`, `ERR_SESSION_LOCKED`, `ERR_SESSION_OPTIONS`,
   * `ERR_SESSION_CORRUPT`, `ERR_SESSION_FORMAT_NEWER`, `ERR_SESSION_IO`, `ERR_SESSION_SYSTEM`.
   */
  static async open<Data extends object = DefaultSessionData>(
    options: DurableStoreOptions = {},
  ): Promise<DurableSessionStore<Data>> {
    return openDurableStore<Data>(checkDurableOptions(options));
  }

  /**
   * Creates a store in memory. Options of a store on disk are refused: that is opened with `SessionStore.open`.
   * @throws TypeError, RangeError for a wrong option; SessionError `ERR_SESSION_SYSTEM` if there is no thread or no randomness.
   */
  constructor(options: SessionStoreOptions = {}) {
    refuseDurable(options);
    const limits = checkStoreOptions(options);
    const { clock } = bare(options);
    const signal = new Signal();
    const open = openMemory(limits, signal.send, clock && nativeClock(clock));
    const native = new NativeBackend(limits, open);
    const listeners = new Listeners<SessionEvents>(sessionEventNames);
    super(native, listeners, signal);
    this.#native = native;
    this.#listeners = listeners;
  }

  /**
   * Removes all sessions from memory. Afterwards `size`, `bytes` and every method but `close` and `off` throw `ERR_SESSION_CLOSED`,
   * `sessions()` at its first step. A second call does nothing.
   */
  close(): void {
    this.#listeners.close();
    this.#native.native.close();
    this.#native.watchers.close();
  }

  /** Closes the store at the end of a block: `using store = new SessionStore()`, where the language has `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Refuses options of a store on disk: whoever passes one expects the sessions to survive. */
function refuseDurable(options: object): void {
  if (typeof options !== 'object' || options === null) return;
  for (const name of durableOptionNames) {
    if (Object.hasOwn(options, name)) {
      throw new TypeError(
        `option SessionStore.${name}: a store on disk takes a moment to open: use \`await SessionStore.open(options)\``,
      );
    }
  }
}
