/**
 * Cookies of our name that somebody else has planted: a subdomain can set one for all of the domain, and browsers send it beside ours. Where two
 * name live sessions neither is believed, so the planted one must go, or the user could never log in again.
 */
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';

/** The most domains and paths that are tried. */
const MAX_DOMAINS = 5;
const MAX_PATHS = 8;
const HOST = /^(?:[a-z0-9-]+\.)+[a-z0-9-]+$/;

/** The paths for which a cookie may have been set that a request brings: `/`, and each part of its own with and without a slash. */
export function pathsOf(req: IncomingMessage): string[] {
  const { originalUrl, url } = req as { originalUrl?: unknown; url?: string };
  const [path] = String(originalUrl ?? url ?? '').split('?') as [string];
  if (!/^\/[\x21-\x3a\x3c-\x7e]*$/.test(path)) return ['/'];
  const parts = path.split('/').slice(1);
  const prefixes = parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`);
  const both = prefixes.flatMap((prefix) => [prefix, `${prefix}/`]).filter((prefix) => path.startsWith(prefix));
  return [...new Set(['/', ...both])].slice(0, MAX_PATHS);
}

/** Whether a `Cookie` header has more than one cookie of a name. */
export function hasSeveral(header: string | undefined, name: string): boolean {
  if (header === undefined || header.indexOf(name) === header.lastIndexOf(name)) return false;
  return header.split(';').filter((pair) => pair.slice(0, Math.max(pair.indexOf('='), 0)).trim() === name).length > 1;
}

/** The domains for which a cookie may have been set that a request to this host brings: the host and its parents; none for an address. */
export function domainsOf(req: IncomingMessage): string[] {
  const authority = req.headers[':authority'] ?? req.headers.host;
  const host = String(authority ?? '')
    .replace(/:\d+$/, '')
    .toLowerCase();
  if (host.length > 253 || !HOST.test(host) || isIP(host) !== 0) return [];
  const labels = host.split('.');
  const domains = labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'));
  // The last ones are those that others share.
  return domains.slice(-MAX_DOMAINS);
}
