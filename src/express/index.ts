/** The middleware for Express 4 and 5. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import type { Exchange } from '../manager/exchange.js';
import type { SessionOptions } from '../manager/options.js';
import { SessionManager } from '../manager/session-manager.js';
import type { Session, SessionData } from '../session/session.js';
import { defineSession, expose } from './request.js';

export { flatSession, type FlatSessionOptions } from './flat-session.js';
export type { SessionOptions };

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express declares it, and requests are extended through it
  namespace Express {
    interface Request {
      /** The session of this request. There is always one; it is stored only once something is written to it. */
      session: Session;
    }
  }
}

type Next = (error?: unknown) => void;

/** The middleware function, with its manager. */
export interface SessionMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: Next): void;
  readonly manager: SessionManager;
  /** The manager's `ready`: resolves with its store once it is open. */
  readonly ready: SessionManager['ready'];
}

/**
 * Creates the session middleware: `app.use(session())`. It sets `req.session`, and before the response's headers are sent it commits the
 * session and sets its cookie. If the session cannot be written, it calls `next(error)`, and the response is not sent. Express decides
 * whether the client's connection is secure: behind a proxy, `app.set('trust proxy', 1)`.
 * @throws TypeError, RangeError for a wrong option.
 */
export function session(options: SessionOptions = {}): SessionMiddleware {
  const manager = new SessionManager(options);
  defineSession();
  const { onError } = options;
  function session(req: IncomingMessage, res: ServerResponse, next: Next): void {
    if (typeof next !== 'function') {
      throw new TypeError(
        'session() makes a middleware for Express and connect, which calls it with (req, res, next). Elsewhere use ' +
          "`new SessionManager()` and `await manager.start(req, res)` with Node's own request and response",
      );
    }
    let begun: MaybePromise<Exchange<SessionData>>;
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

function show(req: IncomingMessage, exchange: Exchange<SessionData>, next: Next): void {
  try {
    expose(req, exchange);
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
