/** The middleware that gives `req.session` the shape which packages for express-session expect. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import { ownOptions, kindError, kindOf } from '../options.js';
import { flatten } from '../session/flat-session.js';
import { Session } from '../session/session.js';
import { replaceSession } from './request.js';

/** Options of `flatSession`. */
export interface FlatSessionOptions {
  /**
   * The user id for what Passport's `serializeUser` makes of a user. Default: a string as it is, a number as a string, and of an object
   * its `id`.
   */
  uid?: (serialized: unknown) => string;
}

type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Creates a middleware that follows `session()`, for packages that set properties of `req.session` itself: Passport, connect-flash.
 * `req.session.flash` then is `req.session.data.flash`; everything else of the session stays as it is. Passport's login is
 * `session.login`, with one new id, and its logout is `session.logout`: the session ends. A user whom `deserializeUser` does not find is
 * logged out.
 *
 * `regenerate` is as in express-session: `req.session` is another object afterwards, without data, and the old one keeps what it had.
 * Passport copies that with `keepSessionInfo: true`, but never what another user left in the session.
 * @throws TypeError for a wrong option.
 */
export function flatSession(options: FlatSessionOptions = {}): Middleware {
  if (options instanceof IncomingMessage) {
    throw new TypeError(
      'flatSession: this is a request: call the function, app.use(flatSession()), not app.use(flatSession)',
    );
  }
  const { uid = uidOf } = ownOptions('flatSession', options, ['uid']);
  if (typeof uid !== 'function') throw kindError('flatSession.uid', uid, 'pass a function');
  return function flatSession(req, _res, next): void {
    const session = (req as { session?: unknown }).session;
    if (!(session instanceof Session)) {
      next(
        new TypeError(
          `flatSession: there is no session on this request: put app.use(session()) before app.use(flatSession())`,
        ),
      );
      return;
    }
    let shown = flatten(session, { uid, show });
    function show(session: Session): void {
      shown = session;
    }
    Object.defineProperty(req, 'session', {
      get: () => shown,
      set(value: unknown): void {
        replaceSession(req, value);
      },
      enumerable: false,
      configurable: true,
    });
    next();
  };
}

function uidOf(serialized: unknown): string {
  const id: unknown =
    typeof serialized === 'object' && serialized !== null ? (serialized as { id?: unknown }).id : serialized;
  if (typeof id === 'string') return id;
  if (typeof id === 'number' || typeof id === 'bigint') return String(id);
  throw new TypeError(
    `flatSession: no user id can be found in what serializeUser passes (${kindOf(serialized)}): pass the user's id, or set the option ` +
      'uid of flatSession, a function that returns the id',
  );
}
