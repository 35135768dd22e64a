/** The typed store: the direct API, usable outside HTTP. */
import { SessionError } from '../errors.js';
import { isPromise } from '../maybe-promise.js';
import type { NativeStats } from '../native.js';
import { checkNames, duration, rangeError, typeError, wholeNumber, type Duration } from '../options.js';
import { nativeClock } from '../testing/manual-clock.js';
import type { CommitOutcome, SessionBackend, StoredSession } from './backend.js';
import { Listeners, type SessionEventName, type SessionListener } from './events.js';
import { parseData, stringifyData } from './json.js';
import { NativeBackend } from './native-backend.js';
import { checkStoreOptions, type SessionStoreOptions } from './options.js';
import { SessionRecord } from './session-record.js';
import { checkId, checkUid, GUEST } from './ids.js';

/** What `create` can be told of one session. */
export interface CreateOptions {
  /** Whose it is; without one it is a guest's. 1 to 255 characters, not `'Guest'`. */
  uid?: string;
  /** Instead of the store's. */
  idleTimeout?: Duration;
  absoluteTimeout?: Duration;
}

/** What became of a commit. `conflict` carries what is stored now; `gone` is final: nothing brings the session back. */
export type CommitResult<Data> =
  | { readonly status: 'ok'; readonly version: number }
  | { readonly status: 'conflict'; readonly current: SessionRecord<Data> }
  | { readonly status: 'gone' };

/** A session as an operator may see it: no id, no data. Instants are milliseconds since 1970. */
export interface SessionInfo {
  readonly handle: string;
  readonly uid: string;
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  /** `undefined` for a guest. */
  readonly authenticatedAt: number | undefined;
  /** What it takes in memory, bookkeeping included. */
  readonly bytes: number;
}

/** Some sessions, and the handle behind which to go on. A page may be short, even empty, while there is a `next`. */
export interface SessionPage {
  readonly sessions: readonly SessionInfo[];
  readonly next: string | undefined;
}

/** The store's figures: what it holds, and counters since it was opened. */
export type SessionStoreStats = Readonly<NativeStats> & {
  /** Sessions of logged-in users. */
  readonly users: number;
};

/** Tries of `update` before it gives up; only a function that changes its own session gets near. */
const MAX_TRIES = 10;
const VALUES_PER_SESSION = 9;
/** How long events are handed out before others have their turn. */
const DELIVERY_MS = 1;

/**
 * Sessions in this process's memory, off the JavaScript heap: bounded, expiring on time. Synchronous: every call takes from
 * a fraction of a microsecond to a few, plus the JSON of the data. One store serves any number of middlewares.
 */
export class SessionStore<Data extends object = Record<string, unknown>> {
  /** What the session layer works with. */
  readonly backend: SessionBackend;
  readonly #native: NativeBackend;
  readonly #listeners = new Listeners();
  #closed = false;

  /** @throws TypeError, RangeError for a wrong option. */
  constructor(options: SessionStoreOptions = {}) {
    const limits = checkStoreOptions(options);
    // The addon holds the callback for as long as it lives: it must not hold the store, or none is ever collected.
    const store = new WeakRef(this);
    const onEvents = (): void => {
      const alive = store.deref();
      if (alive) alive.#deliver();
    };
    this.#native = new NativeBackend(limits, onEvents, options.clock && nativeClock(options.clock));
    this.backend = this.#native;
  }

