/**
 * A value, or a promise of one; `await` takes both. Over a `SessionStore` it is always the value itself. Over a `DurableSessionStore` it
 * may be a promise where something is written. Over a backend that returns promises it is one.
 */
export type MaybePromise<T> = T | Promise<T>;

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/** Calls `next` with the value: immediately, or when the promise resolves. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}
