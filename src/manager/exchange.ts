/** One request and its response: what their session needs of them, and how the response's gate commits it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2Stream } from 'node:http2';
import type { SessionBackend, StoredSession } from '../backend/session-backend.js';
import { SessionError } from '../errors.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { Attachment } from '../response/attachment.js';
import { giveUp } from '../response/failure.js';
import { Gate } from '../response/gate.js';
import type { Response } from '../response/head.js';
import type { HeadChange, HeadRules } from '../response/head-rules.js';
import type { ResponseHook } from '../response/hooks.js';
import type { Concurrency, SessionContext } from '../session/context.js';
import type { DataSchema } from '../session/data-schema.js';
import type { RequestForm } from '../session/kept-form.js';
import { Session } from '../session/session.js';
import { hasGone, isSecure, type SecureOf } from './connection.js';
import type { Settings } from './options.js';
import { domainsOf, hasSeveral, pathsOf } from './planted.js';

/** What an adapter knows of a request that the manager does not. */
export interface StartOptions {
  /**
   * Whether the client's connection is secure, or a function that returns this, which is called at most once, at the latest when the
   * session is first used. Default, and if it returns `undefined`: as the socket says, and `X-Forwarded-Proto` with `trustProxy`.
   */
  secure?: boolean | SecureOf | undefined;
  /** Called when the session cannot be written, instead of the manager's `onError`. */
  onError?: ((error: unknown) => unknown) | undefined;
}

const NO_COOKIES: readonly string[] = [];

/** The version in both names is that of `RequestLink`. */
const kExchange = Symbol.for('agai-session.exchange@1');
type Linked = { [kExchange]?: RequestLink };

/** What all copies of this package in the process know of an exchange, which may be of another copy. */
export interface RequestLink {
  /** The exchange of another manager on the same request, before this one. */
  readonly previous: RequestLink | undefined;
  /** True if an adapter shows this session as the request's. */
  isShown: boolean;
  readonly session: object;
  readonly cookieName: string;
}

/** The latest exchange of each request. */
const links = new Attachment<RequestLink>('exchange@1', {
  get: (req: Linked) => req[kExchange],
  set: (req: Linked, link) => {
    req[kExchange] = link;
  },
});

/** Cookie names whose use by two stores has been warned of. */
const sharedNames = new Set<string>();

/**
 * One request and its response, with the session they share. It is a single object, because every request creates one: it is also the
 * gate of the response and the context of the session, which is created only when it is used. With a dozen closures instead, an
 * untouched request took more than twice as long; with separate objects for gate, exchange and session 0.2 microseconds more.
 */
export class Exchange<Data extends object> extends Gate implements SessionContext, RequestLink {
  readonly previous: RequestLink | undefined;
  isShown = false;
  readonly #settings: Settings;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: StartOptions;
  #isSecure: boolean | undefined;
  readonly #stored: StoredSession | undefined;
  #session: Session<Data> | undefined;

  /**
   * `isSecure` is whether the connection is secure, if that was asked already, `stored` the session that the request's cookie names,
   * `previous` the exchange of another manager on the same request, and `next` the hook of another manager on the response.
   */
  constructor(
    settings: Settings,
    req: IncomingMessage,
    res: ServerResponse,
    options: StartOptions,
    isSecure: boolean | undefined,
    stored: StoredSession | undefined,
    previous: RequestLink | undefined,
    next: ResponseHook | undefined,
  ) {
    super(next);
    this.#settings = settings;
    this.#req = req;
    this.#res = res;
    this.#options = options;
    this.#isSecure = isSecure;
    this.#stored = stored;
    this.previous = previous;
    links.set(req, this);
    if (previous) this.#warnOfSharedName();
    this.install(res);
  }

  /** The latest exchange of a request, of any copy of the package. */
  static latest(req: IncomingMessage): RequestLink | undefined {
    return links.get(req);
  }

  /** The exchange with these settings, from a link on. */
  static among<Data extends object>(link: RequestLink | undefined, settings: Settings): Exchange<Data> | undefined {
    return link && ownOf(link)?.of(settings);
  }

  /** The session that an adapter shows as the request's, whichever copy of the package it is of. */
  static shown(req: IncomingMessage): Session | undefined {
    let at = links.get(req);
    while (at && !at.isShown) at = at.previous;
    return at?.session as Session | undefined;
  }

  /** True if no other manager had a session of this request before, in any copy of the package. */
  get isFirst(): boolean {
    return this.previous === undefined;
  }

  get session(): Session<Data> {
    return this.#session ?? this.#makeSession();
  }

