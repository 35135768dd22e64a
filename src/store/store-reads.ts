/** What every store of this process does in the same way, in memory or on disk: reading, looking around, telling events. */
import { checkNames, optionalDuration, rangeError, typeError, wholeNumber, type Duration } from '../options.js';
import type { SessionBackend } from '../backend/session-backend.js';
import type { Listeners, SessionEvents } from './events.js';
import { checkId } from '../backend/ids.js';
import type { NativeBackend } from '../backend/native-backend.js';
import { pageOf, type SessionInfo, type SessionPage, type SessionStoreStats } from './session-info.js';
import { recordOf, type SessionRecord } from './session-record.js';
import type { Signal } from '../backend/signal.js';

/** How long events are handed out before others have their turn. */
const DELIVERY_MS = 0.5;

/** The synchronous part of a store. Every call takes from a fraction of a microsecond to a few, plus the JSON of the data. */
export abstract class SessionReads<Data extends object, Events extends SessionEvents = SessionEvents> {
  /** What the session layer works with. */
  readonly backend: SessionBackend;
  readonly #native: NativeBackend;
  readonly #listeners: Listeners;

  /** @internal */
  constructor(native: NativeBackend, listeners: Listeners, signal: Signal) {
    this.backend = native;
    this.#native = native;
    this.#listeners = listeners;
    signal.tell(this.#deliver);
  }

  /** Reads a session. A use (it becomes the most recently used), but not the user's activity: see `touch`. */
  get(id: string): SessionRecord<Data> | undefined {
    const stored = this.#native.load(checkId(id), false);
    return stored && recordOf<Data>(stored);
  }

  /** Whether there is a live session of this id. */
  has(id: string): boolean {
    return this.#native.native.has(checkId(id));
  }

  /** Notes the user's activity, and with `idleTimeout` sets the session's own. False if there is no such session. */
  touch(id: string, options: { idleTimeout?: Duration } = {}): boolean {
    checkNames('touch', options, ['idleTimeout']);
    return this.#native.touch(checkId(id), optionalDuration('idleTimeout', options.idleTimeout));
  }

  /**
   * Some sessions, in no order of meaning, from behind the handle `after` or from the start; see `sessions()` for all. Looks
   * at a bounded number of places, so a page may be short while there is a `next`.
   */
  page(options: { after?: string | undefined; limit?: number } = {}): SessionPage {
    checkNames('page', options, ['after', 'limit']);
    const { after, limit = 100 } = options;
    if (after !== undefined && typeof after !== 'string') throw typeError('after', after, 'pass a handle');
    wholeNumber('limit', limit, 1, 10_000);
    const values = this.#native.native.page(after, limit);
    if (values === null) throw rangeError('after', after, 'pass a handle of this store');
    return pageOf(values);
  }

  /** All sessions, page by page: those that come or go meanwhile may be seen or missed, the others come exactly once. */
  *sessions(): Generator<SessionInfo, void, undefined> {
    let after: string | undefined;
    do {
      const page = this.page({ after, limit: 1_000 });
      yield* page.sessions;
      after = page.next;
    } while (after !== undefined);
  }

  /** Sessions held now, those included that expired a moment ago and were not yet swept. O(1). */
  get size(): number {
    return this.stats().sessions;
  }

  /** Memory they take, bookkeeping included, as `maxBytes` counts it. O(1). */
  get bytes(): number {
    return this.stats().bytes;
  }

  stats(): SessionStoreStats {
    const stats = this.#native.native.stats();
    return { ...stats, users: stats.sessions - stats.guests };
  }

  /**
   * Calls `listener` at each event of that name: in batches, later, on this thread. Listeners never keep the process alive
   * and are never called after `close`; one that throws disturbs nobody.
   */
  on<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): this {
    if (!this.#listeners.isClosed) this.#listeners.add(name, listener);
    this.#native.native.listen(this.#listeners.mask);
    return this;
  }

  off<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): this {
    this.#listeners.remove(name, listener);
    if (!this.#listeners.isClosed) this.#native.native.listen(this.#listeners.mask);
    return this;
  }

  /** Hands batches to the listeners for a moment, and comes back for the rest after others had their turn. */
  readonly #deliver = (): void => {
    const enough = performance.now() + DELIVERY_MS;
    while (!this.#listeners.isClosed) {
      const batch = this.#native.native.takeEvents();
      if (batch === null) return;
      this.#listeners.emit(batch);
      if (performance.now() >= enough) break;
    }
    if (this.#listeners.isClosed) return;
    // Not an immediate: one that does not keep the process alive does not wake a quiet loop either, a timer does.
    setTimeout(this.#deliver, 0).unref();
  };
}
