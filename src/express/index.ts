/** The middleware for Express 4 and 5. */
import type { IncomingMessage } from 'node:http';
import type { DefaultSessionData } from '../data.js';
import { asIncoming, type AnyRequest, type AnyResponse } from '../http.js';
import type { SessionBackend } from '../backend/session-backend.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import type { Exchange } from '../manager/exchange.js';
import type { ManagerOptions, SessionOptions } from '../manager/options.js';
import { SessionManager, type AnyStore } from '../manager/session-manager.js';
import type {
  AnySchema,
  DataOf,
  Given,
  InMemory,
  OnDisk,
  Over,
  SchemaOptions,
  StoredOf,
} from '../manager/typed-manager.js';
import type { Session } from '../session/session.js';
import type { DurableSessionStore } from '../store/durable-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { bare } from '../options.js';
import { defineSession, expose } from './request.js';

// oxlint-disable-next-line no-restricted-imports, unicorn/require-module-specifiers -- so that a program with this entry alone can add to `SessionData`
export type {} from '../index.js';
export { csrf, type CsrfOptions } from './csrf.js';
export { requireAuth, type RequireAuthOptions } from './require-auth.js';
export { flatSession, type FlatSessionOptions } from './flat-session.js';
export type { SessionOptions };

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express declares it, and requests are extended through it
  namespace Express {
    interface Request extends RequestWithSession {}
  }
}

/** What the middleware adds to a request. */
export interface RequestWithSession {
  /**
   * The session of this request. There is always one; it is stored only once something is written to it. It is a getter on the prototype
   * of all requests: `undefined` where a request has not passed the middleware.
   *
   * To assign `null` or a plain value throws a TypeError: it would log nobody out and not be stored. An object of a class, which is
   * another package's session, replaces this one on the request. In a program that also has the types of express-session, theirs apply to
   * `req.session`; `manager.start(req, res)` returns ours.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- the one type that any other declaration of the property may narrow
  session: 'sessionStore' extends keyof Express.Request ? any : Session;
}

type Next = (error?: unknown) => void;

/** The middleware function, with its manager, whose type says which store it has. */
export interface SessionMiddleware<
  Data extends object = DefaultSessionData,
  Ready extends AnyStore | undefined = AnyStore | undefined,
  Store extends Ready | undefined = Ready,
> {
  (req: AnyRequest, res: AnyResponse, next: Next): void;
  /** The manager: for WebSockets and jobs, and for the store that it created. */
  readonly manager: SessionManager<Data, Ready, Store>;
  /** The manager's `ready`: resolves with its store once it is open. */
  readonly ready: Promise<Ready>;
}

/**
 * Creates the session middleware for Express 4 and 5: `app.use(session())`. It sets `req.session`, and before the response's headers are
 * sent it commits the session and sets its cookie. If the session cannot be written, it calls `next(error)`, or the option `onError`, and
 * the response is not sent. Express decides whether the client's connection is secure (`req.secure`): behind a proxy that ends TLS,
 * `app.set('trust proxy', 1)`.
 * @param options Those of a manager, and those of a store unless `store` is given.
 * @returns The middleware `(req, res, next)`, named `session`.
 * @throws TypeError, RangeError for a wrong option.
 */
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options: OnDisk & SchemaOptions<Schema>,
): SessionMiddleware<
  DataOf<Data, Schema>,
  DurableSessionStore<StoredOf<Data, Schema>>,
  DurableSessionStore<StoredOf<Data, Schema>> | undefined
>;
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options: Over<DurableSessionStore<Data>> & SchemaOptions<Schema>,
): SessionMiddleware<DataOf<Data, Schema>, DurableSessionStore<Data>>;
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options: Over<SessionStore<Data>> & SchemaOptions<Schema>,
): SessionMiddleware<DataOf<Data, Schema>, SessionStore<Data>>;
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options: Over<SessionBackend> & SchemaOptions<Schema>,
): SessionMiddleware<DataOf<Data, Schema>, undefined>;
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options?: InMemory & SchemaOptions<Schema>,
): SessionMiddleware<DataOf<Data, Schema>, SessionStore<StoredOf<Data, Schema>>>;
export function session<Data extends object = never>(options: Given<Data>): SessionMiddleware<Data>;
export function session<Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
  options: ManagerOptions & SchemaOptions<Schema>,
): SessionMiddleware<DataOf<Data, Schema>>;
export function session(options: SessionOptions = {}): SessionMiddleware {
  const manager = new SessionManager(options);
  defineSession();
  const { onError } = bare(options);
  function session(req: AnyRequest, res: AnyResponse, next: Next): void {
    if (typeof next !== 'function') {
      throw new TypeError(
        'session() makes a middleware for Express and connect, which calls it with (req, res, next). Elsewhere use ' +
          "`new SessionManager()` and `await manager.start(req, res)` with Node's own request and response",
      );
    }
    let begun: MaybePromise<Exchange<DefaultSessionData>>;
    try {
      begun = manager.begin(req, res, { secure: secureOf, onError: onError ? undefined : next });
    } catch (error) {
      next(error);
      return;
    }
    if (isPromise(begun)) begun.then((exchange) => show(req, exchange, next), next);
    else show(req, begun, next);
  }
  return Object.assign(session, { manager, ready: manager.ready });
}

function show(req: AnyRequest, exchange: Exchange<DefaultSessionData>, next: Next): void {
  try {
    expose(asIncoming(req), exchange);
  } catch (error) {
    next(error);
    return;
  }
  next();
}

/** What Express says. Under connect there is no such property, and the manager decides by the socket. */
function secureOf(req: IncomingMessage): boolean | undefined {
  const { secure } = req as { secure?: unknown };
  return typeof secure === 'boolean' ? secure : undefined;
}
