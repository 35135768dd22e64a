/** The middleware for Express 4 and 5. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import type { SessionOptions } from '../manager/options.js';
import { SessionManager } from '../manager/session-manager.js';
import type { Session } from '../session/session.js';

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

/** What Express adds to a request, as far as it is used here. */
type ExpressRequest = IncomingMessage & { secure?: boolean; session?: Session };
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
  function session(req: ExpressRequest, res: ServerResponse, next: Next): void {
    const begin = (started: Session): void => {
      req.session = started;
      next();
    };
    let started: MaybePromise<Session>;
    try {
      started = manager.start(req, res, {
        // Undefined outside Express, as under connect: then the manager judges by the socket.
        ...(typeof req.secure === 'boolean' && { secure: req.secure }),
        onError: onError ? (error) => onError(error, req, res) : next,
      });
    } catch (error) {
      next(error);
      return;
    }
    if (isPromise(started)) started.then(begin, next);
    else begin(started);
  }
  return Object.assign(session, { manager, ready: manager.ready });
}
