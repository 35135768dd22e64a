/** One request and its response: what their session needs of them, and what the response's gate does with the session. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SessionError } from '../errors.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { bodyParameters, queryParameters } from '../session/form.js';
import type { BroughtForm } from '../session/kept-form.js';
import { Session, type Concurrency, type SessionContext } from '../session/session.js';
import type { SessionBackend, StoredSession } from '../backend/session-backend.js';
import { Attachment } from '../response/attachment.js';
import type { CookiePolicy } from './cookie.js';
import { Gate } from '../response/gate.js';

/** Whether the client's connection is secure; undefined if whoever is asked does not know. */
export type SecureOf = (req: IncomingMessage) => boolean | undefined;

/** What all requests of a manager share. */
export interface Surroundings {
  readonly backend: SessionBackend;
  readonly concurrency: Concurrency;
  readonly cookie: CookiePolicy;
  /** The cookie's name on secure connections, by which managers know that they share it. */
  readonly name: string;
  /** Whether a request's connection is secure, by what whoever started its session says of it. */
  readonly isSecure: (req: IncomingMessage, said: boolean | SecureOf | undefined) => boolean;
  /** Told of a commit that failed where the request has nobody of its own for it. */
  readonly fail: (error: unknown, req: IncomingMessage, res: ServerResponse) => void;
}

/** What an adapter knows better than the manager. */
export interface StartOptions {
  /**
   * Whether the client's connection is secure, or a function that says so, and is asked where it matters alone. Default, or where that
   * answers `undefined`: by the socket, and `X-Forwarded-Proto` if `trustProxy`.
   */
  secure?: boolean | SecureOf | undefined;
  /** Told when the session cannot be written, instead of the manager's `onError`. */
  onError?: ((error: unknown) => void) | undefined;
}

/** What is known of a request when its session starts. */
interface Beginning {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The session that the request brought. */
  readonly stored: StoredSession | undefined;
  readonly options: StartOptions;
  /** What another manager began on the same request before. */
  readonly previous: Exchange<object> | undefined;
  /** The gates of other managers on the response. */
  readonly others: Gate | undefined;
}

const kExchange = Symbol('agai-session.exchange');
type Exchanged = { [kExchange]?: Exchange<object> };

/** The newest exchange of each request. */
const exchanges = new Attachment<Exchange<object>>({
  get: (req: Exchanged) => req[kExchange],
  set: (req: Exchanged, exchange) => {
    req[kExchange] = exchange;
  },
});

/**
 * Made for every request, so it is one object: the gate of its response too, and the session is made when somebody looks at it. A dozen
 * closures took longer to make than all the rest of an untouched request, and gate, exchange and session 0.2 us more than this alone.
 */
export class Exchange<Data extends object> extends Gate implements SessionContext {
  readonly #surroundings: Surroundings;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #stored: StoredSession | undefined;
  readonly #options: StartOptions;
  readonly #previous: Exchange<object> | undefined;
  #session: Session<Data> | undefined;
  /** Whether an adapter shows this session as the request's. */
  #isShown = false;

  constructor(surroundings: Surroundings, { req, res, stored, options, previous, others }: Beginning) {
    super(others);
    this.#surroundings = surroundings;
    this.#req = req;
    this.#res = res;
    this.#stored = stored;
    this.#options = options;
    this.#previous = previous;
    exchanges.set(req, this as unknown as Exchange<object>);
    this.putUp(res);
  }

  get session(): Session<Data> {
    return (this.#session ??= new Session<Data>(this, this.#stored));
  }

  get backend(): SessionBackend {
    return this.#surroundings.backend;
  }

  get concurrency(): Concurrency {
    return this.#surroundings.concurrency;
  }

  get cookieName(): string {
    return this.#surroundings.cookie.name(this.#isSecure);
  }

  static newest(req: IncomingMessage): Exchange<object> | undefined {
    return exchanges.get(req);
  }

  /** This one or one before, whichever began over the same store and under the same cookie name, as by a mounted application's manager. */
  of<Data extends object>({ backend, name }: Surroundings): Exchange<Data> | undefined {
    let at: Exchange<object> | undefined = this as unknown as Exchange<object>;
    while (at && (at.backend !== backend || at.#surroundings.name !== name)) at = at.#previous;
    return at as unknown as Exchange<Data> | undefined;
  }

  /** Has its session be the one that an adapter shows as the request's. */
  show(): void {
    for (let at = exchanges.get(this.#req); at; at = at.#previous) {
      at.#isShown = at === (this as unknown as Exchange<object>);
    }
  }

  /** The session that is shown. */
  static shown(req: IncomingMessage): Session | undefined {
    let at = exchanges.get(req);
    while (at && !at.#isShown) at = at.#previous;
    return at?.session as Session | undefined;
  }

  admitNewId(): void {
    if (this.#res.headersSent) {
      throw new SessionError(
        'ERR_SESSION_HEADERS_SENT',
        'the session needs a new cookie, but the headers have been sent: write to a new session, log in or regenerate before',
      );
    }
    this.#surroundings.cookie.admit(this.#isSecure);
  }

  get form(): BroughtForm {
    const req = this.#req;
    return {
      get: () => queryParameters(req.url),
      post: () => (hasBody(req) ? bodyParameters((req as { body?: unknown }).body) : undefined),
    };
  }

  protected override commit(): MaybePromise<string | undefined> {
    const session = this.#session;
    // Nobody looked at it.
    if (session === undefined) return undefined;
    const saved = session.commit();
    if (!isPromise(saved)) return this.#cookie(session);
    return saved.catch((error: unknown) => this.#isSaid(session, error)).then(() => this.#cookie(session));
  }

  protected override commitLate(): MaybePromise<undefined> {
    const saved = this.#session?.commit();
    return isPromise(saved) ? saved.then(() => undefined) : undefined;
  }

  protected override onError(error: unknown): void {
    const { onError } = this.#options;
    if (onError) onError(error);
    else this.#surroundings.fail(error, this.#req, this.#res);
  }

  /**
   * A handler that awaited `logout()` and was told that it failed has said so, if what it sends is a server error: that is not replaced by
   * another error for the same failure. Any other answer would claim a logout that was not.
   */
  #isSaid(session: Session<Data>, error: unknown): MaybePromise<unknown> {
    if (this.#res.statusCode < 500 || !session.hasTold(error)) throw error;
    return session.commit();
  }

  get #isSecure(): boolean {
    return this.#surroundings.isSecure(this.#req, this.#options.secure);
  }

  /** The `Set-Cookie` text that the session's end or its new id asks for. */
  #cookie(session: Session<Data>): string | undefined {
    switch (session.cookieChange(this.#stored)) {
      case 'set':
        return this.#surroundings.cookie.set(session.id!, this.#isSecure);
      case 'remove':
        return this.#surroundings.cookie.remove(this.#isSecure);
      default:
        return undefined;
    }
  }
}

/** Whether a request carries a body at all: a body parser may leave an empty object where there is none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
