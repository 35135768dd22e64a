/** The clock that tests move by hand; `agai-session/testing` exports it. */
import { NativeClock } from './native.js';
import { duration, wholeNumber, type Duration } from './options.js';

const natives = new WeakMap<ManualClock, NativeClock>();

/**
 * A clock that stands still until it is moved, so that tests of expiry need not sleep. Pass it to a store as the option `clock`;
 * several stores may share one. After `advance`, reads see an expiry immediately; the `expired` events follow asynchronously, as
 * always.
 */
export class ManualClock {
  /**
   * Starts at `now`, in milliseconds since 1970; default: the current time.
   * @throws TypeError, RangeError if `now` is not a whole number from 0.
   */
  constructor(now: number = Date.now()) {
    natives.set(this, new NativeClock(wholeNumber('now', now, 0, Number.MAX_SAFE_INTEGER)));
  }

  /** The instant that the clock shows. */
  now(): number {
    return natives.get(this)!.now();
  }

  /**
   * Moves the clock forward, by milliseconds or a literal such as `'31m'`.
   * @throws TypeError, RangeError for anything but a duration of at least 1 ms: the clock never goes backwards.
   */
  advance(by: Duration): void {
    natives.get(this)!.advance(duration('advance', by));
  }
}

/** The addon's clock behind a `ManualClock`; `undefined` for an object that its constructor did not make. */
export function nativeClock(clock: ManualClock): NativeClock | undefined {
  return natives.get(clock);
}
