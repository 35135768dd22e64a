/** The session cookie: its options, its name on this connection, its text. */
import { SessionError } from '../errors.js';
import { checkNames, oneOf, typeError } from '../options.js';

export interface CookieOptions {
  /**
   * The cookie's name, which says nothing of the technology. Default `'__Host-id'`; a browser accepts a name with the prefix
   * `__Host-` only from a secure origin, with `Path=/` and without `Domain`.
   */
  name?: string;
  /**
   * Whether the cookie is sent over HTTPS alone. `'auto'` (default): yes, but outside production (`NODE_ENV`) on plain HTTP
   * the name loses its prefix and the cookie its `Secure`, with one warning. `true`: yes, always. `false`: no, and the default
   * name is `'id'`; for plain HTTP in production, which lets anybody on the way take the login.
   */
  secure?: boolean | 'auto';
  /** Which cross-site requests carry it. Default `'lax'`; `'none'` needs `secure: true`. */
  sameSite?: 'lax' | 'strict' | 'none';
  /** Default `'/'`. */
  path?: string;
  /** Default none: this host alone. With one, every subdomain gets the cookie, and may set it. */
  domain?: string;
  /** Whether scripts are kept from it. Default true. */
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
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/;
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;
const PREFIX = /^__(?:Host|Secure)-/i;
/** Octets of an attribute that a browser keeps, RFC 6265bis section 5.6. */
const MAX_ATTRIBUTE = 1024;
const EXPIRED = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0';

/** The checked options; answers by whether the connection is secure. */
export class CookiePolicy {
  readonly #secure: boolean | 'auto';
  readonly #production: boolean;
  readonly #name: string;
  readonly #attributes: string;
  #warned = false;

  /** @throws TypeError for a wrong option, or a combination that browsers drop. */
  constructor(options: CookieOptions = {}, production: boolean = process.env['NODE_ENV'] === 'production') {
    checkNames('cookie', options, names);

    // Defaults.
    const { secure = 'auto', sameSite = 'lax', path = '/', domain, httpOnly = true, partitioned = false } = options;
    const { name = secure === false ? 'id' : '__Host-id' } = options;

    // Check each.
    oneOf('cookie.secure', secure, [true, false, 'auto']);
    oneOf('cookie.sameSite', sameSite, ['lax', 'strict', 'none']);
    oneOf('cookie.httpOnly', httpOnly, [true, false]);
    oneOf('cookie.partitioned', partitioned, [true, false]);
    if (
      typeof name !== 'string' ||
      !TOKEN.test(name.replace(PREFIX, '')) ||
      PREFIX.test(name.replace(PREFIX, '')) ||
      name.length > 256
    ) {
      throw typeError('cookie.name', name, "a cookie name is 1 to 256 letters, digits and !#$%&'*+-.^_`|~ (RFC 6265)");
    }
    if (typeof path !== 'string' || !PATH.test(path) || path.length > MAX_ATTRIBUTE) {
      throw typeError(
        'cookie.path',
        path,
        'a path begins with / and has no control characters or semicolons, at most 1024 characters',
      );
    }
    if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain) || domain.length > 253)) {
      throw typeError(
        'cookie.domain',
        domain,
        "a domain is a host name such as 'example.com'; leave it out for this host alone",
      );
    }

    // Check them together: what a browser would drop silently fails here. Browsers compare prefixes without case.
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
    if (sameSite === 'none' && secure !== true) {
      throw typeError('cookie.sameSite', sameSite, "'none' is accepted on secure cookies alone: set secure: true");
    }
    if (partitioned && secure !== true) {
      throw typeError('cookie.partitioned', partitioned, 'it is accepted on secure cookies alone: set secure: true');
    }

    this.#secure = secure;
    this.#production = production;
    this.#name = name;
    this.#attributes = [
      '',
      `Path=${path}`,
      ...(domain === undefined ? [] : [`Domain=${domain}`]),
      ...(httpOnly ? ['HttpOnly'] : []),
      `SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`,
      ...(partitioned ? ['Partitioned'] : []),
    ].join('; ');
  }

  /** Whether this connection gets the cookie without `Secure`, which is done in development alone. */
  #fallsBack(secureConnection: boolean): boolean {
    return this.#secure === 'auto' && !secureConnection && !this.#production;
  }

  /** The name that the cookie has on such a connection. */
  name(secureConnection: boolean): string {
    return this.#fallsBack(secureConnection) ? this.#name.replace(PREFIX, '') : this.#name;
  }

  /** The text of `Set-Cookie` for an id. */
  set(id: string, secureConnection: boolean): string {
    return this.#text(`=${id}`, secureConnection);
  }

  /** The text of `Set-Cookie` that removes the cookie: the same attributes, or a browser keeps it. */
  remove(secureConnection: boolean): string {
    return this.#text(`=; ${EXPIRED}`, secureConnection);
  }

  #text(value: string, secureConnection: boolean): string {
    const secure = this.#secure !== false && !this.#fallsBack(secureConnection);
    return this.name(secureConnection) + value + this.#attributes + (secure ? '; Secure' : '');
  }

  /**
   * Called before a new id is made for a client.
   * @throws SessionError `ERR_SESSION_INSECURE` if its browser would drop the cookie, which would look like a login that does
   * not stick.
   */
  admit(secureConnection: boolean): void {
    if (secureConnection || this.#secure === false) return;
    if (!this.#fallsBack(secureConnection)) {
      throw new SessionError(
        'ERR_SESSION_INSECURE',
        'the session cookie is Secure, but this request came over plain HTTP, so the browser would drop it. Serve HTTPS. Behind ' +
          "a proxy that ends TLS say so: app.set('trust proxy', 1) in Express, trustProxy: true elsewhere. Only if logins may be " +
          'seen by anybody on the way: cookie: { secure: false }',
      );
    }
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(
      `plain HTTP: the session cookie is named "${this.name(false)}" and has no Secure attribute, because browsers keep ` +
        `"${this.#name}" from HTTPS alone. In production (NODE_ENV=production) this is refused`,
      { type: 'SessionWarning', code: 'SESSION_INSECURE_COOKIE' },
    );
  }
}
