/** The typed store in memory: the direct API, usable outside HTTP. */
import { typeError } from '../options.js';
import { nativeClock } from '../testing/manual-clock.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from './durable-options.js';
import { openDurableStore, type DurableSessionStore } from './durable-session-store.js';
import { Listeners, sessionEventNames } from './events.js';
import { NativeBackend, openMemory } from './native-backend.js';
import { checkStoreOptions, type SessionStoreOptions } from './options.js';
import { SessionReads } from './session-reads.js';
import type { SessionRecord } from './session-record.js';
import { SessionWrites, type CommitResult, type CreateOptions, type DataChange } from './session-writes.js';
import { Signal } from './signal.js';

/**
 * Sessions in this process's memory, off the JavaScript heap: bounded, expiring on time. Synchronous: every call takes from
 * a fraction of a microsecond to a few, plus the JSON of the data. One store serves any number of middlewares. Without a
 * journal every write answers a value, which is what the casts below say.
 */
export class SessionStore<Data extends object = Record<string, unknown>> extends SessionReads<Data> {
  readonly #native: NativeBackend;
  readonly #writes: SessionWrites<Data>;
  readonly #listeners: Listeners;

  /**
   * Opens a store whose sessions survive the process, in the directory `path`.
   * @throws TypeError, RangeError for a wrong option; SessionError `ERR_SESSION_PATH`, `ERR_SESSION_LOCKED`, `ERR_SESSION_OPTIONS`,
   * `ERR_SESSION_CORRUPT`, `ERR_SESSION_FORMAT_NEWER`, `ERR_SESSION_IO`, `ERR_SESSION_SYSTEM`.
   */
  static async open<Data extends object = Record<string, unknown>>(
    options: DurableStoreOptions = {},
  ): Promise<DurableSessionStore<Data>> {
    return openDurableStore<Data>(checkDurableOptions(options));
  }

  /** @throws TypeError, RangeError for a wrong option. */
  constructor(options: SessionStoreOptions = {}) {
    refuseDurable(options);
    const limits = checkStoreOptions(options);
    const signal = new Signal();
    const native = new NativeBackend(
      limits,
      openMemory(limits, signal.send, options.clock && nativeClock(options.clock)),
    );
    const listeners = new Listeners(sessionEventNames);
    super(native, listeners, signal);
    this.#native = native;
    this.#writes = new SessionWrites<Data>(native);
    this.#listeners = listeners;
  }

  /**
   * Stores a new session under a new random id, which is in the answer.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_UID`.
   */
  create(data: Data, options: CreateOptions = {}): SessionRecord<Data> {
    return this.#writes.create(data, options) as SessionRecord<Data>;
  }

  /**
   * Writes data that was made from `version`, or over whichever is stored if that is `undefined`. Counts as activity.
   * @throws SessionError as `create`; what is stored stays.
   */
  commit(id: string, version: number | undefined, data: Data): CommitResult<Data> {
    return this.#writes.commit(id, version, data) as CommitResult<Data>;
  }

  /**
   * Reads a session, lets `change` alter its data or answer other data, and commits; again from what is then stored if another
   * write came in between. Answers the session as written, or `undefined` if there is none.
   * @throws SessionError as `create`, and `ERR_SESSION_CONFLICT` if `change` itself writes the session each time.
   */
  update(id: string, change: DataChange<Data>): SessionRecord<Data> | undefined {
    return this.#writes.update(id, change) as SessionRecord<Data> | undefined;
  }

  /**
   * Moves a session to a new id in one step: the old one is dead, data and handle stay. With `uid` it becomes that user's,
   * logged in now. `undefined` if there is no such session.
   */
  regenerate(id: string, options: { uid?: string } = {}): SessionRecord<Data> | undefined {
    return this.#writes.regenerate(id, options) as SessionRecord<Data> | undefined;
  }

  /** Ends a session; false if there is none. */
  destroy(id: string): boolean {
    return this.#writes.destroy(id) as boolean;
  }

  /** Ends the session that a public handle names; false if there is none. */
  destroyByHandle(handle: string): boolean {
    return this.#writes.destroyByHandle(handle) as boolean;
  }

  /** Ends all sessions, however many, without holding anybody up. Answers how many there were. */
  clear(): number {
    return this.#writes.clear() as number;
  }

  /** Forgets all sessions; every later call but `close` throws `ERR_SESSION_CLOSED`. */
  close(): void {
    this.#listeners.close();
    this.#native.native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Whoever wants the sessions on disk must not be given a store in memory. */
function refuseDurable(options: object): void {
  if (typeof options !== 'object' || options === null) return;
  for (const name of durableOptionNames) {
    if (name in options) {
      throw typeError(
        `SessionStore.${name}`,
        (options as Record<string, unknown>)[name],
        'a store on disk takes a moment to open: use `await SessionStore.open(options)`',
      );
    }
  }
}