  /**
   * Stores a new session under a new random id, which is in the answer.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_UID`.
   */
  create(data: Data, options: CreateOptions = {}): SessionRecord<Data> {
    checkNames('create', options, ['uid', 'idleTimeout', 'absoluteTimeout']);
    const text = stringifyData(data);
    const uid = options.uid === undefined ? undefined : checkUid(options.uid);
    const facts = this.#native.create({
      data: text,
      uid,
      idleTimeout: optionalDuration('idleTimeout', options.idleTimeout),
      absoluteTimeout: optionalDuration('absoluteTimeout', options.absoluteTimeout),
    });
    return new SessionRecord(facts, uid, parseData<Data>(text));
  }

  /** Reads a session. A use (it becomes the most recently used), but not the user's activity: see `touch`. */
  get(id: string): SessionRecord<Data> | undefined {
    const stored = this.#native.load(checkId(id), false);
    return stored && this.#record(stored);
  }

  /** Whether there is a live session of this id. */
  has(id: string): boolean {
    return this.#native.native.has(checkId(id));
  }

  /**
   * Writes data that was made from `version`, or over whichever is stored if that is `undefined`. Counts as activity.
   * @throws SessionError as `create`; what is stored stays.
   */
  commit(id: string, version: number | undefined, data: Data): CommitResult<Data> {
    if (version !== undefined) wholeNumber('version', version, 1, Number.MAX_SAFE_INTEGER);
    return this.#result(this.#native.commit(checkId(id), version, { data: stringifyData(data) }));
  }

  /**
   * Reads a session, lets `change` alter its data or answer other data, and commits; again from what is then stored if another
   * write came in between. Answers the session as written, or `undefined` if there is none.
   * @throws SessionError as `create`, and `ERR_SESSION_CONFLICT` if `change` itself writes the session each time.
   */
  update(
    id: string,
    change: (data: Data, session: SessionRecord<Data>) => Data | void,
  ): SessionRecord<Data> | undefined {
    if (typeof change !== 'function') throw new TypeError('update needs a function that changes the data');
    let stored = this.#native.load(checkId(id), false);
    for (let tries = 0; stored && tries < MAX_TRIES; tries++) {
      const session = this.#record(stored);
      const changed = change(session.data, session) ?? session.data;
      if (isPromise(changed))
        throw new TypeError('update needs a function that answers at once, not a promise: nothing was written');
      const text = stringifyData(changed);
      const outcome = this.#native.commit(id, stored.version, { data: text });
      if (outcome.status === 'ok') return new SessionRecord(outcome.facts, stored.uid, parseData<Data>(text));
      stored = outcome.status === 'conflict' ? outcome.current : undefined;
    }
    if (stored) {
      throw new SessionError(
        'ERR_SESSION_CONFLICT',
        `the session was written by somebody else at each of ${MAX_TRIES} tries`,
      );
    }
    return undefined;
  }

  /** Notes the user's activity, and with `idleTimeout` sets the session's own. False if there is no such session. */
  touch(id: string, options: { idleTimeout?: Duration } = {}): boolean {
    checkNames('touch', options, ['idleTimeout']);
    return this.#native.touch(checkId(id), optionalDuration('idleTimeout', options.idleTimeout));
  }

  /**
   * Moves a session to a new id in one step: the old one is dead, data and handle stay. With `uid` it becomes that user's,
   * logged in now. `undefined` if there is no such session.
   */
  regenerate(id: string, options: { uid?: string } = {}): SessionRecord<Data> | undefined {
    checkNames('regenerate', options, ['uid']);
    const uid = options.uid === undefined ? undefined : checkUid(options.uid);
    const outcome = this.#native.regenerate(checkId(id), undefined, {}, uid);
    return outcome.status === 'ok' ? this.get(outcome.facts.id) : undefined;
  }

  /** Ends a session; false if there is none. */
  destroy(id: string): boolean {
    return this.#native.destroy(checkId(id), 'destroy');
  }

  /** Ends the session that a public handle names; false if there is none. */
  destroyByHandle(handle: string): boolean {
    return this.#native.native.destroyByHandle(String(handle));
  }

  /** Ends all sessions, however many, without holding anybody up. Answers how many there were. */
  clear(): number {
    return this.#native.native.clear();
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
    const rows = this.#native.native.page(after, limit);
    if (rows === null) throw rangeError('after', after, 'pass a handle of this store');
    const sessions: SessionInfo[] = [];
    for (let at = 1; at < rows.length; at += VALUES_PER_SESSION) {
      const [handle, uid, version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt, bytes] =
        rows.slice(at, at + VALUES_PER_SESSION) as [
          string,
          string | null,
          number,
          number,
          number,
          number,
          number,
          number,
          number,
        ];
      sessions.push({
        handle,
        uid: uid ?? GUEST,
        version,
        createdAt,
        lastSeenAt,
        idleTimeout,
        absoluteDeadline,
        authenticatedAt: uid === null ? undefined : authenticatedAt,
        bytes,
      });
    }
    return { sessions, next: (rows[0] as string | null) ?? undefined };
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
  on<Name extends SessionEventName>(name: Name, listener: SessionListener<Name>): this {
    if (!this.#closed) this.#listeners.add(name, listener);
    this.#native.native.listen(this.#listeners.mask);
    return this;
  }

  off<Name extends SessionEventName>(name: Name, listener: SessionListener<Name>): this {
    this.#listeners.remove(name, listener);
    if (!this.#closed) this.#native.native.listen(this.#listeners.mask);
    return this;
  }

  /** Forgets all sessions; every later call but `close` throws `ERR_SESSION_CLOSED`. */
  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#native.native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #record(stored: StoredSession): SessionRecord<Data> {
    return new SessionRecord(stored, stored.uid, parseData<Data>(stored.data));
  }

  #result(outcome: CommitOutcome): CommitResult<Data> {
    if (outcome.status === 'ok') return { status: 'ok', version: outcome.facts.version };
    return outcome.status === 'conflict' ? { status: 'conflict', current: this.#record(outcome.current) } : outcome;
  }

  /** Hands batches to the listeners for a moment, and comes back for the rest after others had their turn. */
  #deliver(): void {
    const enough = performance.now() + DELIVERY_MS;
    while (!this.#closed) {
      const batch = this.#native.native.takeEvents();
      if (batch === null) return;
      this.#listeners.emit(batch);
      if (performance.now() >= enough) break;
    }
    if (this.#closed) return;
    // Not an immediate: one that does not keep the process alive does not wake a quiet loop either, a timer does.
    setTimeout(() => this.#deliver(), 0).unref();
  }
}

function optionalDuration(option: string, value: Duration | undefined): number | undefined {
  return value === undefined ? undefined : duration(option, value);
}
