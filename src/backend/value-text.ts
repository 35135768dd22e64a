/** One value of the data as JSON text. */
import { SessionError } from '../errors.js';
import { kindOf } from '../options.js';
import { cannotStore } from './json.js';

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
