/** The writes of the typed stores: values in memory, promises on disk. */
import { checkExcept, checkHandle, checkId, checkStoredUid, checkUid, NEEDS_ID } from '../backend/ids.js';
import { parseData, stringifyData } from '../backend/json.js';
import type { NativeBackend } from '../backend/native-backend.js';
import type { DestroyUserOptions, StoredSession } from '../backend/session-backend.js';
import type { Signal } from '../backend/signal.js';
import { textToStore } from '../backend/value-text.js';
import type { DataKey, DataValue, JsonData } from '../data.js';
import { SessionError } from '../errors.js';
import type { Listeners } from '../listeners.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { sessionTimeout } from '../backend/presets.js';
import { bare, ownOptions, typeError, wholeNumber, type Duration } from '../options.js';
import type { SessionEvents } from './events.js';
import { recordOf, SessionRecord } from './session-record.js';
import { StoreReads } from './store-reads.js';

/** Where a store keeps its sessions, besides memory. */
export type Medium = 'memory' | 'disk';

/** The result of a write: the value itself from a store in memory, a promise of it from a store on disk. */
export type Written<Kind extends Medium, T> = Kind extends 'disk' ? Promise<T> : T;

/** Options of `create`. */
export interface CreateOptions {
  /** The user; without one the session is a guest's. 1 to 255 characters, not `'Guest'`. */
  uid?: string;
  /** Default: the store's `idleTimeout`, or `guestIdleTimeout` for a guest. */
  idleTimeout?: Duration;
  /** Default: the store's `absoluteTimeout`. */
  absoluteTimeout?: Duration;
}

/** Options of `regenerate`. */
export interface RegenerateOptions {
  /** The user who logs in; without one the user does not change. */
  uid?: string;
  /** Starts with the login; only with `uid`. Default: the store's `absoluteTimeout`. */
  absoluteTimeout?: Duration;
}

/**
 * The result of a commit. `ok`: written, with the new version. `conflict`: another write came in between and nothing was written; `current`
 * is what is stored now. `gone`: there is no such session, and nothing brings it back.
 */
export type CommitResult<Data extends object> =
  | { readonly status: 'ok'; readonly version: number }
  | { readonly status: 'conflict'; readonly current: SessionRecord<Data> }
  | { readonly status: 'gone' };

/** Changes data in place, or returns new data. */
export type DataChange<Data extends object> = (
  data: JsonData<Data>,
  session: SessionRecord<Data>,
) => Data | JsonData<Data> | void;

/** How often `update` tries before it gives up; only a function that changes its own session comes near. */
const MAX_TRIES = 10;

/**
 * The methods that write. Here they return what the backend returns and throw its errors, as a store in memory does. A store on disk
 * inherits them through `promiseWrites`.
 */
export abstract class StoreWrites<
  Data extends object,
  Kind extends Medium,
  Events extends SessionEvents,
