/** One request and its response: what their session needs of them, and what the response's gate does with the session. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SessionError } from '../errors.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { bodyParameters, queryParameters } from '../session/form.js';
import type { BroughtForm } from '../session/kept-form.js';
import { Session, type Concurrency, type SessionContext } from '../session/session.js';
import type { SessionBackend, StoredSession } from '../store/backend.js';
import type { CookiePolicy } from './cookie.js';
import type { Commit } from './response.js';

/** What all requests of a manager share. */
export interface Surroundings {
  readonly backend: SessionBackend;
  readonly concurrency: Concurrency;
  readonly cookie: CookiePolicy;
  /** Told of a commit that failed where the request has nobody of its own for it. */
  readonly fail: (error: unknown, req: IncomingMessage, res: ServerResponse) => void;
}

/** What is known of a request when its session starts. */
export interface Beginning {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly secure: boolean;
  /** The name that the session's cookie has on this connection. */
  readonly cookieName: string;
  /** The session that the request brought. */
  readonly stored: StoredSession | undefined;
  /** Told when the session cannot be written, instead of the manager. */
  readonly onError: ((error: unknown) => void) | undefined;
}

/**
 * Made for every request, so it is one object with methods and not a dozen closures: those took longer to make than all the rest of an
 * untouched request (docs/performance.md).
 */
export class Exchange<Data extends object> implements SessionContext, Commit {
  readonly backend: SessionBackend;
  readonly concurrency: Concurrency;
  readonly cookieName: string;
  readonly session: Session<Data>;
  readonly #surroundings: Surroundings;
  readonly #beginning: Beginning;

  constructor(surroundings: Surroundings, beginning: Beginning) {
    this.backend = surroundings.backend;
    this.concurrency = surroundings.concurrency;
    this.cookieName = beginning.cookieName;
    this.#surroundings = surroundings;
    this.#beginning = beginning;
    this.session = new Session<Data>(this, beginning.stored);
  }

  admitNewId(): void {
    const { res, secure } = this.#beginning;
    if (res.headersSent) {
      throw new SessionError(
        'ERR_SESSION_HEADERS_SENT',
        'the session needs a new cookie, but the headers have been sent: write to a new session, log in or regenerate before',
      );
    }
    this.#surroundings.cookie.admit(secure);
  }

  get form(): BroughtForm {
    const { req } = this.#beginning;
    return {
      get: () => queryParameters(req.url),
      post: () => (hasBody(req) ? bodyParameters((req as { body?: unknown }).body) : undefined),
    };
  }

  commit(): MaybePromise<string | undefined> {
    const saved = this.session.commit();
    if (!isPromise(saved)) return this.#cookie();
    return saved.catch((error: unknown) => this.#isSaid(error)).then(() => this.#cookie());
  }

  commitLate(): MaybePromise<undefined> {
    const saved = this.session.commit();
    return isPromise(saved) ? saved.then(() => undefined) : undefined;
  }

  onError(error: unknown): void {
    const { req, res, onError } = this.#beginning;
    if (onError) onError(error);
    else this.#surroundings.fail(error, req, res);
  }

  /**
   * A handler that awaited `logout()` and was told that it failed has said so, if what it sends is a server error: that is not replaced by
   * another error for the same failure. Any other answer would claim a logout that was not.
   */
  #isSaid(error: unknown): MaybePromise<unknown> {
    if (this.#beginning.res.statusCode < 500 || !this.session.hasTold(error)) throw error;
    return this.session.commit();
  }

  /** The `Set-Cookie` text that the session's end or its new id asks for. */
  #cookie(): string | undefined {
    const { secure, stored } = this.#beginning;
    switch (this.session.cookieChange(stored)) {
      case 'set':
        return this.#surroundings.cookie.set(this.session.id!, secure);
      case 'remove':
        return this.#surroundings.cookie.remove(secure);
      default:
        return undefined;
    }
  }
}

/** Whether a request carries a body at all: a body parser may leave an empty object where there is none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
