/** How sure it is that the user is there: levels of a login, its methods, and how long ago it was. */
import { sessionTimeout } from '../backend/presets.js';
import type { SessionLogin, Timeouts } from '../backend/session-backend.js';
import { checkUid } from '../backend/ids.js';
import { SessionError } from '../errors.js';
import { kindError, optionalTimeout, ownOptions, rangeError, wholeNumber, type Duration } from '../options.js';

/** Levels of authentication, after NIST SP 800-63B-4: 1 for one factor, 2 for two, 3 for two of which one is hardware. 0 is a guest's. */
export type Level = 1 | 2 | 3;

/** The options of a login. */
export interface LoginOptions {
  /** Starts with this login and overrides the store's. */
  absoluteTimeout?: Duration;
  /** How sure the login is. Default 1. */
  level?: Level;
  /** How the user logged in, as names such as `'pwd'`, `'otp'`, `'hwk'` (RFC 8176): at most 8, of letters, digits, `-`, `.` and `_`. */
  methods?: readonly string[];
  /**
   * Remembers the user: the cookie stays when the browser is closed (`Max-Age`), and this is the idle and the absolute timeout of this session,
   * at most 400 days. It keeps its level, but is not fresh for long: see `requireFresh`. Default: not.
   */
  remember?: Duration;
}

/** Browsers keep no cookie longer: RFC 6265bis section 5.5. In milliseconds. */
export const MAX_REMEMBERED = 400 * 86_400_000;
const MAX_METHODS = 8;
const METHOD = /^[\w.-]{1,32}$/;

/** A checked login, with the idle timeout that it sets. */
export interface CheckedLogin {
  readonly login: SessionLogin;
  readonly idleTimeout: number | undefined;
}

/** @throws SessionError `ERR_SESSION_UID`; TypeError, RangeError for a wrong option. */
export function checkLogin(uid: string, options: LoginOptions, timeouts: Timeouts): CheckedLogin {
  checkUid(uid);
  if (typeof options === 'function') {
    throw new TypeError('session.login() takes no callback: it takes effect at once; put what follows after the call');
  }
  const own = ownOptions('login', options, ['absoluteTimeout', 'level', 'methods', 'remember']);
  const absoluteTimeout = sessionTimeout(timeouts, 'absoluteTimeout', own.absoluteTimeout);
  // It is both timeouts, of which the idle one has the lower bound.
  const remember = sessionTimeout(timeouts, 'idleTimeout', own.remember, 'login.remember');
  if (remember !== undefined && absoluteTimeout !== undefined) {
    throw new TypeError('option login.remember: it is the absolute timeout of this session: leave absoluteTimeout out');
  }
  if (remember !== undefined && remember > MAX_REMEMBERED) {
    throw rangeError(
      'login.remember',
      own.remember,
      "browsers keep no cookie longer than 400 days: '400d' is the most",
    );
  }
  const login = {
    uid,
    absoluteTimeout: remember ?? absoluteTimeout,
    level: own.level === undefined ? undefined : checkLevel('login.level', own.level),
    methods: own.methods === undefined ? undefined : checkMethods(own.methods),
    remembered: remember === undefined ? undefined : true,
  };
  return { login, idleTimeout: remember };
}

function checkLevel(option: string, level: unknown): number {
  return wholeNumber(option, level, 1, 3);
}

function checkMethods(methods: unknown): string[] {
  if (!Array.isArray(methods) || !methods.every((name) => typeof name === 'string' && METHOD.test(name))) {
    throw kindError(
      'login.methods',
      methods,
      "give an array of names such as 'pwd', of letters, digits, -, . and _, at most 32 each",
    );
  }
  if (methods.length > MAX_METHODS) {
    throw rangeError('login.methods', methods.length, `give at most ${MAX_METHODS} names`);
  }
  return [...(methods as string[])];
}

/** What a handler demands of a session. */
export interface Demand {
  /** The greatest age of the login, in milliseconds. */
  readonly maxAge: number | undefined;
  readonly level: number | undefined;
}

/** @throws TypeError, RangeError for a wrong argument. */
export function checkDemand(maxAge: unknown, level: unknown, isTest: boolean): Demand {
  return {
    maxAge: optionalTimeout('maxAge', maxAge, isTest),
    level: level === undefined ? undefined : checkLevel('level', level),
  };
}

/** What a session is, compared with a demand. */
export interface Actual {
  readonly isAuthenticated: boolean;
  readonly level: number;
  /** How long ago the login was, in milliseconds. */
  readonly age: number;
}

/** @throws SessionError `ERR_SESSION_GUEST`, `ERR_SESSION_LEVEL`, `ERR_SESSION_STALE` unless the session is what is demanded. */
export function demand({ maxAge, level }: Demand, actual: Actual): void {
  if (!actual.isAuthenticated) throw new SessionError('ERR_SESSION_GUEST', 'nobody is logged in', { status: 401 });
  if (level !== undefined && actual.level < level) {
    const message = `the login is of level ${actual.level}, and this needs level ${level}`;
    throw new SessionError('ERR_SESSION_LEVEL', message, { status: 403 });
  }
  if (maxAge !== undefined && actual.age > maxAge) {
    throw new SessionError('ERR_SESSION_STALE', 'the login is too long ago: the user must log in again', {
      status: 401,
    });
  }
}
