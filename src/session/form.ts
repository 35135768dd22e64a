/** Form parameters: what a request brought, and what of it a session keeps until `clean()` or the next form. */
import { parse } from 'node:querystring';

export type ParameterValue = string | number | boolean | null | ParameterValue[] | { [name: string]: ParameterValue };

/** Names and values as the form gave them; a name given several times has an array. */
export interface FormParameters {
  readonly [name: string]: ParameterValue;
}

/** Both kinds of a session's parameters. */
export interface Form {
  readonly get?: FormParameters;
  readonly post?: FormParameters;
}

/** What is longer as JSON is not kept: parameters are a convenience and must not cost a session its room. */
const MAX_LENGTH = 8_192;
const SECRET =
  /passw|passphrase|passcode|passkey|pwd|pincode|token|secret|credential|card|cvv|cvc|api[-_ ]?key|private[-_ ]?key/i;
/** Short words that other words contain, and so count only when they stand alone: `otp`, `user_pin`, `OTPCode`. */
const SECRET_WORDS = new Set(['otp', 'pin', 'pass', 'csc', 'mfa']);

/** Whether a value of this name must never be kept. */
export function looksSecret(name: string): boolean {
  if (SECRET.test(name)) return true;
  const spaced = name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.split(/[^A-Za-z]+/).some((word) => SECRET_WORDS.has(word.toLowerCase()));
}

/** The query of a request's URL; `undefined` if there is none. */
export function queryParameters(url: string | undefined): FormParameters | undefined {
  const start = url?.indexOf('?') ?? -1;
  return start < 0 ? undefined : keepable(parse(url!.slice(start + 1)));
}

/** A parsed request body; `undefined` if there is none that is a form. */
export function bodyParameters(body: unknown): FormParameters | undefined {
  if (body instanceof URLSearchParams) return keepable(parse(body.toString()));
  if (typeof body !== 'object' || body === null || Array.isArray(body) || ArrayBuffer.isView(body)) return undefined;
  return keepable(body);
}

/** A copy without the values whose names look secret; of a form that is too long to keep, nothing. */
function keepable(parameters: object): FormParameters {
  let text: string | undefined;
  try {
    text = JSON.stringify(parameters, (name, value: unknown) => (looksSecret(name) ? undefined : value));
  } catch {
    return {};
  }
  return text === undefined || text.length > MAX_LENGTH ? {} : (JSON.parse(text) as FormParameters);
}
