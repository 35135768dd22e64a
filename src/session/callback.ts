/** A check against callbacks, which the session packages of other authors take. */

/** Throws if a callback was passed: it would never be called, and the request would hang. */
export function refuseCallback(method: string, [callback]: readonly unknown[]): void {
  if (typeof callback === 'function') {
    throw new TypeError(
      `session.${method}() takes no callback: put what follows after the call, with await if it returns a promise`,
    );
  }
}
