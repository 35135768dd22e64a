/** Session data as the text that is stored. */
import { SessionError } from '../errors.js';

/** The text of a session that holds nothing. */
export const EMPTY = '{}';

/** What a JSON text that is no object is, by its first character. */
const KINDS: Record<string, string> = { '[': 'an array', '"': 'a string', n: 'null', t: 'a boolean', f: 'a boolean' };

/** The JSON text of `data`, or `ERR_SESSION_DATA` for what has none. */
export function stringifyData(data: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SessionError('ERR_SESSION_DATA', `the session's data cannot be stored: ${why}`, {
      cause,
    });
  }
  if (text?.[0] !== '{') {
    const found = text === undefined ? typeof data : (KINDS[text[0]!] ?? 'a number');
    throw new SessionError('ERR_SESSION_DATA', `the session's data must be an object that JSON can hold, not ${found}`);
  }
  return text;
}

/** The data that a stored text holds: plain objects and arrays only, `__proto__` an ordinary property without effect. */
export function parseData<Data>(text: string): Data {
  return JSON.parse(text) as Data;
}
