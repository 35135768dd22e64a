/** The head of a response, its status and headers: the methods that send it, freezing it. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * The parts of a response that this package uses. `node:http` and the HTTP/2 compatibility API have all of them. The responses that
 * frameworks make for themselves, for the upgrade to a WebSocket or for tests, may have few.
 */
export type Response = Pick<ServerResponse, 'statusCode' | 'statusMessage'> &
  Partial<
    Pick<
      ServerResponse,
      | 'appendHeader'
      | 'destroy'
      | 'emit'
      | 'getHeader'
      | 'getHeaderNames'
      | 'getHeaders'
      | 'headersSent'
      | 'removeHeader'
      | 'req'
      | 'setHeader'
      | 'socket'
      | 'writableEnded'
      | 'writableNeedDrain'
    >
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
  const headers = headersOf(res);
  const head = (): string => JSON.stringify([res.statusCode, statusMessageOf(res), headersOf(res)]);
  const before = head();
  // Node's is inherited; a mock has its own.
  const own = Object.getOwnPropertyDescriptor(res, 'headersSent');
  Object.defineProperty(res, 'headersSent', { value: true, writable: true, configurable: true });
  return () => {
    Reflect.deleteProperty(res, 'headersSent');
    if (own) Object.defineProperty(res, 'headersSent', own);
    if (head() === before) return;
    res.statusCode = statusCode;
    if (statusMessage === undefined) Reflect.deleteProperty(res, 'statusMessage');
    else res.statusMessage = statusMessage;
    for (const name of headerNames(res)) res.removeHeader?.(name);
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader?.(name, value);
  };
}

function headersOf(res: Response): OutgoingHttpHeaders {
  return res.getHeaders ? { ...res.getHeaders() } : {};
}

/** The names of the headers that were set; none if the response does not say. */
export function headerNames(res: Response): string[] {
  return res.getHeaderNames?.() ?? Object.keys(headersOf(res));
}

/** The status message, if one was set. It is not read otherwise: HTTP/2 has none, and warns at each read. */
function statusMessageOf(res: Response): string | undefined {
  return Object.hasOwn(res, 'statusMessage') ? res.statusMessage : undefined;
}

/** Sets the status 500, with Node's words for it in place of those that a framework set for the status before, as Koa does. */
export function setServerError(res: Response): void {
  res.statusCode = 500;
  if (statusMessageOf(res) !== undefined) Reflect.deleteProperty(res, 'statusMessage');
}

/** Status and header names, to see whether they change. */
export function headOf(res: Response): string {
  return `${res.statusCode} ${headerNames(res).join()}`;
}

/** Whether a method takes status and headers. */
export function isHead(name: Sending): boolean {
  return name === 'writeHead' || name === 'writeHeader';
}

/**
 * Whether a response is no more than what a framework needs for a handshake: its headers are sent by others, at once, and it has nothing
 * that an error handler could respond with.
 */
export function isBare(res: Response): boolean {
  return res.headersSent === undefined;
}
