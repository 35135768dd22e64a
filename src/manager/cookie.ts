/** The session cookie: its name and its text, which depend on the connection. */
import { SessionError } from '../errors.js';
import { warnOnce } from '../warnings.js';
import { checkCookieOptions, PREFIX, type CookieOptions } from './cookie-options.js';

const EXPIRED = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0';

/** The rules for one manager's cookie. */
export class CookiePolicy {
  readonly #secure: boolean | 'auto';
  readonly #production: boolean;
  readonly #name: string;
  readonly #attributes: string;
  readonly #path: string;
  readonly #domain: string | undefined;
  #warned = false;

  /** @throws TypeError for a wrong option, or a combination that browsers reject. */
  constructor(options: CookieOptions = {}, production: boolean = process.env['NODE_ENV'] === 'production') {
    const { name, secure, attributes, path, domain } = checkCookieOptions(options);
    this.#path = path;
    this.#domain = domain?.replace(/^\./, '').toLowerCase();
    this.#name = name;
    this.#secure = secure;
    this.#attributes = attributes;
    this.#production = production;
  }

  /** Whether the cookie of this connection has no `Secure` attribute although it normally has: only in development. */
  #fallsBack(secureConnection: boolean): boolean {
    return this.#secure === 'auto' && !secureConnection && !this.#production;
  }

  /** The cookie's name on a connection. */
  name(secureConnection: boolean): string {
    return this.#fallsBack(secureConnection) ? this.#name.replace(PREFIX, '') : this.#name;
  }

  /** The value of the `Set-Cookie` header that sets the cookie; the browser keeps it for so many seconds, or until it is closed. */
  set(id: string, secureConnection: boolean, maxAge?: number): string {
    return this.#text(maxAge === undefined ? `=${id}` : `=${id}; Max-Age=${maxAge}`, secureConnection);
  }

  /** The value of the `Set-Cookie` header that removes the cookie. It needs the same attributes, or browsers keep the cookie. */
  remove(secureConnection: boolean): string {
    return this.#text(`=; ${EXPIRED}`, secureConnection);
  }

  /** The values of `Set-Cookie` headers that remove cookies of our name which others have set for these domains and paths, and not ours. */
  removePlanted(domains: readonly string[], paths: readonly string[], secureConnection: boolean): string[] {
    const name = this.name(secureConnection);
    // Browsers accept no such name with a domain, so nobody can have planted one.
    if (/^__Host-/i.test(name)) return [];
    const others = domains.filter((domain) => domain !== this.#domain).map((domain) => `; Domain=${domain}`);
    // Where ours has a domain, another may have none.
    if (this.#domain !== undefined) others.push('');
    const secure = secureConnection ? '; Secure' : '';
    return [...new Set([this.#path, ...paths])].flatMap((path) =>
      others.map((domain) => `${name}=; ${EXPIRED}; Path=${path}${domain}${secure}`),
    );
  }

  #text(value: string, secureConnection: boolean): string {
    const secure = this.#secure !== false && !this.#fallsBack(secureConnection);
    return this.name(secureConnection) + value + this.#attributes + (secure ? '; Secure' : '');
  }

  /**
   * Called before a new id is created for a client.
   * @throws SessionError `ERR_SESSION_INSECURE` if its browser would reject the cookie, so that the login would silently be lost.
   */
  admit(secureConnection: boolean): void {
    if (secureConnection || this.#secure === false) return;
    if (!this.#fallsBack(secureConnection)) {
      throw new SessionError(
        'ERR_SESSION_INSECURE',
        'the session cookie is Secure, but this request came over plain HTTP, so the browser would reject it. Serve HTTPS. Behind ' +
          "a proxy that terminates TLS, say so: app.set('trust proxy', 1) in Express, trustProxy: true elsewhere. Only if anybody " +
          'on the network path may see logins: cookie: { secure: false }',
      );
    }
    if (this.#warned) return;
    this.#warned = true;
    warnOnce(
      'SESSION_INSECURE_COOKIE',
      `plain HTTP: the session cookie is named "${this.name(false)}" and has no Secure attribute, because browsers accept ` +
        `"${this.#name}" only over HTTPS. In production (NODE_ENV=production) this is refused`,
    );
  }
}
