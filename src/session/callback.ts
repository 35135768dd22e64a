/** A callback that is never called leaves a request hanging: whoever passes one, as to other packages, is told at once. */
export function refuseCallback(method: string, [callback]: readonly unknown[]): void {
  if (typeof callback === 'function') {
    throw new TypeError(
      `session.${method}() takes no callback: what follows goes after it, with await if it answers a promise`,
    );
  }
}
