/** Adding the session's cookie to a response, whatever methods the response has. */
import { SessionError } from '../errors.js';
import type { Response, Sending } from './head.js';
import { PassedHeaders } from './passed-headers.js';

/**
 * Adds a `Set-Cookie` header to a response that is about to be sent by the method `name`, and returns the arguments for that method. Headers
 * that are passed to `writeHead` replace those set before, so if there are cookies among them, the new one is added there.
 * @throws SessionError `ERR_SESSION_HEADERS_SENT` if the response takes no header any more.
 */
export function withCookie(res: Response, name: Sending, args: unknown[], cookie: string): unknown[] {
  const passed = PassedHeaders.of(name, args);
  const cookies = passed?.values('set-cookie') ?? (passed?.isList ? cookiesOf(res) : undefined);
  if (passed && cookies) {
    passed.replace('Set-Cookie', [...cookies, cookie]);
    return passed.args;
  }
  addCookie(res, cookie);
  return args;
}

/** Adds the header to a response whose `writeHead` was refused, unless it has it. What is sent instead needs the cookie too. */
export function keepCookie(res: Response, cookie: string): void {
  if (!cookiesOf(res).includes(cookie)) addCookie(res, cookie);
}

/** The cookies that were set on the response. */
function cookiesOf(res: Response): unknown[] {
  const value: unknown = res.getHeader?.('Set-Cookie');
  return value === undefined ? [] : [value].flat();
}

/**
 * Adds a `Set-Cookie` header beside those that were set.
 * @throws SessionError `ERR_SESSION_HEADERS_SENT` if the response takes no header any more.
 */
export function addCookie(res: Response, cookie: string): void {
  try {
    const before: unknown = res.getHeader?.('Set-Cookie');
    // `appendHeader` would add the cookie to the very array that was passed to `setHeader`, and who keeps that array would send it to others.
    if (res.appendHeader && Array.isArray(before)) res.setHeader!('Set-Cookie', [...(before as string[]), cookie]);
    else if (res.appendHeader) res.appendHeader('Set-Cookie', cookie);
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
