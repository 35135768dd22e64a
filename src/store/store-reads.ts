/** The reads of the typed stores, and their events. */
import { checkId, checkStoredUid, NEEDS_ID } from '../backend/ids.js';
import { parseData } from '../backend/json.js';
import { nameOf } from '../backend/members.js';
import type { NativeBackend } from '../backend/native-backend.js';
import type { SessionBackend } from '../backend/session-backend.js';
import type { SessionInfo } from '../backend/session-info.js';
import type { Signal } from '../backend/signal.js';
import { checkKey } from '../backend/value-text.js';
import type { DataKey, JsonData } from '../data.js';
import type { Listeners } from '../listeners.js';
import { sessionTimeout } from '../backend/presets.js';
import { ownOptions, wholeNumber, type Duration } from '../options.js';
import { eventMask, notifyBatch, type SessionEvents } from './events.js';
import { noteStore } from './living.js';
import { pageOf, slotOf, type SessionPage, type SessionStoreStats } from './session-info.js';
import { recordOf, type SessionRecord } from './session-record.js';
import { StoreEvents } from './store-events.js';

/** How long events are delivered without a break, in milliseconds. */
const DELIVERY_MS = 0.5;

/** The part of a store that is synchronous in memory and on disk. Every call takes a few microseconds at most, plus the JSON of the data. */
export abstract class StoreReads<Data extends object, Events extends SessionEvents> extends StoreEvents<Events> {
  /** The store as a `SessionBackend`, which is what a manager uses. */
  readonly backend: SessionBackend & Required<Pick<SessionBackend, 'sessionsOf' | 'destroyUser'>>;
  readonly #native: NativeBackend;
  readonly #listeners: Listeners<Events>;
  /** How many events were dropped when the watchers were last told. */
  #dropped = 0;

  /** @internal */
  constructor(native: NativeBackend, listeners: Listeners<Events>, signal: Signal) {
    super(listeners, () => this.#listen());
    this.backend = native;
    this.#native = native;
    this.#listeners = listeners;
    native.onWatch = () => this.#listen();
    signal.listen(this.#deliver);
    noteStore(native.native);
  }

  /**
   * Reads a session and makes it the most recently used. Does not count as the user's activity: the idle deadline does not move.
   * @returns `undefined` if there is no such session.
   */
  get(id: string): SessionRecord<Data> | undefined {
    const stored = this.#native.load(checkId(id, NEEDS_ID), false);
    return stored && recordOf<Data>(stored);
  }

  /**
   * The value of one key of a session's data; `undefined` if there is no such key or session. Reads and parses that key alone. As `get`, it
   * makes the session the most recently used and is not the user's activity.
   */
  getKey<Key extends DataKey<Data>>(id: string, key: Key): JsonData<Data>[Key] | undefined {
    const text = this.#native.loadKey(checkId(id, NEEDS_ID), nameOf(checkKey(key)));
    return text ? parseData<JsonData<Data>[Key]>(text) : undefined;
  }

  /** Whether there is a live session of this id. Neither a use nor activity. */
  has(id: string): boolean {
    return this.#native.native.has(checkId(id, NEEDS_ID));
  }

  /**
   * Records the user's activity: the idle deadline moves, and the session becomes the most recently used. With `idleTimeout` also sets the
   * session's own. The version does not change. Never waits for the disk, which gets activity now and then; but a timeout that changes is a
   * write, and throws where a store on disk would refuse one.
   * @returns False if there is no such session.
   * @throws SessionError `ERR_SESSION_BACKPRESSURE`, `ERR_SESSION_DEGRADED`.
   */
  touch(id: string, options: { idleTimeout?: Duration } = {}): boolean {
    const own = ownOptions('touch', options, ['idleTimeout']);
    return this.#native.touch(
      checkId(id, NEEDS_ID),
      sessionTimeout(this.#native.timeouts, 'idleTimeout', own.idleTimeout),
    );
  }

  /**
   * Lists some sessions, in no particular order, without their ids and data. Neither a use nor activity. Scans a limited number of slots,
   * so a page may be short, even empty, although there is a `next`.
   * @param options `cursor` is the `next` of the page before; without it the list begins. `limit` is 1 to 10,000; default 100.
   * @throws TypeError, RangeError for a wrong `limit`, and a `cursor` that is not the `next` of a page.
   */
  page(options: { cursor?: string | undefined; limit?: number } = {}): SessionPage {
    const { cursor, limit = 100 } = ownOptions('page', options, ['cursor', 'limit']);
    wholeNumber('limit', limit, 1, 10_000);
    return pageOf(this.#native.native.page(cursor === undefined ? 0 : slotOf(cursor), limit));
  }

  /**
   * Lists all sessions. Those that begin or end meanwhile may be included or not; all others are, exactly once. With a million sessions a
   * loop over it holds up the event loop for a second: where requests are served, go `page` by page.
   */
  *sessions(): Generator<SessionInfo, void, undefined> {
    let cursor: string | undefined;
    do {
      const page = this.page({ cursor, limit: 1_000 });
      yield* page.sessions;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  /**
   * Lists the live sessions of a user, last seen first, without their ids and data, as for a page of the user's devices. Neither a use nor
   * activity. Takes as long as the user has sessions, however many others there are.
   * @param uid Compared exactly, character by character.
   * @throws SessionError `ERR_SESSION_UID`; TypeError for what is no string.
   */
  sessionsOf(uid: string): SessionInfo[] {
    return this.#native.sessionsOf(checkStoredUid(uid));
  }

  /** The number of sessions, including those that have just expired and are not removed yet. O(1). */
  get size(): number {
    return this.stats().sessions;
  }

  /** The memory of all sessions, including bookkeeping, as `maxBytes` counts it. O(1). */
  get bytes(): number {
    return this.stats().bytes;
  }

  /** What the store contains, and what happened since it was opened. O(1). */
  stats(): SessionStoreStats {
    const stats = this.#native.native.stats();
    return { ...stats, users: stats.sessions - stats.guests };
  }

  /** Tells the addon which events are waited for. */
  #listen(): void {
    this.#native.native.listen(eventMask(this.#listeners, this.#native.watchers));
  }

  /** Tells the watchers if events were dropped, of which one may have been theirs. */
  #noteDropped(): void {
    const { watchers } = this.#native;
    if (watchers.isEmpty || this.#listeners.isClosed) return;
    const { eventsDropped } = this.stats();
    if (eventsDropped === this.#dropped) return;
    this.#dropped = eventsDropped;
    watchers.notifyAll();
  }

  /** Delivers batches to the listeners for a moment, then yields to the event loop and continues. */
  readonly #deliver = (): void => {
    const end = performance.now() + DELIVERY_MS;
    while (!this.#listeners.isClosed) {
      const batch = this.#native.native.takeEvents();
      if (batch === null) return;
      notifyBatch(this.#listeners, this.#native.watchers, batch);
      this.#noteDropped();
      if (performance.now() >= end) break;
    }
    if (this.#listeners.isClosed) return;
    // A timer, not an immediate: an unref'ed immediate does not wake an idle event loop.
    setTimeout(this.#deliver, 0).unref();
  };
}
