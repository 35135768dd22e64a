/** Session data as JSON text, the form in which it is stored. */
import { SessionError } from '../errors.js';

/** The text of empty data. */
export const EMPTY = '{}';

/** The kind of a JSON text that is not an object, by its first character. */
const KINDS: Record<string, string> = { '[': 'an array', '"': 'a string', n: 'null', t: 'a boolean', f: 'a boolean' };

/** The JSON text of `data`. @throws SessionError `ERR_SESSION_DATA` if it has none or is not an object. */
export function stringifyData(data: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw cannotStore(cause);
  }
  if (text?.[0] !== '{') {
    const found = text === undefined ? typeof data : (KINDS[text[0]!] ?? 'a number');
    throw new SessionError(
      'ERR_SESSION_DATA',
      `the session's data must be an object that JSON can represent, not ${found}`,
    );
  }
  return text;
}

/** The error for data that JSON refuses. */
export function cannotStore(cause: unknown): SessionError {
  const why = cause instanceof Error ? cause.message : 'a getter or a toJSON threw';
  return new SessionError('ERR_SESSION_DATA', `the session's data cannot be stored: ${why}`, { cause });
}

/**
 * Parses a stored text: plain objects and arrays only; `__proto__` is an ordinary property without effect.
 * @throws SessionError `ERR_SESSION_DATA`, without the engine's own message, which shows a part of the text.
 */
export function parseData<Data>(text: string): Data {
  try {
    return JSON.parse(text) as Data;
  } catch {
    throw new SessionError('ERR_SESSION_DATA', "the session's data, as it is stored, is not JSON");
  }
}
