/** Checks of the session ids and user ids that callers pass. */
import { SessionError } from '../errors.js';
import { kindError, kindOf, ownOptions } from '../options.js';

/** Characters of a session id. */
export const ID_LENGTH = 43;
/** Characters of a handle, with which the id begins; the others are the secret. */
export const HANDLE_LENGTH = 16;
/** The `uid` of a session that has no user. */
export const GUEST = 'Guest';
/** UTF-16 units. */
const MAX_UID_LENGTH = 255;
/** What forges lines of a log, steers a terminal or turns the direction of the text around it; and surrogates that are alone. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/u;

/**
 * Returns the user id if a stored session can have it, whatever characters it has: earlier versions refused none.
 * @throws TypeError, SessionError `ERR_SESSION_UID`.
 */
export function checkStoredUid(uid: unknown): string {
  if (typeof uid !== 'string') {
    const fix = typeof uid === 'number' || typeof uid === 'bigint' ? ': String(id) makes one of it' : '';
    throw new TypeError(`a user id is a string, not ${typeof uid === 'number' ? 'a number' : kindOf(uid)}${fix}`);
  }
  if (uid === '' || uid === GUEST || uid.length > MAX_UID_LENGTH) {
    throw new SessionError(
      'ERR_SESSION_UID',
      `a user id has 1 to ${MAX_UID_LENGTH} characters and is not '${GUEST}', which means that nobody is logged in; ` +
        `got ${uid.length} characters`,
    );
  }
  return uid;
}

/** Returns the user id if somebody can log in with it. @throws TypeError, SessionError `ERR_SESSION_UID`. */
export function checkUid(uid: unknown): string {
  const checked = checkStoredUid(uid);
  const unsafe = UNSAFE.exec(checked);
  if (unsafe) {
    const code = unsafe[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new SessionError(
      'ERR_SESSION_UID',
      `a user id has no control characters, line separators, bidirectional controls or lone surrogates; got U+${code}`,
    );
  }
  return checked;
}

const HANDLE = /^[\w-]{16}$/;
const ID = /^[\w-]{43}$/;

/** Whether a value has the form of a session id. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

/**
 * Returns the id if it is a string; one of a wrong form is simply not found, but a handle is refused, because it never finds anything.
 * `instead` says what takes a handle. No message shows the value, which may be a secret.
 * @throws TypeError.
 */
export function checkId(id: unknown, instead: string): string {
  if (typeof id !== 'string') throw kindError('id', id, 'a session id is a string');
  if (HANDLE.test(id)) {
    throw new TypeError(
      `option id: this is a handle, the public name of a session (${HANDLE_LENGTH} characters), and not its id (${ID_LENGTH}): ${instead}`,
    );
  }
  return id;
}

/** Returns the handle if it is a string and not an id. `instead` says what takes an id. @throws TypeError. */
export function checkHandle(handle: unknown, instead: string): string {
  if (typeof handle !== 'string') throw kindError('handle', handle, 'a handle is a string');
  if (ID.test(handle)) {
    throw new TypeError(
      `option handle: this is an id (${ID_LENGTH} characters), and not a handle (${HANDLE_LENGTH}): ${instead}`,
    );
  }
  return handle;
}

/**
 * Returns the handle in the options of `destroyUser`. One that is wrong is refused: the caller's own session, which it was to keep, would end.
 * @throws TypeError.
 */
export function checkExcept(options: unknown): string | undefined {
  const { except } = ownOptions<{ except?: unknown }>('destroyUser', options as object, ['except']);
  if (except === undefined) return undefined;
  if (typeof except !== 'string') throw kindError('except', except, 'a handle is a string');
  if (!HANDLE.test(except)) {
    throw new TypeError(
      `option except: pass the handle of the session that goes on (${HANDLE_LENGTH} characters of base64url), such as session.handle; ` +
        `got a text of ${except.length} characters`,
    );
  }
  return except;
}

/** For methods that have no counterpart for handles. */
export const NEEDS_ID =
  'pass `session.id`, which the cookie carries. By a handle a session can be listed (`page`, `sessions`, `sessionsOf`) and ended (`destroyByHandle`)';
