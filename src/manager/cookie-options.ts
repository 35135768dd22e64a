/** The options of the session cookie. */
import { oneOf, ownOptions, typeError } from '../options.js';
import { otherCookieOptions } from '../other-options.js';

/** The attributes of the session cookie. It has no expiry: the browser keeps it until it is closed, and the store ends the session. */
export interface CookieOptions {
  /**
   * The cookie's name, which should not reveal the technology. Default `'__Host-id'`; browsers accept a name with the prefix `__Host-`
   * only from a secure origin, with `Path=/` and without `Domain`.
   */
  name?: string;
  /**
   * Whether the cookie is sent only over HTTPS. `'auto'` (default): yes; but outside production (`NODE_ENV`), on plain HTTP, the name
   * loses its prefix and the cookie its `Secure` attribute, with one warning. `true`: yes, always. `false`: no, and the default name is
   * `'id'`; for plain HTTP in production, where anybody on the network path can take over the login.
   */
  secure?: boolean | 'auto';
  /** Which cross-site requests carry the cookie. Default `'lax'`; `'none'` needs `secure: true`. */
  sameSite?: 'lax' | 'strict' | 'none';
  /** Default `'/'`. */
  path?: string;
  /** Default none: only this host. With a domain, every subdomain gets the cookie, and may set it. */
  domain?: string;
  /** Whether scripts cannot read it. Default true. */
  httpOnly?: boolean;
  /** One cookie jar for each top-level site that embeds this one (CHIPS). Default false; needs `secure: true`. */
  partitioned?: boolean;
}

const names = [
  'name',
  'secure',
  'sameSite',
  'path',
  'domain',
  'httpOnly',
  'partitioned',
] as const satisfies (keyof CookieOptions)[];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Without a space at its end, which browsers would take away. */
const PATH = /^\/(?:[\x20-\x3a\x3c-\x7e]*[\x21-\x3a\x3c-\x7e])?$/;
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;
/** The prefixes with which browsers demand attributes; they compare them case-insensitively. */
export const PREFIX = /^__(?:Host-Http|Host|Secure|Http)-/i;
/** The maximum length of an attribute that browsers keep, in octets: RFC 6265bis section 5.6. */
const MAX_ATTRIBUTE = 1024;

/** The checked options. */
export interface CookieSettings {
  readonly name: string;
  readonly secure: boolean | 'auto';
  readonly path: string;
  readonly domain: string | undefined;
  /** The attributes besides `Secure`, as they follow the value in `Set-Cookie`. */
  readonly attributes: string;
}

/** Checks options and fills in the defaults. @throws TypeError for a wrong option, or a combination that browsers reject. */
export function checkCookieOptions(options: CookieOptions): CookieSettings {
  const own = ownOptions('cookie', options, names, otherCookieOptions);

  // Defaults.
  const { secure = 'auto', sameSite = 'lax', path = '/', domain, httpOnly = true, partitioned = false } = own;
  const { name = secure === false ? 'id' : '__Host-id' } = own;

  // Check each.
  oneOf('cookie.secure', secure, [true, false, 'auto']);
  oneOf('cookie.sameSite', sameSite, ['lax', 'strict', 'none']);
  oneOf('cookie.httpOnly', httpOnly, [true, false]);
  oneOf('cookie.partitioned', partitioned, [true, false]);
  if (typeof name !== 'string' || !isName(name)) {
    throw typeError('cookie.name', name, "a cookie name is 1 to 256 letters, digits and !#$%&'*+-.^_`|~ (RFC 6265)");
  }
  if (typeof path !== 'string' || !PATH.test(path) || path.length > MAX_ATTRIBUTE) {
    throw typeError(
      'cookie.path',
      path,
      'a path begins with / and has no control characters or semicolons and no space at its end, at most 1024 characters',
    );
  }
  if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain) || domain.length > 253)) {
    throw typeError(
      'cookie.domain',
      domain,
      "a domain is a host name such as 'example.com'; leave it out for this host only",
    );
  }

  // Check them together: what browsers would silently reject fails here.
  if (/^__Host-/i.test(name) && (path !== '/' || domain !== undefined)) {
    throw typeError(
      'cookie.name',
      name,
      "the prefix __Host- needs path '/' and no domain: choose another name or drop those",
    );
  }
  if (PREFIX.test(name) && secure === false) {
    throw typeError(
      'cookie.name',
      name,
      'the prefix needs a secure cookie: choose a name without it or drop secure: false',
    );
  }
  if (/^__(?:Host-)?Http-/i.test(name) && !httpOnly) {
    throw typeError(
      'cookie.name',
      name,
      'the prefixes __Http- and __Host-Http- need httpOnly: choose a name without them or drop httpOnly: false',
    );
  }
  if (sameSite === 'none' && secure !== true) {
    throw typeError('cookie.sameSite', sameSite, "'none' is accepted only on secure cookies: set secure: true");
  }
  if (partitioned && secure !== true) {
    throw typeError('cookie.partitioned', partitioned, 'it is accepted only on secure cookies: set secure: true');
  }

  const attributes = [
    '',
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(httpOnly ? ['HttpOnly'] : []),
    `SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`,
    ...(partitioned ? ['Partitioned'] : []),
  ].join('; ');
  return { name, secure, path, domain, attributes };
}

function isName(name: string): boolean {
  const rest = name.replace(PREFIX, '');
  return TOKEN.test(rest) && !PREFIX.test(rest) && name.length <= 256;
}
