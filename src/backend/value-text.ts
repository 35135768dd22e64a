/** One value of the data as JSON text. */
import { SessionError } from '../errors.js';
import { kindOf } from '../options.js';
import { cannotStore, parseData } from './json.js';

/**
 * The JSON text of a key's value; `undefined` if JSON has nothing for it, as for a function.
 * @throws SessionError `ERR_SESSION_DATA` for a circular structure, a `BigInt`, a `toJSON` that throws.
 */
export function valueText(key: string, value: unknown): string | undefined {
  // A third of the time of `JSON.stringify`, for the values that change most.
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  try {
    // A `toJSON` is told the key, as if the whole object were written.
    if (typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === 'function') {
      return (
        JSON.stringify({ [key]: value })
          .slice(1, -1)
          .slice(JSON.stringify(key).length + 1) || undefined
      );
    }
    return JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw cannotStore(error);
  }
}

/** The most digits of which every number is exact. */
const MAX_DIGITS = 15;

/** The value of a JSON text. @throws SessionError `ERR_SESSION_DATA` as from `parseData`. */
export function parseValue(text: string): unknown {
  // A fifth of the time of `JSON.parse`, for the values that are read most: a short whole number, `true` and `false`.
  const first = text.charCodeAt(0);
  if (first > ZERO && first <= ZERO + 9 && text.length <= MAX_DIGITS) {
    let value = 0;
    for (let n = 0; ; n += 1) {
      if (n === text.length) return value;
      const digit = text.charCodeAt(n) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
  }
  return text === '0' ? 0 : text === 'true' ? true : text === 'false' ? false : parseData(text);
}

const ZERO = 48;

/**
 * The JSON text of a value that is to be stored under a key; `undefined` for `undefined`, which removes the key.
 * @throws SessionError `ERR_SESSION_DATA` also for what JSON has nothing for, a function or a symbol.
 */
export function textToStore(key: string, value: unknown): string | undefined {
  const text = valueText(key, value);
  if (text === undefined && value !== undefined) {
    throw new SessionError('ERR_SESSION_DATA', `JSON has nothing for ${kindOf(value)}: it cannot be stored`);
  }
  return text;
}

/** Returns the key of a value in the data. @throws TypeError unless it is a string. */
export function checkKey(key: unknown): string {
  if (typeof key !== 'string') throw new TypeError(`a key of the session's data is a string, not ${kindOf(key)}`);
  return key;
}
