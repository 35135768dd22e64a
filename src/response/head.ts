/** The head of a response, its status and headers: the methods that send it, freezing it, adding a cookie to it. */
import type { ServerResponse } from 'node:http';

/** The parts of a response that this package uses, in `node:http` and in the HTTP/2 compatibility API. */
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

/** The methods that send headers; `writeHeader` is Node's other name of `writeHead`. */
export const SENDING = ['writeHead', 'writeHeader', 'flushHeaders', 'write', 'end'] as const;
export type Sending = (typeof SENDING)[number];
export type Method = (...args: unknown[]) => unknown;

/**
 * Freezes status and headers while the response waits for a backend. As on a response whose headers were sent, later changes have no
 * effect and `headersSent` is true. Returns a function that ends this, and restores status and headers.
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

/** The status message, if one was set. It is not read otherwise: HTTP/2 has none, and warns at each read. */
function statusMessageOf(res: Response): string | undefined {
  return Object.hasOwn(res, 'statusMessage') ? res.statusMessage : undefined;
}

/** Status and header names, to see whether they change. */
export function headOf(res: Response): string {
  return `${res.statusCode} ${res.getHeaderNames().join()}`;
}

/** Whether a method takes status and headers. */
export function isHead(name: Sending): boolean {
  return name === 'writeHead' || name === 'writeHeader';
}

/**
 * Makes a call that sends, with one more `Set-Cookie`. Headers that are passed to `writeHead` replace those set before, so if there are
 * cookies among them, the new one is added there.
 */
export function sendWithCookie(
  res: Response,
  name: Sending,
  next: Method,
  args: unknown[],
  cookie: string | undefined,
): unknown {
  if (cookie === undefined) return next(...args);
  // As in Node: (status, message, headers) or (status, headers).
  const at = typeof args[1] === 'string' || args[2] ? 2 : 1;
  const joined = isHead(name) ? joinCookie(args[at], cookie) : undefined;
  if (joined === undefined) {
    res.appendHeader('Set-Cookie', cookie);
    return next(...args);
  }
  try {
    return next(...args.with(at, joined));
  } catch (error) {
    // Node refused these headers. The response that is sent instead needs the cookie too.
    if (!res.headersSent) res.appendHeader('Set-Cookie', cookie);
    throw error;
  }
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
