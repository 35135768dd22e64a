/** A clock for tests. */
import { NativeClock } from './native.js';
import { duration, wholeNumber, type Duration } from './options.js';

const natives = new WeakMap<ManualClock, NativeClock>();

/**
 * A clock that stands still until it is moved: tests of expiry need no sleep. Pass it to a store as `clock`; several stores
 * may share one. Readers see an expiry at once after `advance`; the `expired` events follow asynchronously, as always.
 */
export class ManualClock {
  /**
   * Starts at `now`, milliseconds since 1970; default: the time of the call.
   * @throws TypeError, RangeError if that is none.
   */
  constructor(now: number = Date.now()) {
    natives.set(this, new NativeClock(wholeNumber('now', now, 0, Number.MAX_SAFE_INTEGER)));
  }

  now(): number {
    return natives.get(this)!.now();
  }

  /** Moves the clock forward, by milliseconds or a literal such as `'31m'`. */
  advance(by: Duration): void {
    natives.get(this)!.advance(duration('advance', by));
  }
}

/** The addon's clock behind a manual one; `undefined` for what only looks like one. */
export function nativeClock(clock: ManualClock): NativeClock | undefined {
  return natives.get(clock);
}