> extends StoreReads<Data, Events> {
  readonly #backend: NativeBackend;

  /** @internal */
  constructor(native: NativeBackend, listeners: Listeners<Events>, signal: Signal) {
    super(native, listeners, signal);
    this.#backend = native;
  }

  /**
   * Stores a new session under a new random id, and returns its record, which has the id. May evict other sessions.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_UID`, `ERR_SESSION_LIMIT`.
   */
  create(data: Data | JsonData<Data>, options: CreateOptions = {}): Written<Kind, SessionRecord<Data>> {
    const own = ownOptions('create', options, ['uid', 'idleTimeout', 'absoluteTimeout']);
    const text = stringifyData(data);
    const uid = own.uid === undefined ? undefined : checkUid(own.uid);
    const idleTimeout = sessionTimeout(this.#backend.timeouts, 'idleTimeout', own.idleTimeout);
    const absoluteTimeout = sessionTimeout(this.#backend.timeouts, 'absoluteTimeout', own.absoluteTimeout);
    const facts = this.#backend.create({ data: text, form: undefined, uid, idleTimeout, absoluteTimeout });
    return written(andThen(facts, (facts) => new SessionRecord(facts, uid, parseData<JsonData<Data>>(text))));
  }

  /**
   * Writes data that was made from `version`; if that is `undefined`, over whichever version is stored. Counts as activity.
   * @throws SessionError as `create`; the stored session is then unchanged. TypeError, RangeError for a version that is no integer from 1.
   */
  commit(id: string, version: number | undefined, data: Data | JsonData<Data>): Written<Kind, CommitResult<Data>> {
    if (version !== undefined) wholeNumber('version', version, 1, Number.MAX_SAFE_INTEGER);
    const outcome = this.#backend.commit(checkId(id, NEEDS_ID), version, bare({ data: stringifyData(data) }));
    return written(
      andThen(outcome, (outcome): CommitResult<Data> => {
        if (outcome.status === 'ok') return { status: 'ok', version: outcome.facts.version };
        if (outcome.status === 'gone') return outcome;
        return { status: 'conflict', current: recordOf<Data>(outcome.current) };
      }),
    );
  }

  /**
   * Reads a session, calls `change` to change its data in place or return new data, and commits; starts again from what is then stored
   * if another write came in between.
   * @param change Must be synchronous. If it throws, nothing is written.
   * @returns The session as written, or `undefined` if there is none.
   * @throws SessionError as `create`, and `ERR_SESSION_CONFLICT` if `change` itself writes the session each time.
   */
  update(id: string, change: DataChange<Data>): Written<Kind, SessionRecord<Data> | undefined> {
    if (typeof change !== 'function') throw new TypeError('update needs a function that changes the data');
    return written(this.#update(this.#backend.load(checkId(id, NEEDS_ID), false), change, MAX_TRIES));
  }

  #update(
    stored: StoredSession | undefined,
    change: DataChange<Data>,
    tries: number,
  ): MaybePromise<SessionRecord<Data> | undefined> {
    if (!stored) return undefined;
    if (tries === 0) {
      throw new SessionError('ERR_SESSION_CONFLICT', `another write came first at each of ${MAX_TRIES} tries`);
    }
    const session = recordOf<Data>(stored);
    const changed = change(session.data, session) ?? session.data;
    if (isPromise(changed)) {
      Promise.resolve(changed).catch(() => undefined);
      throw new TypeError('update needs a synchronous function, but it returned a promise: nothing was written');
    }
    const text = stringifyData(changed);
    return andThen(this.#backend.commit(stored.id, stored.version, bare({ data: text })), (outcome) => {
      if (outcome.status === 'ok') return new SessionRecord(outcome.facts, stored.uid, parseData<JsonData<Data>>(text));
      return outcome.status === 'conflict' ? this.#update(outcome.current, change, tries - 1) : undefined;
    });
  }

  /**
   * Sets some keys of a session's data and leaves all others as they are; a key that is `undefined` is removed. Counts as activity. False if
   * there is no such session.
   * @throws SessionError as `create`; the stored session is then unchanged.
   */
  setKeys(id: string, changes: { [Key in DataKey<Data>]?: DataValue<Data, Key> | undefined }): Written<Kind, boolean> {
    if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
      throw new TypeError('setKeys needs an object of keys and values');
    }
    const keys = Object.entries(changes).map(([key, value]) => [key, textToStore(key, value) ?? null] as const);
    const outcome = this.#backend.commit(checkId(id, NEEDS_ID), undefined, bare({ keys }));
    return written(andThen(outcome, ({ status }) => status === 'ok'));
  }

  /**
   * Gives a session a new id in one step: the old id is void from then on, data and handle are unchanged. With `uid` it becomes that
   * user's, logged in now: it gets the store's `idleTimeout`, and its absolute timeout starts again. If another user was logged in, that
   * session ends and an empty one with a new handle begins.
   * @returns The session, or `undefined` if there is none.
   * @throws SessionError `ERR_SESSION_UID`, `ERR_SESSION_FULL`, `ERR_SESSION_LIMIT`; TypeError, RangeError for a wrong option.
   */
  regenerate(id: string, options: RegenerateOptions = {}): Written<Kind, SessionRecord<Data> | undefined> {
    const own = ownOptions('regenerate', options, ['uid', 'absoluteTimeout']);
    const absoluteTimeout = sessionTimeout(this.#backend.timeouts, 'absoluteTimeout', own.absoluteTimeout);
    if (own.uid === undefined && absoluteTimeout !== undefined) {
      throw typeError('absoluteTimeout', own.absoluteTimeout, 'it belongs to a login: pass `uid` as well');
    }
    const login = own.uid === undefined ? undefined : { uid: checkUid(own.uid), absoluteTimeout };
    const outcome = this.#backend.regenerate(checkId(id, NEEDS_ID), undefined, bare({}), login);
    return written(
      andThen(outcome, (outcome) => {
        const stored = outcome.status === 'ok' ? this.#backend.load(outcome.facts.id, false) : undefined;
        return stored && recordOf<Data>(stored);
      }),
    );
  }

  /**
   * Ends the session of an id.
   * @returns False if there is none, or if it has another id by now: see `destroyByHandle`.
   */
  destroy(id: string): Written<Kind, boolean> {
    return written(this.#backend.destroyById(checkId(id, 'use `destroyByHandle`')));
  }

  /**
   * Ends the session of a public handle, whatever id it has by now.
   * @returns False if there is none.
   * @throws TypeError for an id in place of the handle.
   */
  destroyByHandle(handle: string): Written<Kind, boolean> {
    return written(this.#backend.destroy(checkHandle(handle, 'use `destroy`'), 'destroy'));
  }

  /**
   * Ends all sessions of a user, whatever ids they have by now, and those of logins that come meanwhile; for a new password, or a lost device.
   * @param uid Compared exactly, character by character.
   * @param options `except` is the handle of a session that goes on.
   * @returns How many were ended.
   * @throws SessionError `ERR_SESSION_UID`; TypeError for a wrong option, such as an id in place of the handle.
   */
  destroyUser(uid: string, options: DestroyUserOptions = {}): Written<Kind, number> {
    return written(this.#backend.destroyUser(checkStoredUid(uid), checkExcept(options)));
  }

  /** Ends all sessions, without blocking, however many there are. Returns their number. */
  clear(): Written<Kind, number> {
    return written(this.#backend.clear());
  }
}

/** Types a result by the kind of the store: one in memory never waits, and `promiseWrites` makes promises for one on disk. */
function written<Kind extends Medium, T>(result: MaybePromise<T>): Written<Kind, T> {
  return result as Written<Kind, T>;
}

const WRITES = [
  'create',
  'commit',
  'update',
  'setKeys',
  'regenerate',
  'destroy',
  'destroyByHandle',
  'destroyUser',
  'clear',
] as const;

/**
 * Wraps the inherited writes on the prototype of a store on disk, so that they always return promises, and reject instead of throwing.
 * Done once, for the class: a store in memory pays nothing for it.
 */
export function promiseWrites(prototype: object): void {
  for (const name of WRITES) {
    const write: (this: unknown, ...args: never[]) => unknown = StoreWrites.prototype[name];
    const wrapped = {
      [name](this: unknown, ...args: never[]): Promise<unknown> {
        try {
          return Promise.resolve(write.apply(this, args));
        } catch (error) {
          return Promise.reject(error);
        }
      },
    }[name];
    Object.defineProperty(prototype, name, { value: wrapped, writable: true, configurable: true });
  }
}
