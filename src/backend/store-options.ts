/** What a session store can be told, and its defaults. */
import { ManualClock, nativeClock } from '../clock.js';
import {
  checkNames,
  duration,
  rangeError,
  size,
  typeError,
  wholeNumber,
  type Duration,
  type Size,
} from '../options.js';
import type { Timeouts } from './session-backend.js';

export interface SessionStoreOptions {
  /**
   * The most sessions kept. At the bound, the session used longest ago makes room: guests first; a guest never pushes out a
   * logged-in user. Default 1,000,000; at least 1.
   */
  maxSessions?: number;
  /**
   * The most memory all sessions together take, their bookkeeping of 84 bytes each included. Makes room as `maxSessions`
   * does. Default `'512MiB'`.
   */
  maxBytes?: Size;
  /**
   * The most one session's data takes as JSON text: a byte a character, two if any character is beyond latin1. More is
   * refused with `ERR_SESSION_TOO_LARGE`. Default `'64KiB'`. Cannot exceed `maxBytes`.
   */
  maxSessionBytes?: Size;
  /** How long a logged-in user's session lives without activity. Default `'30m'`; `Infinity` for no limit. */
  idleTimeout?: Duration;
  /**
   * The same for guests. Default: as `idleTimeout`. Make it short when many visitors write something and leave.
   */
  guestIdleTimeout?: Duration;
  /**
   * How long a session lives whatever the activity; a login starts it anew. Default `'12h'`; `Infinity` for no limit.
   */
  absoluteTimeout?: Duration;
  /** A clock that a test moves; from `agai-session/testing`. Default: the machine's. */
  clock?: ManualClock;
}

/** The options, checked, in the addon's units. */
export interface StoreLimits extends Timeouts {
  readonly maxSessions: number;
  readonly maxBytes: number;
  readonly maxSessionBytes: number;
}

export const storeOptionNames = [
  'maxSessions',
  'maxBytes',
  'maxSessionBytes',
  'idleTimeout',
  'guestIdleTimeout',
  'absoluteTimeout',
  'clock',
] as const satisfies (keyof SessionStoreOptions)[];

/**
 * What one session may take beside its data, in bytes: the bookkeeping that the addon counts (84), its times and the length of its form (22)
 * and the longest user id (510).
 */
const MAX_OVERHEAD = 640;

/** @throws TypeError, RangeError for a wrong option. */
export function checkStoreOptions(
  options: SessionStoreOptions,
  known: readonly string[] = storeOptionNames,
): StoreLimits {
  checkNames('SessionStore', options, known);

  // Defaults.
  const {
    maxSessions = 1_000_000,
    maxBytes = '512MiB',
    maxSessionBytes = '64KiB',
    idleTimeout = '30m',
    guestIdleTimeout = idleTimeout,
    absoluteTimeout = '12h',
    clock,
  } = options;

  // Check each and interpret it.
  const limits = {
    maxSessions: wholeNumber('maxSessions', maxSessions, 1, 2 ** 32 - 2),
    maxBytes: size('maxBytes', maxBytes),
    maxSessionBytes: size('maxSessionBytes', maxSessionBytes),
    idleTimeout: duration('idleTimeout', idleTimeout),
    guestIdleTimeout: duration('guestIdleTimeout', guestIdleTimeout),
    absoluteTimeout: duration('absoluteTimeout', absoluteTimeout),
  };
  if (clock !== undefined && !(clock instanceof ManualClock && nativeClock(clock))) {
    throw typeError('clock', clock, "pass a ManualClock from 'agai-session/testing'");
  }

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
