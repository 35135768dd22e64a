/** The methods of a session that take a callback, as those of other session packages do, and return a promise. */
import { isPromise, type MaybePromise } from '../maybe-promise.js';

/** Called once, after the method's promise would have settled: with the error if it rejects. */
export type SessionCallback = (error?: unknown) => void;

/**
 * Runs a method. Without a callback it returns a promise, or throws what `run` throws: over a store in memory a failure is there at once,
 * and an exception reaches the handler's framework even if nobody awaits. With a callback every failure goes to the callback; the promise
 * rejects as well, but need not be awaited.
 * @throws TypeError if `callback` is given and not a function.
 */
export function settle<T>(method: string, callback: unknown, run: () => MaybePromise<T>): Promise<T> {
  if (callback === undefined) {
    const result = run();
    return isPromise(result) ? result : Promise.resolve(result);
  }
  if (typeof callback !== 'function') {
    throw new TypeError(
      `session.${method}(): the callback must be a function, or left out: the method returns a promise`,
    );
  }
  const promise = new Promise<T>((resolve) => resolve(run()));
  promise.then(
    () => process.nextTick(callback as SessionCallback),
    (error: unknown) => process.nextTick(callback as SessionCallback, error),
  );
  return promise;
}
