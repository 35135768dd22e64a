/** Session ids and user ids, as callers give them. */
import { SessionError } from '../errors.js';
import { typeError } from '../options.js';

/** The name that a session without a user goes by. */
export const GUEST = 'Guest';
/** UTF-16 units. */
const MAX_UID_LENGTH = 255;

/** Refuses a user id that cannot be one. */
export function checkUid(uid: unknown): string {
  if (typeof uid !== 'string') throw new TypeError(`a user id is a string, not ${uid === null ? 'null' : typeof uid}`);
  if (uid === '' || uid === GUEST || uid.length > MAX_UID_LENGTH) {
    throw new SessionError(
      'ERR_SESSION_UID',
      `a user id has 1 to ${MAX_UID_LENGTH} characters and is not '${GUEST}', which stands for nobody; got ${uid.length} characters`,
    );
  }
  return uid;
}

/** Refuses what is no text at all; a text that is no id is simply not there. */
export function checkId(id: unknown): string {
  if (typeof id !== 'string') throw typeError('id', id, 'a session id is a string');
  return id;
}
