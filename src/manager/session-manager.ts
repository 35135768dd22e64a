/** The sessions of HTTP requests, without any framework. */
import type { IncomingMessage } from 'node:http';
import { checkExcept, checkId, checkStoredUid, NEEDS_ID } from '../backend/ids.js';
import type { CookieLookup, DestroyUserOptions, StoredSession } from '../backend/session-backend.js';
import type { SessionInfo } from '../backend/session-info.js';
import type { DefaultSessionData } from '../data.js';
import { SessionError } from '../errors.js';
import { asIncoming, asServerResponse, type AnyRequest, type AnyResponse } from '../http.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { findIds } from '../native.js';
import { bare } from '../options.js';
import { isPlain } from '../response/attachment.js';
import { areHeadersSent, headerOf } from '../response/gate.js';
import { hookOf, wrapServerResponse, wrapWhereDefined } from '../response/hooks.js';
import { Session } from '../session/session.js';
import type { DurableSessionStore } from '../store/durable-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { isSecure } from './connection.js';
import { Exchange, type StartOptions } from './exchange.js';
import { checkPair } from './pair.js';
import { checkOptions, type SessionOptions, type Settings } from './options.js';

const NOTHING: StartOptions = bare({});

/** Fails for a backend of the application's that lacks an optional method. */
function cannot(method: 'sessionsOf' | 'destroyUser'): never {
  throw new SessionError(
    'ERR_SESSION_BACKEND',
    `the option store: this backend has no ${method}(), which finds sessions by their user: add it, or keep the sessions in a store of this package`,
  );
}

/** A store of this package. */
// oxlint-disable-next-line typescript/no-explicit-any -- of any data
export type AnyStore = SessionStore<any> | DurableSessionStore<any>;

/** The session cookie under one name, and how its session is read from a `Cookie` header. */
interface NamedCookie {
  readonly name: string;
  readonly lookup: CookieLookup;
}

/**
 * Loads the session of a request, and commits it before the response's headers are sent. Applications have it through typed-manager.ts,
 * which says more. (The methods of a `Session` that write always return a promise; over a `SessionStore` it is settled already.)
 */
export class SessionManager<
  Data extends object = DefaultSessionData,
  Ready extends AnyStore | undefined = AnyStore | undefined,
  Store extends Ready | undefined = Ready,