  #makeSession(): Session<Data> {
    // Asked at the first look, not at the write: the connection may be closed by then, or its answer be another one.
    void this.#secure;
    this.#session = Session.of<Data>(this, this.#stored);
    return this.#session;
  }

  get backend(): SessionBackend {
    return this.#settings.backend;
  }

  get schema(): DataSchema | undefined {
    return this.#settings.schema;
  }

  get concurrency(): Concurrency {
    return this.#settings.concurrency;
  }

  get form(): RequestForm {
    const req = this.#req;
    const { forms } = this.#settings;
    return {
      get: () => forms.query(req.url),
      post: () => (hasBody(req) ? forms.body((req as { body?: unknown }).body) : undefined),
    };
  }

  admitNewId(isBeforeHeaders: boolean): void {
    // While the response waits for a commit `headersSent` is true for the handler: its own `save()` would be too late.
    if (!isBeforeHeaders && this.#res.headersSent) {
      throw new SessionError(
        'ERR_SESSION_HEADERS_SENT',
        'the session needs a new cookie, but the headers have been sent: write to a new session, log in or regenerate before',
      );
    }
    // Nobody receives the cookie of a client that has gone, so it need not be one that browsers take.
    if (!hasGone(this.#req, this.#res)) this.#settings.cookie.admit(this.#secure);
  }

  get willCommit(): boolean {
    return this.isClosed;
  }

  /**
   * This exchange, or an earlier one of the request, whichever has the same store and cookie name: a mounted application may have a
   * manager of its own over its parent's store.
   */
  of<Data extends object>({ backend, cookie }: Settings): Exchange<Data> | undefined {
    const name = cookie.name(true);
    let at: Exchange<object> | undefined = this as unknown as Exchange<object>;
    while (at && (at.backend !== backend || at.#settings.cookie.name(true) !== name)) at = ownOf(at.previous);
    return at as unknown as Exchange<Data> | undefined;
  }

  /** Makes this session the one that `shown` returns. */
  show(): void {
    for (let at = links.get(this.#req); at; at = at.previous) at.isShown = at === this;
  }

  protected override commit(): MaybePromise<HeadChange | undefined> {
    const session = this.#session;
    if (session === undefined) return undefined;
    const saved = session.commit(true);
    if (!isPromise(saved)) return this.#headChange(session);
    return saved.catch((error: unknown) => this.#ignoreReported(session, error)).then(() => this.#headChange(session));
  }

  protected override commitLate(): MaybePromise<undefined> {
    const saved = this.#session?.commit(false);
    return isPromise(saved) ? saved.then(() => undefined) : undefined;
  }

  protected override rulesOfFailure(): HeadRules | undefined {
    return this.#settings.head.failed;
  }

  protected override onError(error: unknown): unknown {
    const own = this.#options.onError;
    const { onError } = this.#settings;
    if (own) return own(error);
    if (onError) return onError(error, this.#req, this.#res);
    return giveUp(this.#res as unknown as Response, error);
  }

  /**
   * Ignores the error of a `logout()` that the handler awaited, if the handler responds with a server error: it has reported the failure,
   * and its response is not replaced. Any other response would claim that the logout succeeded.
   */
  #ignoreReported(session: Session<Data>, error: unknown): MaybePromise<unknown> {
    if (this.#res.statusCode < 500 || !session.hasReported(error)) throw error;
    return session.commit(true);
  }

  /** Whether the connection is secure; asked once. */
  get #secure(): boolean {
    return (this.#isSecure ??= isSecure(this.#req, this.#options.secure, this.#settings.hops));
  }

  /** What the session means for the head of the response. */
  #headChange(session: Session<Data>): HeadChange | undefined {
    const cookies = this.#cookiesOf(session);
    const isUsed = Session.isUsed(session);
    const setsCookie = cookies.length > 0;
    if (!setsCookie && !isUsed) return undefined;
    const rules = this.#settings.head.rules({
      setsCookie,
      isUsed,
      isUser: isUsed && (this.#stored?.uid !== undefined || session.isAuthenticated),
      hasEnded: Session.hasEnded(session) && this.#secure,
    });
    return !setsCookie && rules === undefined ? undefined : { cookies, rules };
  }

  /** The values of the `Set-Cookie` headers that the session's end or its new id requires. */
  #cookiesOf(session: Session<Data>): readonly string[] {
    const { cookie } = this.#settings;
    switch (session.cookieChange(this.#stored)) {
      case 'set':
        return [...this.#removals, cookie.set(session.id!, this.#secure, session.cookieMaxAge)];
      case 'remove':
        return [cookie.remove(this.#secure)];
      default:
        return NO_COOKIES;
    }
  }

  /** What removes the cookies of our name that others have planted, if the request brought more than one. */
  get #removals(): string[] {
    const { cookie } = this.#settings;
    const header = (Reflect.get(this.#req, 'headers') as IncomingMessage['headers']).cookie;
    return hasSeveral(header, this.cookieName)
      ? cookie.removePlanted(domainsOf(this.#req), pathsOf(this.#req), this.#secure)
      : [];
  }

  /** The name of the session cookie on this connection. */
  get cookieName(): string {
    return this.#settings.cookie.name(this.#secure);
  }

  /** Warns if two stores use one cookie name: each overwrites the other's cookie, and every request loses a session. */
  #warnOfSharedName(): void {
    const name = this.cookieName;
    for (let other = this.previous; other; other = other.previous) {
      if (other.cookieName !== name || sharedNames.has(name)) continue;
      sharedNames.add(name);
      process.emitWarning(
        `two session middlewares with different stores handle one request under the cookie name "${name}", and overwrite ` +
          "each other's cookie: give them one store, or one of them another cookie name",
        { type: 'SessionWarning', code: 'SESSION_COOKIE_SHARED' },
      );
    }
  }
}

/** The latest exchange from a link on that is of this copy of the package. */
function ownOf(link: RequestLink | undefined): Exchange<object> | undefined {
  let at = link;
  while (at && !(at instanceof Exchange)) at = at.previous;
  return at;
}

/** Whether a request has a body at all: a body parser may set an empty object if there is none. */
function hasBody(req: IncomingMessage): boolean {
  const { headers } = req;
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return true;
  // HTTP/2 needs neither header: a request without a body ends with its headers.
  const { stream } = req as { stream?: Partial<Http2Stream> };
  return headers['content-length'] === undefined && stream?.endAfterHeaders === false;
}
