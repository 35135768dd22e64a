/** Origins: those that an application trusts, and whether one is that of the request itself. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { kindError, typeError } from '../options.js';

/** A scheme, a host and perhaps a port, and nothing else. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/[^/?#@\\*\s]+$/;
const WEB = ['http', 'https'];

/** What Express adds to a request: both as its setting `trust proxy` says, and the name without a port. */
interface ExpressRequest {
  readonly hostname?: unknown;
  readonly protocol?: unknown;
}

/**
 * Checks a list of origins, which must be written as browsers write them: they are compared as text.
 * @throws TypeError for anything else.
 */
export function checkOrigins(option: string, origins: unknown): ReadonlySet<string> {
  if (!Array.isArray(origins)) {
    throw kindError(option, origins, "pass a list of origins, such as ['https://login.example.com']");
  }
  for (const origin of origins) checkOrigin(option, origin);
  return new Set(origins as string[]);
}

function checkOrigin(option: string, origin: unknown): void {
  const fix = "an origin is a scheme, a host and perhaps a port, such as 'https://login.example.com:8443'";
  if (typeof origin !== 'string') throw kindError(option, origin, fix);
  const normal = URL.canParse(origin) ? new URL(origin) : undefined;
  const [, scheme] = ORIGIN.exec(origin) ?? [];
  if (scheme === undefined || normal === undefined) {
    throw typeError(
      option,
      origin,
      `${fix}: in lower case, without a path or a slash at the end, and without wildcards`,
    );
  }
  // Of other schemes, such as that of an application's own web view, there is no other way to write an origin.
  if (WEB.includes(scheme) && normal.origin !== origin) {
    throw typeError(option, origin, `browsers write this origin '${normal.origin}'`);
  }
}

/**
 * Whether an `Origin` header names the origin that a request was sent to. Ports count. An `http:` origin is another one than an `https:`
 * request's; the reverse is let pass, because a proxy may end TLS without Express being told, and nobody else answers under that name.
 */
export function isOwnOrigin(origin: string, req: IncomingMessage): boolean {
  const { protocol, host } = URL.canParse(origin) ? new URL(origin) : { protocol: '', host: '' };
  if (protocol !== 'https:' && (protocol !== 'http:' || isHttps(req))) return false;
  // Parsed with the origin's scheme, so that its default port is no port in both.
  const own = `${protocol}//${hostOf(req) ?? ''}`;
  return host !== '' && URL.canParse(own) && new URL(own).host === host;
}

function isHttps(req: IncomingMessage): boolean {
  const { protocol } = req as ExpressRequest;
  if (typeof protocol === 'string') return protocol === 'https';
  return (req.socket as Partial<TLSSocket> | undefined)?.encrypted === true;
}

/** The host that the client named, with its port: behind a proxy that Express trusts what the proxy says, elsewhere what the request says. */
function hostOf(req: IncomingMessage): string | undefined {
  const { headers } = req;
  const forwarded = String(headers['x-forwarded-host'] ?? '')
    .split(',', 1)[0]!
    .trim();
  // Express says which of the two it believes, but its name for that with a port is another in each version.
  const { hostname } = req as ExpressRequest;
  if (forwarded !== '' && withoutPort(forwarded) === hostname) return forwarded;
  return (headers[':authority'] as string | undefined) ?? headers.host;
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '');
}