> {
  /**
   * Resolves with the store once it is open; with `undefined` if a backend of another kind was given. Requests wait for it by
   * themselves. If the manager's own store cannot be opened, it rejects, which ends the process unless the rejection is handled; then
   * every request fails with the same error.
   */
  readonly ready: Promise<Ready>;
  readonly #settings: Settings;
  /** The opening, while it is in progress or if it failed: requests wait for it. */
  #opening: Promise<unknown> | undefined;
  /** The cookie on secure and on plain connections; one and the same unless the name depends on that. */
  #cookies: { readonly secure: NamedCookie; readonly plain: NamedCookie };

  /** @throws TypeError, RangeError for a wrong option. */
  constructor(options: SessionOptions = {}) {
    this.#settings = checkOptions(options);
    const { opening, store } = this.#settings;
    this.#cookies = this.#namedCookies();
    const opened = opening?.then((store) => this.#useStore(store));
    this.#opening = opened;
    // A promise that only the user handles: if it rejects, nobody else may keep that from being an unhandled rejection.
    this.ready = (opened ? opened.then((store) => store) : Promise.resolve(store)) as Promise<Ready>;
    wrapServerResponse();
  }

  /** The store, given or its own; `undefined` if a backend of another kind was given and, with `path`, until it is open. */
  get store(): Store {
    return this.#settings.store as Store;
  }

  /**
   * Creates a guest's session that belongs to no request, without calling the store. Nothing is stored until something is written to it and
   * `save()` is called.
   */
  create(): Session<Data> {
    return Session.of<Data>(this.#settings);
  }

  /**
   * Loads the session of an id, for sockets and jobs, and records activity. It has no response: nothing is written until `save()` is
   * called, and the new id of a `login` or a `regenerate` does not reach the client.
   * @returns The session; `undefined` if there is none.
   * @throws TypeError for a handle in place of the id, which anybody may send where the id does not come from the cookie.
   */
  load(id: string): MaybePromise<Session<Data> | undefined> {
    checkId(id, NEEDS_ID);
    return andThen(this.#settings.backend.load(id, true), (stored) => stored && Session.of(this.#settings, stored));
  }

  /**
   * Ends the session of an id.
   * @returns False if there is none, or if the id is void because the session has a newer one.
   * @throws TypeError for a handle: use `manager.store.destroyByHandle`.
   */
  remove(id: string): MaybePromise<boolean> {
    checkId(id, 'use `manager.store.destroyByHandle`');
    const { backend } = this.#settings;
    return andThen(
      backend.load(id, false),
      (stored) => stored !== undefined && backend.destroy(stored.handle, 'destroy'),
    );
  }

  /**
   * Lists the live sessions of a user, last seen first, without their ids and data, as for a page of the user's devices.
   * @param uid Compared exactly, character by character.
   * @throws SessionError `ERR_SESSION_UID`, `ERR_SESSION_BACKEND` if the backend cannot do it; TypeError for what is no string.
   */
  sessionsOf(uid: string): MaybePromise<readonly SessionInfo[]> {
    checkStoredUid(uid);
    const { backend } = this.#settings;
    return backend.sessionsOf?.(uid) ?? cannot('sessionsOf');
  }

  /**
   * Ends all sessions of a user, whatever ids they have by now.
   * @param uid Compared exactly, character by character.
   * @param options `except` is the handle of a session that goes on, such as `req.session.handle`.
   * @returns How many were ended.
   * @throws SessionError `ERR_SESSION_UID`, `ERR_SESSION_BACKEND` if the backend cannot do it; TypeError for a wrong option.
   */
  destroyUser(uid: string, options: DestroyUserOptions = {}): MaybePromise<number> {
    const except = checkExcept(options);
    checkStoredUid(uid);
    const { backend } = this.#settings;
    return backend.destroyUser?.(uid, except) ?? cannot('destroyUser');
  }

  /**
   * The id of the live session that a request's cookie names, or of the one it was given since; `undefined` if there is none. Ids from
   * elsewhere, such as the URL, are ignored. The session becomes the most recently used, but this is not the user's activity.
   * @param options The name of the cookie depends on whether the connection is secure: in Express, before the middleware, pass
   * `{ secure: req.secure }`.
   */
  getSessionId(req: AnyRequest, options: Pick<StartOptions, 'secure'> = NOTHING): MaybePromise<string | undefined> {
    const incoming = asIncoming(req);
    const started = Exchange.among(Exchange.latest(incoming), this.#settings);
    if (started) return started.session.id;
    const isSecure = this.#isSecureFor(incoming, bare(options).secure);
    return andThen(this.#find(incoming, isSecure, false), (stored) => stored?.id);
  }

  /**
   * Starts the session of a request: the one its cookie names, for which this is the user's activity, or a new one. An unknown id from the
   * client is never adopted. The session is committed, and its cookie set, before the response's headers are sent. Call it before anything
   * is sent. A second call for the same request returns the same session. The store is called once, or not at all without a session cookie.
   * @throws SessionError `ERR_SESSION_CLOSED`, `ERR_SESSION_HEADERS_SENT`; TypeError if the two are not Node's request and response.
   */
  start(req: AnyRequest, res: AnyResponse, options: StartOptions = NOTHING): MaybePromise<Session<Data>> {
    checkPair(req, res);
    const own = options === NOTHING ? NOTHING : bare(options);
    return andThen(this.begin(req, res, own), ({ session }) => session);
  }

  /** @internal As `start`, for an adapter, whose options are its own: the session is created when it is first used. */
  begin(request: AnyRequest, response: AnyResponse, options: StartOptions): MaybePromise<Exchange<Data>> {
    const req = asIncoming(request);
    const res = asServerResponse(response);
    const previous = Exchange.latest(req);
    const started = Exchange.among<Data>(previous, this.#settings);
    if (started) return started;
    const next = hookOf(res);
    const header = headerOf(res);
    if (areHeadersSent(res, next, header)) {
      throw new SessionError(
        'ERR_SESSION_HEADERS_SENT',
        'the response was begun before its session: start the session first',
      );
    }
    // A response of a test or of an upgrade, which need not use the methods of Node's prototype.
    if (header === undefined) wrapWhereDefined(res);
    const isSecure = this.#isSecureFor(req, options.secure);
    const stored = this.#find(req, isSecure, true);
    if (!isPromise(stored)) return new Exchange(this.#settings, req, res, options, isSecure, stored, previous, next);
    return stored.then((stored) => {
      // Another start, of this manager or another, may have been faster.
      const previous = Exchange.latest(req);
      return (
        Exchange.among<Data>(previous, this.#settings) ??
        new Exchange(this.#settings, req, res, options, isSecure, stored, previous, hookOf(res))
      );
    });
  }

  /**
   * Whether the client's connection is secure, if the cookie's name depends on that; else `undefined`, for in Express the question costs
   * as much as the rest of an untouched request. Asked before anything is awaited, because a closed connection has no answer any more.
   */
  #isSecureFor(req: IncomingMessage, known: StartOptions['secure']): boolean | undefined {
    const { secure, plain } = this.#cookies;
    return secure === plain ? undefined : isSecure(req, known, this.#settings.hops);
  }

  /** The session that a request's cookie names. Waits for the opening even without a cookie, because if that fails the request must fail. */
  #find(req: IncomingMessage, isSecure: boolean | undefined, touch: boolean): MaybePromise<StoredSession | undefined> {
    if (this.#opening) return this.#opening.then(() => this.#find(req, isSecure, touch));
    const { cookie: header } = isPlain(req) ? req.headers : (Reflect.get(req, 'headers') as IncomingMessage['headers']);
    const { name, lookup } = isSecure ? this.#cookies.secure : this.#cookies.plain;
    return header === undefined || !header.includes(name) ? undefined : lookup(header, touch);
  }

  /** Replaces the backend that waits for the opening. From now on requests go straight to the store. */
  #useStore(store: DurableSessionStore): DurableSessionStore {
    this.#settings.store = store;
    this.#settings.backend = store.backend;
    this.#cookies = this.#namedCookies();
    this.#opening = undefined;
    return store;
  }

  #namedCookies(): { readonly secure: NamedCookie; readonly plain: NamedCookie } {
    const { cookie } = this.#settings;
    const secure = this.#named(cookie.name(true));
    return { secure, plain: cookie.name(false) === secure.name ? secure : this.#named(cookie.name(false)) };
  }

  #named(name: string): NamedCookie {
    const lookup = this.#settings.backend.cookieReader?.(name);
    return { name, lookup: lookup ?? ((header, touch) => this.#loadOnly(findIds(header, name), touch)) };
  }

  /** Loads the one session among these ids that is live. If two are live, one was planted by somebody else, and neither is loaded. */
  #loadOnly(ids: readonly string[], touch: boolean): MaybePromise<StoredSession | undefined> {
    const { backend } = this.#settings;
    const [first, second] = ids;
    if (first === undefined) return undefined;
    if (second === undefined) return backend.load(first, touch);
    return Promise.all(ids.map((id) => backend.load(id, false))).then((all) => {
      const [live, another] = all.filter((stored) => stored !== undefined);
      return live && !another ? backend.load(live.id, touch) : undefined;
    });
  }
}
