/** The rest of a response whose commit failed. */
import { isPromise } from '../maybe-promise.js';
import { warnOfFailure } from '../warnings.js';
import { headerNames, headOf, isBare, setServerError, type Method, type Response, type Sending } from './head.js';
import { removeOwnMethods } from './hooks.js';

/** How long an error handler may take until it sends something, in milliseconds. */
const ANSWER_TIMEOUT = 5_000;

/** Tells the calls of the handler, which are dropped, from those of the error handler, which are made. */
export class Failure {
  /** True once the handler has called `end`: later calls are not the handler's. */
  #handlerEnded = false;
  /** How many calls of `onError`, or calls that passed, are on the stack. */
  #depth = 0;
  /** Status and header names when `onError` was called. */
  #head = '';
  /** True once the error handler has sent something. */
  #isAnswered = false;

  /** Notes that a call of the handler was dropped. */
  drop(name: Sending): void {
    this.#handlerEnded ||= name === 'end';
  }

  /**
   * Calls the error handler. If it throws, the response is ended without it, and also if it does not send anything: the client must not
   * wait for ever where nobody receives the error. That is so where `next` counts once, as in adapters that make a promise of it. What an
   * asynchronous error handler rejects with is treated as what it throws.
   */
  handle(res: Response, error: unknown, onError: () => unknown): void {
    this.#head = headOf(res);
    const fail = (error: unknown): void => this.#within(() => giveUp(res, error));
    try {
      const handled = this.#within(onError);
      if (isPromise(handled)) handled.then(undefined, fail);
    } catch (error) {
      fail(error);
      return;
    }
    if (this.#isAnswered) return;
    if (isBare(res)) fail(error);
    else setTimeout(() => this.#endUnanswered(res, error), ANSWER_TIMEOUT).unref();
  }

  #endUnanswered(res: Response, error: unknown): void {
    if (this.#isAnswered || res.headersSent || res.writableEnded || (res as { destroyed?: boolean }).destroyed) return;
    this.#within(() => giveUp(res, error));
    // An error handler that comes even later must not fail because of this.
    for (const name of ['setHeader', 'appendHeader', 'removeHeader'] as const) {
      Object.defineProperty(res, name, { value: () => res, configurable: true });
    }
  }

  /** Calls a function whose own calls of the response pass. */
  #within<T>(work: () => T): T {
    this.#depth += 1;
    try {
      return work();
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
    this.#isAnswered = true;
    return this.#within(() => next(...args));
  }
}

/** Ends a response that no error handler ends: emits a process warning, and sends an empty 500 or cuts the connection. */
export function giveUp(res: Response, error: unknown): void {
  warnOfFailure(error);
  if (res.writableEnded) return;
  if (res.headersSent) {
    res.destroy?.();
    return;
  }
  for (const name of headerNames(res)) res.removeHeader?.(name);
  setServerError(res);
  res.end();
}

/**
 * Resets a response of which nothing was sent, so that another one can be sent in its place: removes the headers that describe the old
 * body, and the methods with which middleware wrapped this response. (Compression has begun to compress and takes no second body.)
 */
export function startOver(res: Response): void {
  removeOwnMethods(res);
  for (const name of headerNames(res)) {
    if (name.startsWith('content-') || name === 'etag' || name === 'last-modified') res.removeHeader?.(name);
  }
  setServerError(res);
}
