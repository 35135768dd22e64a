/** The middleware that refuses what other sites make a browser send. */
import { IncomingMessage } from 'node:http';
import { SessionError } from '../errors.js';
import { asIncoming, type AnyRequest, type AnyResponse } from '../http.js';
import { oneOf, ownOptions } from '../options.js';
import { checkOrigins, isOwnOrigin } from './origin.js';

/** Options of `csrf`. */
export interface CsrfOptions {
  /**
   * Other origins whose requests are accepted, as browsers write them in `Origin`: `'https://login.example.com'`, with the port if it is not
   * the usual one, without a path. There are no wildcards. Default: none.
   */
  trustedOrigins?: readonly string[];
  /**
   * Whether a request that has neither `Sec-Fetch-Site` nor `Origin` is refused. Default false: it comes from a program and not from a
   * browser, so no other site can have caused it. True refuses such programs, and browsers from before 2020 for some requests.
   */
  strict?: boolean;
}

type Next = (error?: unknown) => void;

/** Methods that change nothing. All others are checked: also TRACE, which no browser sends. */
const SAFE: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Creates a middleware that refuses cross-site request forgery: `app.use(csrf())`, before the routes. Requests with other methods than GET,
 * HEAD and OPTIONS pass if the browser says by `Sec-Fetch-Site` that they come from the same origin or from the user. Browsers that do not
 * say that, as all do over plain HTTP, must say by `Origin` that they come from the host that the request was sent to. What says neither
 * is no browser. Everything else gets a `SessionError` `ERR_SESSION_CSRF` with the `status` 403, by `next(error)`.
 *
 * It needs no session and no token. Behind a proxy Express' setting `trust proxy` says what the request's own host is.
 * @throws TypeError for a wrong option.
 */
export function csrf(options: CsrfOptions = {}): (req: AnyRequest, res: AnyResponse, next: Next) => void {
  if (options instanceof IncomingMessage) {
    throw new TypeError('csrf: this is a request: call the function, app.use(csrf()), not app.use(csrf)');
  }
  const { trustedOrigins = [], strict = false } = ownOptions('csrf', options, ['trustedOrigins', 'strict']);
  oneOf('csrf.strict', strict, [true, false]);
  const trusted = checkOrigins('csrf.trustedOrigins', trustedOrigins);
  return function csrf(req, _res, next): void {
    const reason = SAFE.has(req.method) ? undefined : refusal(asIncoming(req), trusted, strict);
    if (reason === undefined) next();
    else next(new SessionError('ERR_SESSION_CSRF', reason, { status: 403 }));
  };
}

/** Why a request is refused; `undefined` if it passes. What it says of itself is not repeated, because an attacker may have written it. */
function refusal(req: IncomingMessage, trusted: ReadonlySet<string>, strict: boolean): string | undefined {
  const { origin } = req.headers;
  const site = req.headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return undefined;
  // `null` is the origin of whoever hides theirs, so it can never be among these.
  if (origin !== undefined && trusted.has(origin)) return undefined;
  if (site) return `the request comes from another origin: ${FIX}`;
  if (origin)
    return isOwnOrigin(origin, req)
      ? undefined
      : `the request comes from another origin, or the proxy in front is not trusted: ${FIX}`;
  return strict ? 'the request has neither Sec-Fetch-Site nor Origin: it comes from no browser' : undefined;
}

const FIX = 'if it is one of yours, add it to the option trustedOrigins of csrf()';
