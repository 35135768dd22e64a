/** One request and its response: what their session needs of them, and how the response's gate commits it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SessionBackend, StoredSession } from '../backend/session-backend.js';
import { SessionError } from '../errors.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { Attachment } from '../response/attachment.js';
import { giveUp } from '../response/failure.js';
import { Gate } from '../response/gate.js';
import type { Response } from '../response/head.js';
import type { Concurrency, SessionContext } from '../session/context.js';
import { bodyParameters, queryParameters } from '../session/form.js';
import type { RequestForm } from '../session/kept-form.js';
import { Session } from '../session/session.js';
import { isSecure, type SecureOf } from './connection.js';
import type { Settings } from './options.js';

/** What an adapter knows of a request that the manager does not. */
export interface StartOptions {
  /**
   * Whether the client's connection is secure, or a function that returns this and is called only where it matters. Default, and if the
   * function returns `undefined`: as the socket says, and `X-Forwarded-Proto` with the option `trustProxy`.
   */
  secure?: boolean | SecureOf | undefined;
  /** Called when the session cannot be written, instead of the manager's `onError`. */
  onError?: ((error: unknown) => void) | undefined;
}

const kExchange = Symbol('agai-session.exchange');
type Exchanged = { [kExchange]?: Exchange<object> };

/** The latest exchange of each request. */
const exchanges = new Attachment<Exchange<object>>({
  get: (req: Exchanged) => req[kExchange],
  set: (req: Exchanged, exchange) => {
    req[kExchange] = exchange;
  },
});

/** Cookie names whose use by two stores has been warned of. */
const sharedNames = new Set<string>();

/**
 * One request and its response, with the session they share. It is a single object, because every request creates one: it is also the
 * gate of the response and the context of the session, which is created only when it is used. With a dozen closures instead, an
 * untouched request took more than twice as long; with separate objects for gate, exchange and session 0.2 microseconds more.
 */
export class Exchange<Data extends object> extends Gate implements SessionContext {
  readonly #settings: Settings;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: StartOptions;
  readonly #stored: StoredSession | undefined;
  readonly #previous: Exchange<object> | undefined;
  #session: Session<Data> | undefined;
  /** True if an adapter shows this session as the request's. */
  #isShown = false;

  /**
   * `stored` is the session that the request's cookie names. `previous` is the exchange of another manager on the same request,
   * `next` the gate of another manager on the response.
   */
  constructor(
    settings: Settings,
    req: IncomingMessage,
    res: ServerResponse,
    options: StartOptions,
    stored: StoredSession | undefined,
    previous: Exchange<object> | undefined,
    next: Gate | undefined,
  ) {
    super(next);
    this.#settings = settings;
    this.#req = req;
    this.#res = res;
    this.#options = options;
    this.#stored = stored;
    this.#previous = previous;
    exchanges.set(req, this as unknown as Exchange<object>);
    if (previous) this.#warnOfSharedName();
    this.install(res);
  }

  /** The latest exchange of a request. */
  static latest(req: IncomingMessage): Exchange<object> | undefined {
    return exchanges.get(req);
  }

  /** The session that an adapter shows as the request's. */
  static shown(req: IncomingMessage): Session | undefined {
    let at = exchanges.get(req);
    while (at && !at.#isShown) at = at.#previous;
    return at?.session as Session | undefined;
  }

  get session(): Session<Data> {
    return (this.#session ??= new Session<Data>(this, this.#stored));
  }

  get backend(): SessionBackend {
    return this.#settings.backend;
  }

  get concurrency(): Concurrency {
    return this.#settings.concurrency;
  }

  get form(): RequestForm {
    const req = this.#req;
    return {
      get: () => queryParameters(req.url),
      post: () => (hasBody(req) ? bodyParameters((req as { body?: unknown }).body) : undefined),
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
    this.#settings.cookie.admit(this.#isSecure);
  }

  /**
   * This exchange, or an earlier one of the request, whichever has the same store and cookie name: a mounted application may have a
   * manager of its own over its parent's store.
   */
  of<Data extends object>({ backend, cookie }: Settings): Exchange<Data> | undefined {
    const name = cookie.name(true);
    let at: Exchange<object> | undefined = this as unknown as Exchange<object>;
    while (at && (at.backend !== backend || at.#settings.cookie.name(true) !== name)) at = at.#previous;
    return at as unknown as Exchange<Data> | undefined;
  }

  /** Makes this session the one that `shown` returns. */
  show(): void {
    for (let at = exchanges.get(this.#req); at; at = at.#previous) {
      at.#isShown = at === (this as unknown as Exchange<object>);
    }
  }

  protected override commit(): MaybePromise<string | undefined> {
    const session = this.#session;
    if (session === undefined) return undefined;
    const saved = session.commit(true);
    if (!isPromise(saved)) return this.#cookie(session);
    return saved.catch((error: unknown) => this.#ignoreReported(session, error)).then(() => this.#cookie(session));
  }

  protected override commitLate(): MaybePromise<undefined> {
    const saved = this.#session?.commit(false);
    return isPromise(saved) ? saved.then(() => undefined) : undefined;
  }

  protected override onError(error: unknown): void {
    const own = this.#options.onError;
    const { onError } = this.#settings;
    if (own) own(error);
    else if (onError) onError(error, this.#req, this.#res);
    else giveUp(this.#res as unknown as Response, error);
  }

  /**
   * Ignores the error of a `logout()` that the handler awaited, if the handler responds with a server error: it has reported the failure,
   * and its response is not replaced. Any other response would claim that the logout succeeded.
   */
  #ignoreReported(session: Session<Data>, error: unknown): MaybePromise<unknown> {
    if (this.#res.statusCode < 500 || !session.hasReported(error)) throw error;
    return session.commit(true);
  }

  get #isSecure(): boolean {
    return isSecure(this.#req, this.#options.secure, this.#settings.trustProxy);
  }

  /** The value of the `Set-Cookie` header that the session's end or its new id requires. */
  #cookie(session: Session<Data>): string | undefined {
    switch (session.cookieChange(this.#stored)) {
      case 'set':
        return this.#settings.cookie.set(session.id!, this.#isSecure);
      case 'remove':
        return this.#settings.cookie.remove(this.#isSecure);
      default:
        return undefined;
    }
  }

  get #cookieName(): string {
    return this.#settings.cookie.name(this.#isSecure);
  }

  /** Warns if two stores use one cookie name: each overwrites the other's cookie, and every request loses a session. */
  #warnOfSharedName(): void {
    const name = this.#cookieName;
    for (let other = this.#previous; other; other = other.#previous) {
      if (other.#cookieName !== name || sharedNames.has(name)) continue;
      sharedNames.add(name);
      process.emitWarning(
        `two session middlewares with different stores handle one request under the cookie name "${name}", and overwrite ` +
          "each other's cookie: give them one store, or one of them another cookie name",
        { type: 'SessionWarning', code: 'SESSION_COOKIE_SHARED' },
      );
    }
  }
}

/** Whether a request has a body at all: a body parser may set an empty object if there is none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
