/** What is left of a response whose session could not be written. */
import { headOf, SENDING, type Method, type Response, type Sending } from './head.js';

/** A response whose session was refused: which calls are still the handler's, and which answer for the failure. */
export class Failure {
  /** The handler has sent all it had: whatever comes is not its any more. */
  #handlerEnded = false;
  /** `onError` is on the stack, or a call that passed. */
  #depth = 0;
  /** Status and headers when `onError` was called. */
  #head = '';

  /** Notes a call of the handler's that goes nowhere. */
  drop(name: Sending): void {
    this.#handlerEnded ||= name === 'end';
  }

  answer(res: Response, onError: () => void): void {
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
   * Whether a call is made by whoever answers for the failure, rather than by a handler that goes on, as a stream that it pipes.
   * The one who answers does so at once, or begins with a status or a header, or comes after the handler's end.
   */
  passes(res: Response, name: Sending): boolean {
    if (this.#depth > 0) return true;
    if (res.writableEnded) return false;
    if (this.#handlerEnded || res.headersSent || headOf(res) !== this.#head) return true;
    this.drop(name);
    return false;
  }

  /** Makes a call; those that it makes itself pass as well. */
  pass(next: Method, args: unknown[]): unknown {
    this.#depth += 1;
    try {
      return next(...args);
    } finally {
      this.#depth -= 1;
    }
  }
}

/** What is done for a session that could not be written where nobody answers: a warning, and a bare 500 or a cut response. */
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
 * Makes a response of which nothing was sent one that can still be answered: without what was said of the old body, and without
 * what middleware put around this response alone. Compression, for one, has begun to compress and takes no second body.
 */
export function startOver(res: Response): void {
  for (const name of SENDING) Reflect.deleteProperty(res, name);
  for (const name of res.getHeaderNames()) {
    if (name.startsWith('content-') || name === 'etag' || name === 'last-modified') res.removeHeader(name);
  }
  res.statusCode = 500;
}
