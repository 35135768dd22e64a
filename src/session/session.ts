/** One session, as a request, a socket or a job uses it. */
import { inspect } from 'node:util';
import { GUEST } from '../backend/ids.js';
import { sessionTimeout } from '../backend/presets.js';
import type { SessionFacts, StoredSession, Timeouts } from '../backend/session-backend.js';
import { checkKey } from '../backend/value-text.js';
import type { DataKey, DataValue, DefaultSessionData, JsonData } from '../data.js';
import { SessionError } from '../errors.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { ownOptions, type Duration } from '../options.js';
import {
  checkDemand,
  checkLogin,
  demand,
  MAX_REMEMBERED,
  type Demand,
  type Level,
  type LoginOptions,
} from './assurance.js';
import { settle, type SessionCallback } from './callback.js';
import type { Saved } from './commit.js';
import type { SessionContext } from './context.js';
import { csrfTokenOf, isCsrfTokenOf } from './csrf-token.js';
import { refuseForeign } from './foreign.js';
import type { FormParameters } from './form.js';
import type { KeptData } from './kept-data.js';
import { LiveCopy } from './live-copy.js';
import type { Renewal } from './working-copy.js';

/** A new id alone. */
const PLAIN_RENEWAL: Renewal = { login: undefined, idleTimeout: undefined };

/**
 * A user's session, as a request, a socket or a job uses it. A manager makes it; the class is exported for its type and for `instanceof`.
 * Reads and changes are synchronous and local; they are written once, by `save()`, or by the middleware before the response's headers are
 * sent. A new session that nothing was written to is never stored.
 *
 * It takes no properties of its own: `session.cart = []` throws a TypeError, because it would not be stored; use `session.data.cart`. So do
 * assignments to its members, such as `session.uid = name`, and reading `session.cookie`.
 *
 * The methods that return a promise take a callback as well, which is called in a later turn with the error or with nothing; the promise
 * then need not be awaited. Without a callback, over a store in memory, the call itself throws what fails; `await` sees no difference.
 */
export class Session<Data extends object = DefaultSessionData> {
  static {
    refuseForeign(this.prototype);
  }

  readonly #live: LiveCopy<JsonData<Data>>;
  #isUsed = false;

  /** @internal For the manager. A static method, so that the constructor can be private in the declarations. */
  static of<Data extends object>(context: SessionContext, stored?: StoredSession): Session<Data> {
    return new Session<Data>(context, stored);
  }

  /** @internal Whether any member was used, so that what the request answers may depend on the session. */
  static isUsed<Data extends object>(session: Session<Data>): boolean {
    return session.#isUsed;
  }

  /** @internal Whether a stored session was ended by `logout()` or `destroy()`. */
  static hasEnded<Data extends object>(session: Session<Data>): boolean {
    return session.#live.hasEndedStored;
  }

  private constructor(context: SessionContext, stored?: StoredSession) {
    if (context === undefined) {
      throw new TypeError(
        'a manager makes sessions: req.session in Express, `manager.start(req, res)`, `manager.create()`',
      );
    }
    this.#live = new LiveCopy<JsonData<Data>>(context, stored);
    // Assignments throw without this, with a message of ours: see foreign.ts. This is for `Object.defineProperty`.
    Object.preventExtensions(this);
  }

  /**
   * The value of the cookie: the handle, and a secret that each login and `regenerate` replaces, so that older ids are void. Whoever has it
   * can use the session: never log it. `undefined` until the session is stored.
   */
  get id(): string | undefined {
    return this.#copy.facts?.id;
  }

  /** The public name, safe in logs and useless as a cookie; `undefined` until the session is stored. It never changes. */
  get handle(): string | undefined {
    return this.#copy.facts?.handle;
  }

  /** True if it is not stored yet. */
  get isNew(): boolean {
    return this.#copy.facts === undefined;
  }

  /** The user who is logged in; `'Guest'` if nobody is. */
  get uid(): string {
    return this.#copy.renewal?.login?.uid ?? this.#copy.storedUid ?? GUEST;
  }

  /** Whether a user is logged in. */
  get isAuthenticated(): boolean {
    return this.uid !== GUEST;
  }

