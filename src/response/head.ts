/** A response's status and headers: the methods that send them, holding them still, adding a cookie to them. */
import type { ServerResponse } from 'node:http';

/** The parts of a response that are used here: `node:http`'s, and the HTTP/2 compatibility API's. */
export type Response = Pick<
  ServerResponse,
  | 'appendHeader'
  | 'destroy'
  | 'emit'
  | 'getHeaderNames'
  | 'getHeaders'
  | 'headersSent'
  | 'removeHeader'
  | 'setHeader'
  | 'statusCode'
  | 'statusMessage'
  | 'writableEnded'
  | 'writableNeedDrain'
> &
  Record<Sending, Method>;

/** The methods that send headers, or make them be sent; `writeHeader` is Node's other name of `writeHead`. */
export const SENDING = ['writeHead', 'writeHeader', 'flushHeaders', 'write', 'end'] as const;
export type Sending = (typeof SENDING)[number];
export type Method = (...args: unknown[]) => unknown;

/**
 * Holds status and headers as they are at the first call that sends, while the response waits for a backend: as on a response
 * whose headers have left, what is set afterwards counts for nothing, and `headersSent` is true. Answers how to end that.
 */
export function freezeHead(res: Response): () => void {
  const { statusCode } = res;
  const statusMessage = statusMessageOf(res);
  const headers = Object.entries(res.getHeaders());
  const head = (): string => JSON.stringify([res.statusCode, statusMessageOf(res), res.getHeaders()]);
  const before = head();
  Object.defineProperty(res, 'headersSent', { value: true, configurable: true });
  return () => {
    Reflect.deleteProperty(res, 'headersSent');
    if (head() === before) return;
    res.statusCode = statusCode;
    if (statusMessage === undefined) Reflect.deleteProperty(res, 'statusMessage');
    else res.statusMessage = statusMessage;
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    for (const [name, value] of headers) if (value !== undefined) res.setHeader(name, value);
  };
}

/** The message that somebody set. HTTP/2 has none, and warns whoever looks. */
function statusMessageOf(res: Response): string | undefined {
  return Object.hasOwn(res, 'statusMessage') ? res.statusMessage : undefined;
}

/** What a response would say before its body. */
export function headOf(res: Response): string {
  return `${res.statusCode} ${res.getHeaderNames().join()}`;
}

/** Whether a method says status and headers. */
export function isHead(name: Sending): boolean {
  return name === 'writeHead' || name === 'writeHeader';
}

/**
 * Makes a call with `Set-Cookie` beside the cookies that are there. Headers given to `writeHead` replace those of the same name
 * set before, so if it brings cookies of its own, ours joins them.
 */
export function sendWithCookie(
  res: Response,
  name: Sending,
  next: Method,
  args: unknown[],
  cookie: string | undefined,
): unknown {
  if (cookie === undefined) return next(...args);
  // As Node reads them: (status, message, headers) or (status, headers).
  const at = typeof args[1] === 'string' || args[2] ? 2 : 1;
  const joined = isHead(name) ? joinCookie(args[at], cookie) : undefined;
  if (joined === undefined) {
    res.appendHeader('Set-Cookie', cookie);
    return next(...args);
  }
  try {
    return next(...args.with(at, joined));
  } catch (error) {
    // Node did not take these headers. Whatever is sent instead still owes the client its cookie.
    if (!res.headersSent) res.appendHeader('Set-Cookie', cookie);
    throw error;
  }
}

const isCookie = (name: unknown): boolean => String(name).toLowerCase() === 'set-cookie';

/**
 * The headers with `cookie` beside their own cookies; `undefined` if they have none. All go into one entry, because where
 * other headers were set before, Node lets the last of several entries replace the others.
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

function pairs(flat: readonly unknown[]): [unknown, unknown][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at], flat[2 * at + 1]]);
}
