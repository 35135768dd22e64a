/** Sessions of HTTP requests, without any framework. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { SessionError } from '../errors.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { findIds } from '../native.js';
import { Session, type SessionContext, type SessionData } from '../session/session.js';
import type { CookieLookup, SessionBackend, StoredSession } from '../backend/session-backend.js';
import { checkId } from '../backend/ids.js';
import type { DurableSessionStore } from '../store/durable-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { isPlain } from '../response/attachment.js';
import { Exchange, type SecureOf, type StartOptions, type Surroundings } from './exchange.js';
import { checkOptions, type CheckedOptions, type SessionOptions } from './options.js';
import { giveUp } from '../response/failure.js';
import type { Response } from '../response/head.js';
import { areHeadersSent, gateOf } from '../response/gate.js';

export type { StartOptions };

const NOTHING: StartOptions = {};

/** The session cookie under one name, and how its session is read from a `Cookie` header. */
interface NamedCookie {
  readonly name: string;
  readonly lookup: (header: string, touch: boolean) => MaybePromise<StoredSession | undefined>;
}

/**
 * Loads a request's session and commits it before the response's headers leave. What is synchronous in the store is synchronous
 * here: over a `SessionStore` no method answers a promise, over a `DurableSessionStore` only what writes.
 */
export class SessionManager<Data extends object = SessionData> {
  /**
   * The store, once it is open; `undefined` if a backend of another kind was given. Requests need not wait for it: they do so by
   * themselves. A store of the manager's own that cannot be opened breaks this promise, which ends the process unless somebody
   * handles it; every request fails with the same error.
   */
  readonly ready: Promise<SessionStore | DurableSessionStore | undefined>;
  readonly #options: CheckedOptions;
  readonly #backend: SessionBackend;
  /** By whether the connection is secure; one and the same unless the name depends on that. */
  readonly #cookies: { readonly secure: NamedCookie; readonly plain: NamedCookie };
  /** What every session needs, with or without a request. */
  readonly #context: SessionContext;
  readonly #surroundings: Surroundings;