  /** The same as `isAuthenticated`, under the name that AGAI gives it. */
  isLoggedIn(): boolean {
    return this.isAuthenticated;
  }

  /** When the user logged in; `undefined` for a guest. It is set when the login is written. */
  get authenticatedAt(): Date | undefined {
    const { facts, renewal, storedUid, context } = this.#copy;
    if (renewal?.login?.uid !== undefined) return new Date(context.backend.now());
    return facts && storedUid !== undefined ? new Date(facts.authenticatedAt) : undefined;
  }

  /** When the session was first stored; now, if it is not stored yet. */
  get createdAt(): Date {
    const { facts, context } = this.#copy;
    return new Date(facts?.createdAt ?? context.backend.now());
  }

  /** When the session expires unless there is activity; `undefined` if never. If it is not stored yet: as if it were stored now. */
  get expirationTime(): Date | undefined {
    const { context, renewal } = this.#copy;
    const { backend } = context;
    const { idleTimeout, guestIdleTimeout, absoluteTimeout } = backend.timeouts;
    // A login that is not written yet counts as written now.
    const login = renewal?.login;
    const facts = login === undefined ? this.#copy.facts : undefined;
    const from = facts?.lastSeenAt ?? backend.now();
    const own = renewal?.idleTimeout ?? this.#copy.idleTimeout ?? facts?.idleTimeout;
    const idle = own ?? (this.isAuthenticated ? idleTimeout : guestIdleTimeout);
    const deadline = Math.min(
      from + idle,
      facts?.absoluteDeadline ?? from + (login?.absoluteTimeout ?? absoluteTimeout),
    );
    return deadline === Infinity ? undefined : new Date(deadline);
  }

  /**
   * Aborted when the session ends in this process in any way (logout, `destroy`, expiry, eviction, another user's login) or another
   * request gives it a new id, which makes the id void that the holder came with: for streams, sockets and jobs. Its `reason` is a
   * `SessionError` `ERR_SESSION_GONE` whose own `reason` says why, or `ERR_SESSION_CLOSED` if the store was closed.
   *
   * Costs nothing until it is read; does not keep the process alive. A stream is no activity by itself: call `touch()` while it is in use.
   * A session from `manager.load()` is kept for its signal until it ends: pass the signal to what takes one, or remove your listener when
   * the connection closes. Over a `SessionBackend` without `watch` the signal knows only what this object does and finds out.
   */
  get signal(): AbortSignal {
    return this.#copy.signal;
  }

  /**
   * The application's data: any JSON object. Change it in place or replace it. It is parsed when it is first read, and written in the end
   * if it differs from what was read. Its type is what JSON makes of `Data`: a `Date` that was stored is read as a string.
   * @throws SessionError `ERR_SESSION_DATA` if it is set to anything but an object, or the schema of the option `data` does not accept what
   * is stored; `ERR_SESSION_GONE` after `destroy()`.
   */
  get data(): JsonData<Data> {
    this.#copy.checkNotEnded();
    return this.#copy.data.value;
  }

