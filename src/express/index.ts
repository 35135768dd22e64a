/** The middleware for Express 4 and 5. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import type { Exchange } from '../manager/exchange.js';
import type { SessionOptions } from '../manager/options.js';
import { SessionManager } from '../manager/session-manager.js';
import type { Session, SessionData } from '../session/session.js';
import { expose } from './request.js';

export type { SessionOptions };

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- it is Express' own, and this is how a request is extended
  namespace Express {
    interface Request {
      /** The session of this request; there is always one, stored only once something is written. */
      session: Session;
    }
  }
}

type Next = (error?: unknown) => void;

/** The middleware, and what stands behind it. */
export interface SessionMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: Next): void;
  readonly manager: SessionManager;
  /** The manager's `ready`: its store, once it is open. */
  readonly ready: SessionManager['ready'];
}

/**
 * The session middleware: `app.use(session())`. Puts the request's session at `req.session`; commits it and sets its cookie
 * before the response's headers leave. A session that cannot be written goes to `next(error)` and its response is not sent.
 * Whether the client's connection is secure is Express' word: behind a proxy, `app.set('trust proxy', 1)`.
 * @throws TypeError, RangeError for a wrong option.
 */
export function session(options: SessionOptions = {}): SessionMiddleware {
  const manager = new SessionManager(options);
  const { onError } = options;
  function session(req: IncomingMessage, res: ServerResponse, next: Next): void {
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
  expose(req, exchange);
  next();
}

/** Express' word, if it is Express: under connect the manager judges by the socket. */
function secureOf(req: IncomingMessage): boolean | undefined {
  const { secure } = req as { secure?: unknown };
  return typeof secure === 'boolean' ? secure : undefined;
}
