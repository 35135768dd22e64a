/** The rest of a response whose commit failed. */
import { headOf, SENDING, type Method, type Response, type Sending } from './head.js';

/** Tells the calls of the handler, which are dropped, from those of the error handler, which are made. */
export class Failure {
  /** True once the handler has called `end`: later calls are not the handler's. */
  #handlerEnded = false;
  /** How many calls of `onError`, or calls that passed, are on the stack. */
  #depth = 0;
  /** Status and header names when `onError` was called. */
  #head = '';

  /** Notes that a call of the handler was dropped. */
  drop(name: Sending): void {
    this.#handlerEnded ||= name === 'end';
  }

  /** Calls the error handler. If it throws, the response is ended without it. */
  handle(res: Response, onError: () => void): void {
    this.#head = headOf(res);
    this.#depth += 1;
    try {
      onError();
    } catch (error) {
      giveUp(res, error);
    } finally {
      this.#depth -= 1;
    }
  }

  /**
   * Whether a call is the error handler's, and not that of a handler that goes on sending, such as a stream that it pipes. The error
   * handler sends within `onError`, or sets a status or a header first, or sends after the handler's `end`.
   */
  passes(res: Response, name: Sending): boolean {
    if (this.#depth > 0) return true;
    if (res.writableEnded) return false;
    if (this.#handlerEnded || res.headersSent || headOf(res) !== this.#head) return true;
    this.drop(name);
    return false;
  }

  /** Makes a call. Calls that it makes itself pass as well. */
  pass(next: Method, args: unknown[]): unknown {
    this.#depth += 1;
    try {
      return next(...args);
    } finally {
      this.#depth -= 1;
    }
  }
}

/** Ends a response that no error handler ends: emits a process warning, and sends an empty 500 or cuts the connection. */
export function giveUp(res: Response, error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  if (res.headersSent) {
    res.destroy();
    return;
  }
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = 500;
  res.end();
}

/**
 * Resets a response of which nothing was sent, so that another one can be sent in its place: removes the headers that describe the old
 * body, and the methods with which middleware wrapped this response. (Compression has begun to compress and takes no second body.)
 */
export function startOver(res: Response): void {
  for (const name of SENDING) Reflect.deleteProperty(res, name);
  for (const name of res.getHeaderNames()) {
    if (name.startsWith('content-') || name === 'etag' || name === 'last-modified') res.removeHeader(name);
  }
  res.statusCode = 500;
}