  set data(data: Data | JsonData<Data>) {
    this.#copy.checkNotEnded();
    if (typeof data !== 'object' || data === null || Array.isArray(data)) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        `the session's data must be an object, not ${Array.isArray(data) ? 'an array' : data === null ? 'null' : typeof data}`,
      );
    }
    this.#copy.data.value = data as JsonData<Data>;
    this.#copy.changed();
  }

  /**
   * The value of one key of the data; `undefined` if there is none. Parses that key alone, and returns the same object again: what you change
   * in it is written in the end.
   * @throws SessionError `ERR_SESSION_GONE` after `destroy()`; TypeError for a key that is not a string.
   */
  get<Key extends DataKey<Data>>(key: Key): JsonData<Data>[Key] | undefined {
    return this.#keyed(key).get(key) as JsonData<Data>[Key] | undefined;
  }

  /**
   * Sets one key of the data, and returns the session; `undefined` removes the key. What other requests write to other keys is kept.
   * @throws SessionError `ERR_SESSION_DATA` for a function, a symbol or a `BigInt`; an object is looked at when it is written.
   */
  set<Key extends DataKey<Data>>(key: Key, value: DataValue<Data, Key> | undefined): this {
    this.#keyed(key).set(key, value);
    this.#copy.changed();
    return this;
  }

  /** Whether the data has a key. */
  has(key: DataKey<Data>): boolean {
    return this.#keyed(key).has(key);
  }

  /** Removes one key of the data; false if there was none. */
  delete(key: DataKey<Data>): boolean {
    const data = this.#keyed(key);
    const isThere = data.has(key);
    if (isThere) data.set(key, undefined);
    this.#copy.changed();
    return isThere;
  }

  /** The keys of the data, as an array. */
  keys(): DataKey<Data>[] {
    this.#copy.checkNotEnded();
    return this.#copy.data.keys() as DataKey<Data>[];
  }

  /**
   * Changes one key of the data by a function of its value, `undefined` if there is none: `session.update('visits', (n = 0) => n + 1)`. The
   * function returns the new value, or changes an object in place and returns nothing. Returns the value after that.
   */
  update<Key extends DataKey<Data>>(
    key: Key,
    change: (value: JsonData<Data>[Key] | undefined) => DataValue<Data, Key> | void,
  ): JsonData<Data>[Key] | undefined {
    if (typeof change !== 'function') throw new TypeError('session.update(key, change): pass a function of the value');
    const value = change(this.get(key));
    if (isPromise(value)) {
      Promise.resolve(value).catch(() => undefined);
      throw new TypeError(
        'session.update() needs a synchronous function, but it returned a promise: it has set nothing',
      );
    }
    if (value === undefined) return this.get(key);
    this.set(key, value);
    return value as JsonData<Data>[Key];
  }

  /**
   * The fields of this request's body, or of the last form that the session kept. A body parser must have set `req.body`. Never
   * contains values whose names look secret (password, token, card, ...): read those from `req.body`.
   */
  get postParameters(): FormParameters {
    return this.#copy.form.parameters('post');
  }

  /** The same for the query of this request's URL. */
  get getParameters(): FormParameters {
    return this.#copy.form.parameters('get');
  }

  /** Removes the form parameters. */
  clean(): void {
    this.#copy.changed();
    this.#copy.form.clean();
  }

  /**
   * Logs `uid` in; check the password before. This object shows the login immediately; it is stored when the session is written, which then
   * always gets a new id. It keeps its data and its handle, unless another user was logged in: then that session ends, and a new, empty one
   * with a new handle begins.
   * @param uid 1 to 255 characters (UTF-16 units), not `'Guest'`.
   * @param options `level` and `methods` say how sure the login is, `remember` keeps the cookie when the browser is closed, `absoluteTimeout` starts
   * with this login and overrides the store's.
   * @throws SessionError `ERR_SESSION_UID`, `ERR_SESSION_GONE` after `destroy()`; TypeError, RangeError for a wrong argument.
   */
  login(uid: string, options: LoginOptions = {}): void {
    const { login, idleTimeout } = checkLogin(uid, options, this.#timeouts);
    this.#copy.checkNotEnded();
    if (this.isAuthenticated && this.uid !== uid) this.#copy.dropContents();
    this.#copy.renewal = { login, idleTimeout };
    this.#copy.changed();
  }

  /**
   * How sure the login is: 1 to 3, as `login` was told; 0 for a guest.
   */
  get level(): 0 | Level {
    const { facts, renewal } = this.#copy;
    return (renewal?.login ? (renewal.login.level ?? 1) : (facts?.level ?? 0)) as 0 | Level;
  }

  /** How the user logged in, as `login` was told; empty for a guest. */
  get methods(): readonly string[] {
    const { renewal, storedMethods } = this.#copy;
    return [...(renewal?.login ? (renewal.login.methods ?? []) : storedMethods)];
  }

  /**
   * Demands that a user is logged in whose login is not older than `maxAge`, and of at least this level: before what needs care, such as a
   * change of the password. Activity does not make a login younger: send the user to log in again, as the same user; the session keeps its data.
   * @throws SessionError `ERR_SESSION_GUEST` and `ERR_SESSION_STALE` with `status` 401, `ERR_SESSION_LEVEL` with 403, `ERR_SESSION_GONE` after
   * `destroy()`; TypeError, RangeError for a wrong argument.
   */
  requireFresh(maxAge: Duration, options: { level?: Level } = {}): void {
    const { level } = ownOptions('requireFresh', options, ['level']);
    if (maxAge === undefined) throw new TypeError("session.requireFresh(maxAge): pass a duration such as '10m'");
    this.require(checkDemand(maxAge, level, this.#timeouts.isTest ?? false));
  }

  /** @internal As `requireFresh`, with a demand that was checked before. */
  require(wanted: Demand): void {
    this.#copy.checkNotEnded();
    const { isAuthenticated, level, authenticatedAt } = this;
    const age = this.#copy.context.backend.now() - (authenticatedAt?.getTime() ?? 0);
    demand(wanted, { isAuthenticated, level, age });
  }

  /**
   * A token to put into a form, against cross-site requests: see `verifyCsrf`. Each call returns another one; all are good until the next login,
   * `regenerate` or logout. Nothing is stored for them, but a session that is not stored yet, or is to get a new id, is written at once.
   * @returns The token, or a promise of it if the store must be waited for.
   * @throws SessionError `ERR_SESSION_BACKEND` if the backend has no `tokenKey`; those of `save`.
   */
  csrfToken(): MaybePromise<string> {
    this.#copy.checkNotEnded();
    return andThen(this.#copy.store(), (facts) => {
      // Asked for now: a store on disk may have been opened meanwhile.
      const key = this.#copy.context.backend.tokenKey;
      if (key !== undefined) return csrfTokenOf(key, facts);
      const message =
        'session.csrfToken() needs a backend with a tokenKey: 32 random bytes, kept as long as the sessions';
      throw new SessionError('ERR_SESSION_BACKEND', message);
    });
  }

  /**
   * Whether a value that came with a request is a token of this session. False for anything else, whatever it is.
   */
  verifyCsrf(token: unknown): boolean {
    const { facts, context, hasEnded } = this.#copy;
    const key = context.backend.tokenKey;
    return facts !== undefined && key !== undefined && !hasEnded && isCsrfTokenOf(token, key, facts);
  }

  /**
   * Ends the stored session immediately, whatever other requests do, even if one has given it a new id meanwhile. This object then is a
   * new, empty session of a guest, and the cookie is removed unless something is written to it.
   * @throws SessionError `ERR_SESSION_GONE` after `destroy()`.
   */
  logout(callback?: SessionCallback): Promise<void> {
    return settle('logout', callback, () => {
      this.#copy.checkNotEnded();
      return this.#copy.end('logout');
    });
  }

  /**
   * Ends the stored session immediately, as `logout()` does. This object cannot be used afterwards; the next request begins a new session.
   * A second call does nothing.
   */
  destroy(callback?: SessionCallback): Promise<void> {
    return settle('destroy', callback, () => {
      if (this.#copy.hasEnded) return undefined;
      this.#copy.hasEnded = true;
      return this.#copy.end('destroy');
    });
  }

  /**
   * Gives the session a new id when it is written, and keeps its data: call it after a change of rights. `login` does it by itself. The
   * promise resolves at once.
   * @throws SessionError `ERR_SESSION_GONE` after `destroy()`.
   */
  regenerate(callback?: SessionCallback): Promise<void> {
    return settle('regenerate', callback, () => {
      this.#copy.checkNotEnded();
      this.#copy.renewal ??= PLAIN_RENEWAL;
      this.#copy.changed();
    });
  }

  /**
   * After a change of the user's password, or of anything else that lets the user in: when the session is written, all other sessions of the user
   * end in the same step, and this one gets a new id. Data and handle stay. The others end too if this session is ended in the same request, has
   * ended meanwhile, or becomes another user's.
   * @throws SessionError `ERR_SESSION_GUEST` if nobody is logged in, `ERR_SESSION_BACKEND` if the backend cannot end a user's sessions,
   * `ERR_SESSION_GONE` after `destroy()`.
   */
  credentialsChanged(): void {
    this.#copy.checkNotEnded();
    if (!this.isAuthenticated) throw new SessionError('ERR_SESSION_GUEST', 'nobody is logged in', { status: 401 });
    if (this.#copy.context.backend.destroyUser === undefined) {
      const message =
        'session.credentialsChanged() needs a backend with destroyUser(), which ends the sessions of a user';
      throw new SessionError('ERR_SESSION_BACKEND', message);
    }
    this.#copy.renewal ??= PLAIN_RENEWAL;
    this.#copy.endsOthersOf = this.uid;
    this.#copy.changed();
  }

  /**
   * Reads the stored session again, and drops the changes that are not written: `data` then is a new object. A session that is not stored
   * is emptied.
   * @throws SessionError `ERR_SESSION_GONE` if the session ended meanwhile, or has a new id.
   */
  reload(callback?: SessionCallback): Promise<void> {
    return settle('reload', callback, () => this.#copy.reload());
  }

  /**
   * Records activity now, which every request does by itself; with `idleTimeout` also sets the session's own at once, or when it is first
   * stored. A timeout that changes is a write, which a store on disk may refuse.
   * @returns A promise of false if the session has ended, or another request gave it a new id; `signal` is then aborted as well.
   * @throws SessionError `ERR_SESSION_GONE` after `destroy()`, `ERR_SESSION_BACKPRESSURE`, `ERR_SESSION_DEGRADED`; TypeError, RangeError
   * for a wrong duration.
   */
  touch(
    options: { idleTimeout?: Duration } | SessionCallback = {},
    callback: SessionCallback | undefined = typeof options === 'function' ? options : undefined,
  ): Promise<boolean> {
    return settle('touch', callback, () => this.#touch(typeof options === 'function' ? {} : options));
  }

  /**
   * Writes the changes, if there are any. The middleware does it before the response's headers are sent; call it where there is no
   * response, or to handle a failure yourself. If nobody waits for the promise, a failure fails the response, or becomes a process warning
   * if that has been sent.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_CONFLICT`, `ERR_SESSION_GONE` if the
   * session ended meanwhile or has a new id; in a request also `ERR_SESSION_INSECURE`, `ERR_SESSION_HEADERS_SENT`.
   */
  save(callback?: SessionCallback): Promise<void> {
    return settle('save', callback, () => this.#copy.save());
  }

  /**
   * @internal Writes the changes before the response. Two things are not errors here: that the session has ended, and a change that the
   * handler's own `save()` could not write and that is the same now: its promise already told the handler.
   * @param isBeforeHeaders The headers wait for this commit, so a new id still reaches the client.
   */
  commit(isBeforeHeaders: boolean): MaybePromise<Saved> {
    return this.#live.commit(isBeforeHeaders);
  }

  /** @internal Whether a commit failed with an error that the handler has had from a promise that it waited for. */
  hasReported(error: unknown): boolean {
    return this.#live.hasReported(error);
  }

  /** @internal What must happen to the client's cookie; `loaded` is the session that the request came with. */
  cookieChange(loaded: SessionFacts | undefined): 'set' | 'remove' | undefined {
    return this.#live.cookieChange(loaded);
  }

  /** @internal For how many seconds the browser is to keep the cookie; `undefined`: until it is closed. */
  get cookieMaxAge(): number | undefined {
    const { facts, context } = this.#live;
    if (!facts?.remembered) return undefined;
    return Math.floor(Math.min(facts.absoluteDeadline - context.backend.now(), MAX_REMEMBERED) / 1_000);
  }

  /** Handle, `uid`, `isAuthenticated`, `expirationTime` and `data`, never the id; `console.log` shows the same. */
  toJSON(): object {
    const { handle, uid, isAuthenticated, expirationTime } = this;
    return { handle, uid, isAuthenticated, expirationTime, data: this.#copy.hasEnded ? undefined : this.data };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }

  /** The state, for a member that shows or changes it: that the session was used is noted. */
  get #copy(): LiveCopy<JsonData<Data>> {
    this.#isUsed = true;
    return this.#live;
  }

  #keyed(key: unknown): KeptData<JsonData<Data>> {
    checkKey(key);
    this.#copy.checkNotEnded();
    return this.#copy.data;
  }

  get #timeouts(): Timeouts {
    return this.#copy.context.backend.timeouts;
  }

  #touch(options: { idleTimeout?: Duration }): MaybePromise<boolean> {
    const { idleTimeout } = ownOptions('touch', options, ['idleTimeout']);
    this.#copy.checkNotEnded();
    return this.#copy.touch(sessionTimeout(this.#timeouts, 'idleTimeout', idleTimeout));
  }
}
