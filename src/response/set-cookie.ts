/** Adding the session's cookie to a response, whatever methods the response has. */
import { SessionError } from '../errors.js';
import { isHead, type Response, type Sending } from './head.js';

/**
 * Adds a `Set-Cookie` header to a response that is about to be sent by the method `name`, and returns the arguments for that method. Headers
 * that are passed to `writeHead` replace those set before, so if there are cookies among them, the new one is added there.
 * @throws SessionError `ERR_SESSION_HEADERS_SENT` if the response takes no header any more.
 */
export function withCookie(res: Response, name: Sending, args: unknown[], cookie: string): unknown[] {
  // As in Node: (status, message, headers) or (status, headers).
  const at = typeof args[1] === 'string' || args[2] ? 2 : 1;
  const joined = isHead(name) ? joinCookie(args[at], cookie) : undefined;
  if (joined !== undefined) return args.with(at, joined);
  addCookie(res, cookie);
  return args;
}

/**
 * Adds a `Set-Cookie` header beside those that were set.
 * @throws SessionError `ERR_SESSION_HEADERS_SENT` if the response takes no header any more.
 */
export function addCookie(res: Response, cookie: string): void {
  try {
    if (res.appendHeader) res.appendHeader('Set-Cookie', cookie);
    else setCookie(res, cookie);
  } catch (cause) {
    throw new SessionError(
      'ERR_SESSION_HEADERS_SENT',
      'the session has a new cookie, but this response took no more headers. If it is the handshake of a WebSocket, which does not wait for ' +
        'a store on disk: await session.save() in the middleware that changes the session',
      { cause },
    );
  }
}

/** Ways to write the name of the header, for responses that take each as a header of its own. */
const NAMES = ['Set-Cookie', 'set-cookie', 'SET-COOKIE', 'Set-cookie', 'set-Cookie'] as const;

/** Adds the header with `setHeader` alone. */
function setCookie(res: Response, cookie: string): void {
  if (!res.setHeader) throw new TypeError('the response has no method that sets a header');
  const read = (name: string): unknown => res.getHeader?.(name);
  const [usual, another] = NAMES;
  const before = read(usual);
  if (before === undefined && read(another) === undefined) {
    res.setHeader(usual, cookie);
    return;
  }
  // Node's headers have no case. The response of an upgrade in engine.io makes one line of each name as it is spelled, and would join an
  // array by commas, which no browser takes apart.
  const free = NAMES.find((name) => read(name) === undefined);
  if (free !== undefined) res.setHeader(free, cookie);
  else res.setHeader(usual, [before, cookie].flat() as string[]);
}

const isCookie = (name: unknown): boolean => String(name).toLowerCase() === 'set-cookie';

/**
 * The headers with `cookie` added to their cookies; `undefined` if they have none. All cookies go into one entry, because if other
 * headers were set before, the last of several entries would replace the others.
 */
function joinCookie(headers: unknown, cookie: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const nested = Array.isArray(headers) && Array.isArray(headers[0]);
  const flat = Array.isArray(headers) && !nested;
  const entries = flat ? pairs(headers) : nested ? (headers as [unknown, unknown][]) : Object.entries(headers);
  const cookies = entries.filter(([name]) => isCookie(name)).flatMap(([, value]) => value);
  if (cookies.length === 0) return undefined;
  const joined: [unknown, unknown][] = [
    ...entries.filter(([name]) => !isCookie(name)),
    ['Set-Cookie', [...cookies, cookie]],
  ];
  if (flat) return joined.flat();
  return nested ? joined : Object.fromEntries(joined as [string, unknown][]);
}

/** Pairs of names and values from a flat array. */
function pairs(flat: readonly unknown[]): [unknown, unknown][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at], flat[2 * at + 1]]);
}
