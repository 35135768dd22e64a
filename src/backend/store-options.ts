/** The options that every store of this process has, in memory or on disk: bounds, timeouts, clock. */
import { ManualClock, nativeClock } from '../clock.js';
import {
  kindError,
  limit,
  oneOf,
  ownOptions,
  rangeError,
  size,
  timeout,
  wholeNumber,
  type Duration,
  type Size,
} from '../options.js';
import { otherStoreOptions } from '../other-options.js';
import { checkBound, PRESETS, type Preset } from './presets.js';
import type { Timeouts } from './session-backend.js';

/** The options of a store: bounds, timeouts, clock. */
export interface SessionStoreOptions {
  /**
   * The maximum number of sessions. When it is reached, the least recently used session is evicted, guests first; a guest's session
   * never evicts a logged-in user's. Default 1,000,000; at least 1.
   */
  maxSessions?: number;
  /**
   * The maximum memory of all sessions together, including the bookkeeping of each: 108 bytes for a guest, 154 for a user. When it is
   * reached, sessions are evicted as with `maxSessions`; one write may exceed it by its own size until that is done. Default `'512MiB'`.
   */
  maxBytes?: Size;
  /**
   * The maximum size of one session's data and form parameters as JSON text: one byte a character, two if any character is outside
   * latin1. A larger session is refused with `ERR_SESSION_TOO_LARGE`. Default `'64KiB'`. Cannot exceed `maxBytes`.
   */
  maxSessionBytes?: Size;
  /** How long the session of a logged-in user lives without activity. Default `'30m'`; `Infinity` for no limit. */
  idleTimeout?: Duration;
  /**
   * The same for guests. Default: `idleTimeout`. Make it short if many visitors write something and leave.
   */
  guestIdleTimeout?: Duration;
  /**
   * How long a session lives regardless of activity; a login restarts it. Default `'12h'`; `Infinity` for no limit.
   */
  absoluteTimeout?: Duration;
  /**
   * Timeouts after NIST SP 800-63B-4: `'aal1'` at most 30 days in all; `'aal2'` 24 hours and 1 hour without activity; `'aal3'` 12 hours and 15
   * minutes. They are the defaults of `absoluteTimeout` and, for the last two, of `idleTimeout`, and nothing goes beyond them: an option, a
   * session's own timeout or a `remember` that does is a RangeError. Default: none.
   */
  preset?: Preset;
  /**
   * The maximum number of sessions of one user, so that no account fills the store or evicts all others. It is enforced at each login of the
   * user; logging in again in the same session is no additional one. Sessions that were stored under a higher limit stay until then. Default
   * 100; at least 1; `Infinity` for no limit, as for accounts of services.
   */
  maxSessionsPerUser?: number;
  /**
   * What a login does whose user has that many sessions. `'evict-oldest'` (default): the session that was used longest ago is evicted, with
   * the reason `max-sessions-per-user`. `'refuse'`: the login fails with `ERR_SESSION_LIMIT`, and nothing is written.
   */
  onMaxSessionsPerUser?: 'evict-oldest' | 'refuse';
  /** A clock that tests move by hand, from `agai-session/testing`. Default: the system clock. */
  clock?: ManualClock;
}

/** The checked options, in the addon's units. */
export interface StoreLimits extends Timeouts {
  readonly maxSessions: number;
  readonly maxBytes: number;
  readonly maxSessionBytes: number;
  readonly maxSessionsPerUser: number;
  readonly refuseAtUserLimit: boolean;
}

/** The names of these options. */
export const storeOptionNames = [
  'maxSessions',
  'maxBytes',
  'maxSessionBytes',
  'idleTimeout',
  'guestIdleTimeout',
  'absoluteTimeout',
  'preset',
  'maxSessionsPerUser',
  'onMaxSessionsPerUser',
  'clock',
] as const satisfies (keyof SessionStoreOptions)[];

/**
 * The maximum size of one session without its data, in bytes: the bookkeeping that the addon counts (136), its times and the length of
 * its form (22), the longest user id (510), and the longest standing of a login (278).
 */
const MAX_OVERHEAD = 958;

/** The largest number that the addon takes for a limit. */
const MAX_PER_USER = 2 ** 32 - 2;

/** Checks options and fills in the defaults. @throws TypeError, RangeError for a wrong option. */
export function checkStoreOptions(
  options: SessionStoreOptions,
  known: readonly string[] = storeOptionNames,
): StoreLimits {
  const own = ownOptions('SessionStore', options, known, otherStoreOptions);

  // Defaults.
  const { maxSessions = 1_000_000, maxBytes = '512MiB', maxSessionBytes = '64KiB', preset, clock } = own;
  const bounds = preset === undefined ? undefined : PRESETS[oneOf('preset', preset, Object.keys(PRESETS) as Preset[])];
  const { idleTimeout = preset === 'aal2' || preset === 'aal3' ? PRESETS[preset].idleTimeout : '30m' } = own;
  const { guestIdleTimeout = idleTimeout, absoluteTimeout = bounds?.absoluteTimeout ?? '12h' } = own;
  const { maxSessionsPerUser = 100, onMaxSessionsPerUser = 'evict-oldest' } = own;

  // Check each and interpret it.
  if (clock !== undefined && !(clock instanceof ManualClock && nativeClock(clock))) {
    throw kindError('clock', clock, "pass a ManualClock from 'agai-session/testing'");
  }
  const isTest = clock !== undefined;
  const limits = {
    maxSessions: wholeNumber('maxSessions', maxSessions, 1, 2 ** 32 - 2),
    maxBytes: size('maxBytes', maxBytes),
    maxSessionBytes: size('maxSessionBytes', maxSessionBytes),
    idleTimeout: timeout('idleTimeout', idleTimeout, isTest),
    guestIdleTimeout: timeout('guestIdleTimeout', guestIdleTimeout, isTest),
    absoluteTimeout: timeout('absoluteTimeout', absoluteTimeout, isTest),
    maxSessionsPerUser: limit('maxSessionsPerUser', maxSessionsPerUser, MAX_PER_USER),
    refuseAtUserLimit: oneOf('onMaxSessionsPerUser', onMaxSessionsPerUser, ['evict-oldest', 'refuse']) === 'refuse',
    isTest,
    bounds,
  };
  checkBound(bounds, 'idleTimeout', 'idleTimeout', limits.idleTimeout);
  checkBound(bounds, 'idleTimeout', 'guestIdleTimeout', limits.guestIdleTimeout);
  checkBound(bounds, 'absoluteTimeout', 'absoluteTimeout', limits.absoluteTimeout);

  // Check them against each other.
  if (limits.maxSessionBytes + MAX_OVERHEAD > limits.maxBytes) {
    throw rangeError(
      'maxSessionBytes',
      maxSessionBytes,
      `one session must fit in maxBytes (${limits.maxBytes}) with up to ${MAX_OVERHEAD} bytes of bookkeeping: lower it or raise maxBytes`,
    );
  }
  if (limits.idleTimeout !== Infinity && limits.idleTimeout > limits.absoluteTimeout) {
    throw rangeError('idleTimeout', idleTimeout, 'it cannot exceed absoluteTimeout: lower it or raise absoluteTimeout');
  }
  if (limits.guestIdleTimeout !== Infinity && limits.guestIdleTimeout > limits.absoluteTimeout) {
    throw rangeError(
      'guestIdleTimeout',
      guestIdleTimeout,
      'it cannot exceed absoluteTimeout: lower it or raise absoluteTimeout',
    );
  }
  return limits;
}
