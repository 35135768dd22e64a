/** Checks of the session ids and user ids that callers pass. */
import { SessionError } from '../errors.js';
import { typeError } from '../options.js';

/** Characters of a session id. */
export const ID_LENGTH = 43;
/** Characters of a handle, with which the id begins; the others are the secret. */
export const HANDLE_LENGTH = 16;
/** The `uid` of a session that has no user. */
export const GUEST = 'Guest';
/** UTF-16 units. */
const MAX_UID_LENGTH = 255;

/** Returns the user id if it can be one. @throws TypeError, SessionError `ERR_SESSION_UID`. */
export function checkUid(uid: unknown): string {
  if (typeof uid !== 'string') throw new TypeError(`a user id is a string, not ${uid === null ? 'null' : typeof uid}`);
  if (uid === '' || uid === GUEST || uid.length > MAX_UID_LENGTH) {
    throw new SessionError(
      'ERR_SESSION_UID',
      `a user id has 1 to ${MAX_UID_LENGTH} characters and is not '${GUEST}', which means that nobody is logged in; ` +
        `got ${uid.length} characters`,
    );
  }
  return uid;
}

/** Returns the id if it is a string; one of a wrong form is simply not found. @throws TypeError. */
export function checkId(id: unknown): string {
  if (typeof id !== 'string') throw typeError('id', id, 'a session id is a string');
  return id;
}
