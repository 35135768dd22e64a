/** The middleware that lets only some requests through: of users, of those who logged in lately, of those who logged in surely enough. */
import { IncomingMessage } from 'node:http';
import { SessionError } from '../errors.js';
import { asIncoming, type AnyRequest, type AnyResponse } from '../http.js';
import { kindError, kindOf, ownOptions, type Duration } from '../options.js';
import { checkDemand, type Level } from '../session/assurance.js';
import { Session } from '../session/session.js';

type Next = (error?: unknown) => void;

/** The options of `requireAuth`. */
export interface RequireAuthOptions {
  /** The least level of the login; without it any login will do. */
  level?: Level;
  /** How long ago the login may be at most; without it any time. */
  maxAge?: Duration;
  /**
   * Answers a request that is refused, with a redirect to the login for example; `error.code` says why: `ERR_SESSION_GUEST`, `ERR_SESSION_STALE`,
   * `ERR_SESSION_LEVEL`. Default: 401 or 403, as JSON to a client that asks for JSON, else by `next(error)`. A method, so that its parameters may be those of Express.
   */
  // oxlint-disable-next-line typescript/method-signature-style
  onRefused?(error: SessionError, req: AnyRequest, res: AnyResponse, next: Next): unknown;
}

/**
 * Creates a middleware that follows `session()`: it calls `next` if a user is logged in whose login is sure and young enough, as
 * `session.requireFresh` demands. What is refused gets 401 (nobody is logged in, or too long ago) or 403 (the level is too low).
 * @throws TypeError, RangeError for a wrong option.
 */
export function requireAuth(options: RequireAuthOptions = {}): (req: AnyRequest, res: AnyResponse, next: Next) => void {
  if (options instanceof IncomingMessage) {
    throw new TypeError(
      'requireAuth: this is a request: call the function, app.use(requireAuth()), not app.use(requireAuth)',
    );
  }
  const { level, maxAge, onRefused = answer } = ownOptions('requireAuth', options, ['level', 'maxAge', 'onRefused']);
  if (typeof onRefused !== 'function') throw kindError('requireAuth.onRefused', onRefused, 'pass a function');
  const wanted = checkDemand(maxAge, level, false);
  return function requireAuth(req, res, next): void {
    const { session } = req as { session?: unknown };
    if (!(session instanceof Session)) {
      next(
        new TypeError(
          `requireAuth: req.session is ${kindOf(session)}: put app.use(session()) before app.use(requireAuth())`,
        ),
      );
      return;
    }
    try {
      session.require(wanted);
    } catch (error) {
      if (error instanceof SessionError && error.status !== undefined) void refuse(error, req, res, next);
      else next(error);
      return;
    }
    next();
  };

  async function refuse(error: SessionError, req: AnyRequest, res: AnyResponse, next: Next): Promise<void> {
    try {
      await onRefused(error, req, res, next);
    } catch (thrown) {
      next(thrown);
    }
  }

  /** 401 or 403, with the challenge of RFC 9470 where another login would help. */
  function answer(error: SessionError, req: AnyRequest, res: AnyResponse, next: Next): void {
    if (!wantsJson(asIncoming(req).headers.accept)) {
      next(error);
      return;
    }
    const response = res as {
      statusCode: number;
      setHeader(name: string, value: string): unknown;
      end(text: string): unknown;
    };
    const needsLogin = error.code !== 'ERR_SESSION_GUEST';
    const challenge = needsLogin
      ? `error="insufficient_user_authentication", error_description="${error.message}"`
      : 'realm="session"';
    const age = error.code === 'ERR_SESSION_STALE' ? `, max_age="${Math.floor(wanted.maxAge! / 1_000)}"` : '';
    response.statusCode = error.status!;
    response.setHeader('WWW-Authenticate', `Bearer ${challenge}${age}`);
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify({ error: error.code, message: error.message }));
  }
}

/** Whether a client asks for JSON and not, as a browser does that shows a page, for HTML. */
function wantsJson(accept: string | undefined): boolean {
  return accept !== undefined && /[/+]json\b/i.test(accept) && !/\btext\/html\b/i.test(accept);
}