  /** @throws TypeError, RangeError for a wrong option. */
  constructor(options: SessionOptions = {}) {
    this.#options = checkOptions(options);
    const { cookie, concurrency } = this.#options;
    this.#backend = this.#options.backend;
    this.ready = this.#options.opening?.ready() ?? Promise.resolve(this.#options.store);
    this.#context = { backend: this.#backend, concurrency };
    this.#surroundings = {
      ...this.#context,
      cookie,
      name: cookie.name(true),
      isSecure: (req, said) => this.#isSecure(req, said),
      fail: (error, req, res) => this.#fail(error, req, res),
    };
    const secure = this.#named(cookie.name(true));
    this.#cookies = { secure, plain: cookie.name(false) === secure.name ? secure : this.#named(cookie.name(false)) };
  }

  /** The store, unless a backend of another kind was given; with `path`, `undefined` until it is open. */
  get store(): SessionStore | DurableSessionStore | undefined {
    return this.#options.store ?? this.#options.opening?.store;
  }

  /** A guest's session that belongs to no request. Nothing is stored before something is written and `save()` called. */
  create(): Session<Data> {
    return new Session<Data>(this.#context);
  }

  /** The session of an id, for sockets and jobs; a use and the user's activity. `undefined` if there is none. */
  load(id: string): MaybePromise<Session<Data> | undefined> {
    checkId(id);
    return andThen(this.#backend.load(id, true), (stored) => stored && new Session<Data>(this.#context, stored));
  }

  /** Ends the session of an id; false if there is none. */
  remove(id: string): MaybePromise<boolean> {
    checkId(id);
    return this.#backend.destroy(id, 'destroy');
  }

  /**
   * The id of the live session that a request brought in its cookie, or was given since; `undefined` if there is none. An id
   * from anywhere else, as the URL, does not count. In Express, before the middleware, pass `{ secure: req.secure }`.
   */
  getSessionId(
    req: IncomingMessage,
    { secure }: Pick<StartOptions, 'secure'> = NOTHING,
  ): MaybePromise<string | undefined> {
    const started = Exchange.newest(req)?.of(this.#surroundings);
    if (started) return started.session.id;
    return andThen(this.#find(req, this.#cookieOf(req, secure), false), (stored) => stored?.id);
  }

  /**
   * The session of a request: the one its cookie names, or a new one; an id of the client's that is not there is never adopted.
   * It is committed, and its cookie set, before the response's headers leave. Call it before anything is sent.
   * @throws SessionError `ERR_SESSION_CLOSED`, `ERR_SESSION_HEADERS_SENT`.
   */
  start(req: IncomingMessage, res: ServerResponse, options: StartOptions = NOTHING): MaybePromise<Session<Data>> {
    return andThen(this.begin(req, res, options), ({ session }) => session);
  }

  /** @internal As `start`, for an adapter that has the session made when somebody looks at it. */
  begin(req: IncomingMessage, res: ServerResponse, options: StartOptions): MaybePromise<Exchange<Data>> {
    const previous = Exchange.newest(req);
    const started = previous?.of<Data>(this.#surroundings);
    if (started) return started;
    const others = gateOf(res);
    if (areHeadersSent(res, others)) {
      throw new SessionError(
        'ERR_SESSION_HEADERS_SENT',
        'the response was begun before its session: start the session first',
      );
    }
    const stored = this.#find(req, this.#cookieOf(req, options.secure), true);
    if (!isPromise(stored)) return new Exchange(this.#surroundings, { req, res, stored, options, previous, others });
    return stored.then((stored) => {
      // Another start, of this manager or another, may have come first.
      const previous = Exchange.newest(req);
      return (
        previous?.of<Data>(this.#surroundings) ??
        new Exchange(this.#surroundings, { req, res, stored, options, previous, others: gateOf(res) })
      );
    });
  }

  #find(req: IncomingMessage, { name, lookup }: NamedCookie, touch: boolean): MaybePromise<StoredSession | undefined> {
    const { cookie: header } = isPlain(req) ? req.headers : (Reflect.get(req, 'headers') as IncomingMessage['headers']);
    // Also who brings no cookie waits for the opening: if it fails, no request is answered as if all were well.
    if (header === undefined || !header.includes(name)) return this.#options.opening?.whenOpen();
    return lookup(header, touch);
  }

  #cookieOf(req: IncomingMessage, secure: boolean | SecureOf | undefined): NamedCookie {
    const { secure: named, plain } = this.#cookies;
    return named === plain || this.#isSecure(req, secure) ? named : plain;
  }

  #named(name: string): NamedCookie {
    const direct: CookieLookup | undefined = this.#backend.cookieReader?.(name);
    return { name, lookup: direct ?? ((header, touch) => this.#loadOnly(findIds(header, name), touch)) };
  }

  /** The one session among those ids that is live. Of two, neither: one was planted by somebody else. */
  #loadOnly(ids: readonly string[], touch: boolean): MaybePromise<StoredSession | undefined> {
    const [first, second] = ids;
    if (first === undefined) return undefined;
    if (second === undefined) return this.#backend.load(first, touch);
    return Promise.all(ids.map((id) => this.#backend.load(id, false))).then((all) => {
      const [live, another] = all.filter((stored) => stored !== undefined);
      return live && !another ? this.#backend.load(live.id, touch) : undefined;
    });
  }

  #isSecure(req: IncomingMessage, said: boolean | SecureOf | undefined): boolean {
    const secure = typeof said === 'function' ? said(req) : said;
    if (secure !== undefined) return secure;
    if ((req.socket as Partial<TLSSocket>).encrypted === true) return true;
    if (!this.#options.trustProxy) return false;
    const [first] = String(req.headers['x-forwarded-proto'] ?? '').split(',');
    return first!.trim().toLowerCase() === 'https';
  }

  /** A response whose session could not be written does not go out as if it had been. */
  #fail(error: unknown, req: IncomingMessage, res: ServerResponse): void {
    if (this.#options.onError) {
      this.#options.onError(error, req, res);
      return;
    }
    giveUp(res as unknown as Response, error);
  }
}
